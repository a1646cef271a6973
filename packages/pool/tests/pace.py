"""How a scripted network waits: not at all, or in an event loop.

`scripted.py` is written once, as coroutines. Over `Pace`, which never suspends,
they are stepped for blocking code; over `LoopPace` they are awaited, and each call
suspends as those of real backends may.
"""

import collections.abc
import typing

from event_loops import Loop, cancel_caller

from httpcore_interface import AsyncEvent, Event, create_async_event

T = typing.TypeVar("T")

Hook = collections.abc.Callable[[], object]


def step(coroutine: collections.abc.Coroutine[object, None, T]) -> T:
    """Runs a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return typing.cast("T", stop.value)
    coroutine.close()
    raise AssertionError("a network for blocking code had to wait")


class PlainEvent(AsyncEvent):
    """An event for threads, in the form of one for tasks."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, timeout: float | None = None) -> bool:
        return self._event.wait(timeout)


class Pace:
    """Never suspends: for blocking code."""

    def create_event(self) -> AsyncEvent:
        """An event of this colour."""
        return PlainEvent()

    async def checkpoint(self) -> None:
        """Lets others go on for a moment."""

    async def run_hook(self, hook: Hook) -> None:
        """Lets something happen elsewhere."""
        hook()

    async def cancel(self) -> None:
        """Cancels whoever calls."""
        raise AssertionError("blocking code cannot be cancelled")


class LoopPace(Pace):
    """Suspends at every checkpoint."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def create_event(self) -> AsyncEvent:
        return create_async_event()

    async def checkpoint(self) -> None:
        await self._loop.checkpoint()

    async def run_hook(self, hook: Hook) -> None:
        # It may itself drive what runs in the loop.
        await self._loop.in_thread(hook)

    async def cancel(self) -> None:
        cancel_caller.get()()
        # A timeout takes a few turns of the loop.
        for _ in range(10):
            await self._loop.checkpoint()
        raise AssertionError("the cancellation did not arrive")
