"""One call of a backend that is under way, and what comes of it."""

import collections.abc
import threading
import time
import types
import typing

Result = typing.TypeVar("Result")

# Seconds within which a call has come to where it waits, most likely.
_TIME_TO_BLOCK = 0.5


class Operation(typing.Generic[Result]):
    """A call in a thread or an event loop of its own.

    Args:
        name: How to speak of it, such as `read(100, timeout=5)`.
        patience: Seconds after which a call that has not come to its end has failed.
    """

    def __init__(self, name: str, patience: float) -> None:
        self._name = name
        self._patience = patience
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._began: float | None = None
        self._ended: float | None = None
        self._has_begun = threading.Event()
        self._is_over = threading.Event()
        self._looks_blocked: collections.abc.Callable[[], bool] = self._is_over.is_set

    def __str__(self) -> str:
        return self._name

    @property
    def seconds(self) -> float:
        """How long it took, measured where it ran."""
        self.wait_over()
        assert self._began is not None
        assert self._ended is not None
        return self._ended - self._began

    def begin(self, looks_blocked: collections.abc.Callable[[], bool]) -> None:
        """Notes that the call begins now.

        Args:
            looks_blocked: Tells, in any thread, whether the call seems to wait.
        """
        self._looks_blocked = looks_blocked
        self._began = time.monotonic()
        self._has_begun.set()

    def succeed(self, result: Result) -> None:
        """Notes what the call has returned."""
        self._results.append(result)
        self._end()

    def fail(self, error: BaseException) -> None:
        """Notes what the call has raised."""
        self._error = error
        self._end()

    def _end(self) -> None:
        self._ended = time.monotonic()
        self._is_over.set()

    def ends_within(self, seconds: float) -> bool:
        """Waits; whether the call has come to its end."""
        return self._is_over.wait(seconds)

    def wait_over(self) -> None:
        """Waits for the end.

        Raises:
            AssertionError: It does not come.
        """
        assert self._is_over.wait(self._patience), (
            f"{self} has not come to its end within {self._patience:g} seconds"
        )

    def wait_blocked(self) -> None:
        """Waits until the call waits for something, as far as that can be seen, or is over.

        What is checked afterwards has to be right either way: this only makes it likely
        that it is checked at the interesting moment. A call that looks again and again
        by itself never seems to wait, and has had its time.
        """
        assert self._has_begun.wait(self._patience), f"{self} has not begun"
        end = time.monotonic() + _TIME_TO_BLOCK
        while not self._looks_blocked() and time.monotonic() < end:
            if self._is_over.wait(0.0005):
                return

    def result(self) -> Result:
        """Waits for the end, and returns or raises what came of it."""
        self.wait_over()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def raised(self, *expected: type[Exception]) -> Exception:
        """Waits for the end, and returns the exception that had to come.

        Raises:
            AssertionError: None came, or another one.
        """
        self.wait_over()
        names = " or ".join(kind.__name__ for kind in expected)
        error = self._error
        if error is None:
            message = f"{self} returned {_shorten(self._results[0])}, and did not raise {names}"
            raise AssertionError(message)
        if isinstance(error, expected):
            return error
        message = f"{self} raised {type(error).__name__}, not {names}: {error}"
        raise AssertionError(message) from error

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        """Ends a block that needs the call to succeed: its failure is the more telling one."""
        if exc is None or (self._is_over.is_set() and self._error is not None):
            self.result()

    def outcome(self) -> Result | BaseException:
        """Waits for the end, and returns what came of it, the exception, too."""
        self.wait_over()
        return self._results[0] if self._error is None else self._error


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) < 100 else f"{text[:100]}..."
