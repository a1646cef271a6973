"""The one-shot event on asyncio; imported only when asyncio runs."""

import asyncio
import contextlib
import math

from ._event import AsyncEvent


class AsyncioEvent(AsyncEvent):
    """A future for each that waits, with a timer where a timeout is given."""

    __slots__ = ("_futures", "_is_set", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._futures: set[asyncio.Future[None]] = set()
        self._is_set = False

    def set(self) -> None:
        """Wakes whoever waits, now or later, from any thread."""
        if self._is_set:
            return
        self._is_set = True
        # Outside of a task it may be the garbage collector, which has interrupted the loop
        # after its last look whether anybody can go on: then only the way of a thread
        # keeps it from going to sleep.
        if (
            asyncio._get_running_loop() is self._loop
            and asyncio.current_task(self._loop) is not None
        ):
            self._wake()
        else:
            # A loop that has ended has nobody left to wake.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for future in self._futures:
            _finish(future)

    async def wait(self, timeout: float | None = None) -> bool:
        """Waits until the event is set, or for `timeout` seconds."""
        if self._is_set or (timeout is not None and timeout <= 0):
            return self._is_set
        future: asyncio.Future[None] = self._loop.create_future()
        self._futures.add(future)
        timer = None
        try:
            # Set just now, by a finaliser in this thread: there was no future to find.
            if self._is_set:
                return True
            if timeout is not None and timeout != math.inf:
                timer = self._loop.call_later(timeout, _finish, future)
            await future
        finally:
            self._futures.discard(future)
            if timer is not None:
                timer.cancel()
        return self._is_set


def _finish(future: asyncio.Future[None]) -> None:
    # Not asked first: a finaliser may set the event between the answer and what follows.
    with contextlib.suppress(asyncio.InvalidStateError):
        future.set_result(None)
