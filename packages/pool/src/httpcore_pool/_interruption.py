"""Ending, from elsewhere, what a task waits for: how closing ends a connect.

A cancellation that is ours alone, made into an error where it was aimed at: the rest
of the task never hears of it. asyncio and trio are taken from where whoever runs them
has imported them.
"""

import collections.abc
import contextlib
import sys
import typing

from httpcore_interface import ConnectError, running_async_library

T = typing.TypeVar("T")

_INTERRUPTED = "the connect was interrupted"


class Interruptible(typing.Protocol):
    """One wait of a task."""

    async def run(self, waiting: collections.abc.Awaitable[T]) -> T:
        """Waits, in the task that made this.

        Raises:
            ConnectError: It was interrupted.
        """

    def interrupt(self) -> None:
        """Ends the wait, from any task and any thread."""


def interruptible() -> Interruptible | None:
    """Returns a wait for the task that is running; None if nothing is that we know."""
    try:
        library = running_async_library()
    except RuntimeError:
        return None
    return _OnTrio() if library == "trio" else _OnAsyncio()


class _OnAsyncio:
    __slots__ = ("_asyncio", "_is_due", "_is_over", "_loop", "_task")

    def __init__(self) -> None:
        self._asyncio = asyncio = sys.modules["asyncio"]
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._is_due = False
        self._is_over = False

    async def run(self, waiting: collections.abc.Awaitable[T]) -> T:
        # Whoever else cancels this task counts as well (asyncio's docs, Task.uncancel):
        # only where nobody has, the cancellation is ours to end.
        others = self._task.cancelling()
        try:
            return await waiting
        except self._asyncio.CancelledError as exc:
            if not self._is_due or self._task.uncancel() > others:
                raise
            raise ConnectError(_INTERRUPTED) from exc
        finally:
            self._is_over = True

    def interrupt(self) -> None:
        if self._asyncio._get_running_loop() is self._loop:
            self._cancel()
        else:
            # A loop that has ended has nobody left to interrupt.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._is_over or self._is_due:
            return
        # In its wait the task is suspended, and that is where this comes out. If it is
        # the task itself that calls, it need not be told.
        if self._asyncio.current_task(self._loop) is not self._task:
            self._is_due = True
            self._task.cancel()


class _OnTrio:
    __slots__ = ("_scope", "_token", "_trio")

    def __init__(self) -> None:
        self._trio = trio = sys.modules["trio"]
        self._token = trio.lowlevel.current_trio_token()
        self._scope = trio.CancelScope()

    async def run(self, waiting: collections.abc.Awaitable[T]) -> T:
        with self._scope:
            return await waiting
        raise ConnectError(_INTERRUPTED)

    def interrupt(self) -> None:
        # A run that has ended has nobody left to interrupt.
        with contextlib.suppress(self._trio.RunFinishedError):
            self._token.run_sync_soon(self._scope.cancel)
