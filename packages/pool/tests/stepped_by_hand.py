"""Coroutines without an event loop: stepped by hand, and closed in the middle.

What becomes of a coroutine that nobody will ever resume: its loop has ended, or it was
thrown away. Python raises GeneratorExit in it, and in what follows it must not wait.
"""

import collections.abc
import types
import typing

from pace import Hook, Pace

from httpcore_interface import AsyncEvent

T = typing.TypeVar("T")


@types.coroutine
def suspend() -> collections.abc.Generator[None, None, None]:
    """Waits to be resumed."""
    yield


class HandEvent(AsyncEvent):
    """An event that is waited for step by step."""

    __slots__ = ("_is_set",)

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    async def wait(self, timeout: float | None = None) -> bool:
        while not self._is_set and (timeout is None or timeout > 0):
            await suspend()
        return self._is_set


class HandPace(Pace):
    """Suspends at every checkpoint, until it is resumed by hand."""

    def create_event(self) -> AsyncEvent:
        return HandEvent()

    async def checkpoint(self) -> None:
        await suspend()

    async def run_hook(self, hook: Hook) -> None:
        await suspend()
        hook()


def finish(coroutine: collections.abc.Coroutine[object, None, T]) -> tuple[T, int]:
    """Steps a coroutine to its end; returns what it does, and how often it waited."""
    for count in range(1000):
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return typing.cast("T", stop.value), count
    raise AssertionError("a coroutine does not come to its end")


def step(coroutine: collections.abc.Coroutine[object, None, object], count: int) -> None:
    """Steps a coroutine so often; it is not over yet."""
    for _ in range(count):
        coroutine.send(None)
