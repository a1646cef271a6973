"""The one-shot event on trio; imported only when trio runs."""

import contextlib

import trio

from ._event import AsyncEvent


class TrioEvent(AsyncEvent):
    """A trio event that may be set from other threads, and by finalisers."""

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
        # Never at once, though a task of this very run may be calling: it may be the
        # garbage collector, which has interrupted trio in the middle of anything. A task
        # that is about to wait would not be woken; one that is just being cancelled
        # would be woken twice, which ends the whole run.
        # A run that has ended has nobody left to wake.
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._event.set)

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
