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
        self._readers: set[asyncio.Future[None]] = set()
        self._writers: set[asyncio.Future[None]] = set()

    async def wait(self, seconds: float | None, *, writing: bool) -> bool:
        """Waits; whether it came true within the time, 0 or more (None: without an end)."""
        if seconds == 0:
            return False
        waiting = self._writers if writing else self._readers
        if not waiting:
            watch = self._loop.add_writer if writing else self._loop.add_reader
            watch(self._descriptor, _wake, waiting)
        future = self._loop.create_future()
        waiting.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            waiting.discard(future)
            if not waiting:
                self._unwatch(writing=writing)
        return True

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
        _wake(self._readers)
        _wake(self._writers)


def _wake(waiting: set[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)
