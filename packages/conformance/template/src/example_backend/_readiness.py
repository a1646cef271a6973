"""Waiting until a socket can be read or written."""

import asyncio
import socket


class Readiness:
    """Who waits for a socket, in one event loop.

    Args:
        sock: Does not block.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = sock.fileno()
        self._readers: set[asyncio.Future[bool]] = set()
        self._writers: set[asyncio.Future[bool]] = set()

    async def wait(self, seconds: float | None, *, writing: bool) -> bool:
        """Waits; whether it came true within the time, 0 or more (None: without an end)."""
        if seconds == 0:
            return False
        waiting = self._writers if writing else self._readers
        if not waiting:
            watch = self._loop.add_writer if writing else self._loop.add_reader
            watch(self._descriptor, _finish_all, waiting)
        future: asyncio.Future[bool] = self._loop.create_future()
        waiting.add(future)
        # No asyncio.wait_for: that of Python 3.11 may swallow a cancellation.
        timer = seconds and self._loop.call_later(seconds, _finish, future, False)
        try:
            return await future
        finally:
            if timer:
                timer.cancel()
            waiting.discard(future)
            if not waiting:
                self._unwatch(writing=writing)

    def _unwatch(self, *, writing: bool) -> None:
        if self._descriptor < 0:
            return
        if writing:
            self._loop.remove_writer(self._descriptor)
        else:
            self._loop.remove_reader(self._descriptor)

    def close(self) -> None:
        """Wakes whoever waits; to be called before the socket is closed."""
        for writing in (False, True):
            self._unwatch(writing=writing)
        self._descriptor = -1
        _finish_all(self._readers)
        _finish_all(self._writers)


def _finish_all(waiting: set[asyncio.Future[bool]]) -> None:
    for future in waiting:
        _finish(future, True)


def _finish(future: asyncio.Future[bool], is_ready: bool) -> None:
    if not future.done():
        future.set_result(is_ready)
