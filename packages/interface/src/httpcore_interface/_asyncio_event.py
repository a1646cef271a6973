"""The one-shot event on asyncio; imported only when asyncio runs."""

import asyncio
import contextlib
import math

from ._event import AsyncEvent


class AsyncioEvent(AsyncEvent):
    """A future of the running loop, with a timer where a timeout is given."""

    __slots__ = ("_future", "_is_set", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] | None = None
        self._is_set = False

    def set(self) -> None:
        """Wakes whoever waits, now or later, from any thread."""
        if self._is_set:
            return
        self._is_set = True
        if asyncio._get_running_loop() is self._loop:
            self._wake()
        else:
            # A loop that has ended has nobody left to wake.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def wait(self, timeout: float | None = None) -> bool:
        """Waits until the event is set, or for `timeout` seconds."""
        if self._is_set or (timeout is not None and timeout <= 0):
            return self._is_set
        future = self._future = self._loop.create_future()
        # Set from another thread just now: its call to _wake() may have come
        # before there was a future to find.
        if self._is_set:
            return True
        if timeout is None or math.isinf(timeout):
            await future
        else:
            timer = self._loop.call_later(timeout, self._wake)
            try:
                await future
            finally:
                timer.cancel()
        return self._is_set
