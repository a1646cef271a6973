"""What the contract says, tied to the check that looks whether it is so."""

import contextlib
import types

import pytest

# What pytest uses to skip, fail or leave: no verdict of ours.
_OUTCOMES = (pytest.skip.Exception, pytest.fail.Exception, pytest.exit.Exception)


class ContractBroken(AssertionError):  # noqa: N818 - a verdict, no accident
    """A backend does not do what the contract says."""


class contract(contextlib.ContextDecorator):  # noqa: N801 - used like a function
    """Says which sentence of the contract a check, or a part of one, is about.

    Whatever goes wrong inside is told together with the sentence. The innermost one
    counts.

    Args:
        sentence: What the contract says, without a full stop.
    """

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        # The source of the check is what a failure shows.
        __tracebackhide__ = True
        if not isinstance(exc, Exception) or isinstance(exc, (ContractBroken, *_OUTCOMES)):
            return
        what = str(exc) if isinstance(exc, AssertionError) else f"{type(exc).__name__}: {exc}"
        raise ContractBroken(f"the contract: {self._sentence}\n{what}") from exc
