"""How calls are run, blocking or async, so that a check need not know which.

A check is a plain function in the main thread. Every call of the backend runs
elsewhere, in a thread or in an event loop in a thread, and the check waits for it, or
goes on meanwhile. So nothing that a backend does can hold up a check for ever.
"""

import abc
import collections.abc
import inspect
import sys
import threading
import types
import typing

from ._operation import Operation
from ._stepping import Stepped

Result = typing.TypeVar("Result")

Call = collections.abc.Callable[[], Result | collections.abc.Awaitable[Result]]

Main = collections.abc.Callable[[], collections.abc.Coroutine[object, object, None]]

# What awaits something, and gets a function to have itself cancelled with.
Cancellable = collections.abc.Callable[
    [collections.abc.Callable[[], object]], collections.abc.Awaitable[None]
]

# A thread whose frame has not moved for so many looks in a row waits, most likely.
_LOOKS = 10


class Runner(abc.ABC):
    """Runs calls of a backend.

    Attributes:
        patience: Seconds after which a call that has not come to its end has failed.
    """

    def __init__(self) -> None:
        self.patience = 10.0

    def begin(self, name: str, call: Call[Result]) -> Operation[Result]:
        """Begins a call.

        Args:
            name: How to speak of it.
            call: Makes the call; what it returns is awaited if need be.
        """
        operation: Operation[Result] = Operation(name, self.patience)
        self.start(operation, call)
        return operation

    def run(self, name: str, call: Call[Result]) -> Result:
        """Runs a call to its end, and returns or raises what came of it."""
        return self.begin(name, call).result()

    @abc.abstractmethod
    def start(self, operation: Operation[Result], call: Call[Result]) -> None:
        """Begins a call, and tells the operation how it goes, whatever comes of it."""

    def complaints(self) -> collections.abc.Sequence[str]:
        """Returns what went wrong where nobody was there to hear of it."""
        return ()

    @abc.abstractmethod
    def stop(self) -> None:
        """Frees what it has."""


class ThreadRunner(Runner):
    """Runs calls of a blocking backend, each in a thread."""

    def start(self, operation: Operation[Result], call: Call[Result]) -> None:
        """Begins a call in a thread of its own."""

        def main() -> None:
            operation.begin(_watch_thread(threading.get_ident()))
            try:
                operation.succeed(_not_awaitable(call()))
            except BaseException as exc:  # noqa: BLE001 - told to whoever asks
                operation.fail(exc)

        # One that never ends does not keep the program from ending.
        threading.Thread(target=main, name=str(operation), daemon=True).start()

    def stop(self) -> None:
        """Does nothing: threads end with their calls."""


def _not_awaitable(result: Result | collections.abc.Awaitable[Result]) -> Result:
    if inspect.iscoroutine(result):
        result.close()
    if inspect.isawaitable(result):
        raise AssertionError("a call of a blocking backend returned something to await")
    return result


def _watch_thread(ident: int) -> collections.abc.Callable[[], bool]:
    """Returns a function that tells whether a thread has stopped to move."""
    places: list[tuple[types.FrameType, int] | None] = []

    def looks_blocked() -> bool:
        frame = sys._current_frames().get(ident)
        place = frame and (frame, frame.f_lasti)
        if places and places[-1] != place:
            places.clear()
        places.append(place)
        return len(places) >= _LOOKS

    return looks_blocked


class AsyncRunner(Runner):
    """Runs calls of an async backend, as tasks of an event loop in a thread.

    Subclass it for an event loop that is neither asyncio's, or like it, nor trio's.
    """

    def start(self, operation: Operation[Result], call: Call[Result]) -> None:
        """Begins a call in a task of its own."""

        async def main() -> None:
            watch = _Watch()
            operation.begin(watch.looks_blocked)
            try:
                result = call()
                if inspect.isawaitable(result):
                    result = await Stepped(result, watch.suspended)
                operation.succeed(typing.cast("Result", result))
            # Nowhere else may anything that is raised be seen, cancellations excepted.
            except BaseException as exc:
                operation.fail(exc)
                if not isinstance(exc, Exception):
                    raise

        self.spawn(main)

    @abc.abstractmethod
    def spawn(self, main: Main) -> None:
        """Begins a task in the loop; called in another thread.

        What `main` raises, a cancellation, ends that task and nothing else.
        """

    @abc.abstractmethod
    async def run_cancellable(self, function: Cancellable) -> bool:
        """Awaits, in the loop, a function that may have itself cancelled.

        Args:
            function: Gets a function that requests the cancellation, and never waits.

        Returns:
            Whether it was cancelled. What else it raises goes on to the caller.
        """

    @abc.abstractmethod
    async def go_round(self) -> None:
        """Lets everything else in the loop have its turn, once."""


class _Watch:
    """Notes whether a coroutine is suspended."""

    def __init__(self) -> None:
        self._suspensions = 0
        self._seen = (0, 0)

    def suspended(self, yielded: object) -> None:
        """Notes a suspension; called in the loop."""
        self._suspensions += 1

    def looks_blocked(self) -> bool:
        """Whether there was no news for some looks; called in another thread."""
        count, looks = self._seen
        looks = looks + 1 if count == self._suspensions else 0
        self._seen = (self._suspensions, looks)
        return self._suspensions > 0 and looks >= _LOOKS
