"""Tests that run within a test."""

import collections.abc
import os
import sys

import pytest


class RunInside:
    """Runs pytest, and lets go of what it has seen.

    Args:
        pytester: Where to run, and how.

    Attributes:
        pytester: The same.
    """

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self._runs: list[pytest.HookRecorder] = []

    def __call__(
        self,
        *arguments: str | os.PathLike[str],
        plugins: collections.abc.Sequence[object] = (),
    ) -> pytest.HookRecorder:
        """Runs; returns what happened."""
        without = [f"-pno:{name}" for name in ("randomly", "cacheprovider", "xdist")]
        run = self.pytester.inline_run(*arguments, *without, plugins=plugins)
        self._runs.append(run)
        return run

    def forget(self) -> None:
        """Forgets each failure, and so whatever the frames of its traceback hold.

        Nothing else would: a module that is first imported in such a run knows its
        configuration, and that what happened.
        """
        for run in self._runs:
            run.clear()
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            vars(sys).pop(name, None)
