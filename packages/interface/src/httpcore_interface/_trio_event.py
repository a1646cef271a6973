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
        try:
            here = trio.lowlevel.current_trio_token()
        except RuntimeError:
            here = None
        if here is self._token:
            self._event.set()
        else:
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
