"""Threads whose outcome is asked for, and that cannot hang a test run."""

import threading
import typing

from .deadlines import DEADLINE

T = typing.TypeVar("T")


class Worker(typing.Generic[T]):
    """Runs `work` in a thread, from now on."""

    def __init__(self, work: typing.Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None
        # A daemon: what hangs is reported by result(), and must not keep the
        # interpreter from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:
            self._error = error

    def is_running(self) -> bool:
        return self._thread.is_alive()

    def result(self, deadline: float = DEADLINE) -> T:
        """Waits for the end; returns what the work returned, or raises what it raised."""
        self._join(deadline)
        if self._error is not None:
            raise self._error
        return self._results[0]

    def outcome(self, deadline: float = DEADLINE) -> T | Exception:
        """Like `result`, but hands out an exception instead of raising it."""
        self._join(deadline)
        if isinstance(self._error, Exception):
            return self._error
        return self.result()

    def error(self, deadline: float = DEADLINE) -> Exception:
        """Waits for the end, which must be an exception."""
        outcome = self.outcome(deadline)
        assert isinstance(outcome, Exception), f"returned {outcome!r} instead of raising"
        return outcome

    def _join(self, deadline: float) -> None:
        self._thread.join(deadline)
        if self._thread.is_alive():
            raise AssertionError(f"still running after {deadline} s: {self._work!r}")


def run_together(
    count: int, work: typing.Callable[[int], T], deadline: float = 4 * DEADLINE
) -> list[T]:
    """Runs `work(0)` to `work(count - 1)`, each in a thread, and returns the results."""
    return [worker.result(deadline) for worker in _start_together(count, work)]


def outcomes_together(
    count: int, work: typing.Callable[[int], T], deadline: float = 4 * DEADLINE
) -> list[T | Exception]:
    """Like `run_together`, with exceptions in the places of results."""
    return [worker.outcome(deadline) for worker in _start_together(count, work)]


def _start_together(count: int, work: typing.Callable[[int], T]) -> list[Worker[T]]:
    # All begin at once, however long starting the threads takes.
    gate = threading.Barrier(count)

    def behind_the_gate(number: int) -> T:
        gate.wait(DEADLINE)
        return work(number)

    return [Worker(_bind(behind_the_gate, number)) for number in range(count)]


def _bind(work: typing.Callable[[int], T], number: int) -> typing.Callable[[], T]:
    return lambda: work(number)
