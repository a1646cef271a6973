"""Waiting for what other threads do: always with a deadline, never longer than needed."""

import threading
import time
import typing

DEADLINE = 10.0
"""Seconds after which a wait has failed. Nothing here takes a tenth of it when all is well."""


class Signal:
    """A one-shot event whose wait fails instead of lasting for ever."""

    def __init__(self, meaning: str) -> None:
        self._meaning = meaning
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self) -> None:
        if not self._event.wait(DEADLINE):
            raise AssertionError(f"not within {DEADLINE} s: {self._meaning}")


def wait_until(condition: typing.Callable[[], bool], meaning: str) -> None:
    """Looks again and again, for states that nothing announces."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {DEADLINE} s: {meaning}")
        time.sleep(0.001)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start
