"""The one-shot event on trio; imported only when trio runs."""

import contextlib

import trio

from ._event import AsyncEvent


class TrioEvent(AsyncEvent):
    """A trio event that may be set from other threads."""

    __slots__ = ("_event", "_is_set", "_token")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        self._is_set = False

    def set(self) -> None:
        """Wakes whoever waits, now or later, from any thread."""
        if self._is_set:
            return
        self._is_set = True
        if self._is_here():
            self._event.set()
        else:
            # A run that has ended has nobody left to wake.
            with contextlib.suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._event.set)

    def _is_here(self) -> bool:
        """Whether a task of the event's own run is calling."""
        try:
            # Between two tasks a finaliser has to take the way of another thread: trio
            # may be emptying its set of runnable tasks, and would lose one added now.
            trio.lowlevel.current_task()
        except RuntimeError:
            return False
        return trio.lowlevel.current_trio_token() is self._token

    async def wait(self, timeout: float | None = None) -> bool:
        """Waits until the event is set, or for `timeout` seconds."""
        if self._is_set or (timeout is not None and timeout <= 0):
            return self._is_set
        if timeout is None:
            await self._event.wait()
        else:
            with trio.move_on_after(timeout):
                await self._event.wait()
        return self._is_set
