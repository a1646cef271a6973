"""From the addresses of a host to one connected TCP socket.

Several addresses are raced as RFC 8305 has it: an attempt that is slow gets company
after a delay, one that fails is replaced at once, and the first that connects wins.
"""

import asyncio
import collections
import collections.abc
import errno
import os
import socket

from httpcore_interface import CONNECTION_ATTEMPT_DELAY, ConnectTimeout, interleave_families

from ._dial import Dial
from ._resolve import AddressInfo


class Race:
    """One connect to the addresses of a host.

    Whatever ends it, no other socket than the winner is left open, and no task.

    Args:
        dial: What was asked for.
        addresses: What `resolve` returned.
    """

    __slots__ = ("_dial", "_failures", "_running", "_tried", "_waiting", "_winner")

    def __init__(self, dial: Dial, addresses: collections.abc.Iterable[AddressInfo]) -> None:
        self._dial = dial
        self._waiting = collections.deque(interleave_families(addresses))
        self._running: set[asyncio.Task[None]] = set()
        self._tried = 0
        self._failures: list[tuple[str, Exception]] = []
        self._winner: socket.socket | None = None

    async def run(self) -> socket.socket:
        """Runs the race to its end.

        Raises:
            ConnectError: All attempts failed.
        """
        try:
            try:
                await self._wait_winner()
            finally:
                await self._stop()
        except BaseException:
            # It may have come in just when we were told to stop.
            if self._winner is not None:
                self._winner.close()
            raise
        return self._result()

    def run_at_once(self) -> socket.socket:
        """Runs the race for as long as no attempt has to wait.

        Raises:
            ConnectTimeout: No attempt succeeded, and not all of them failed.
            ConnectError: All of them failed.
        """
        while self._waiting and self._winner is None:
            self._attempt_at_once(self._start_next())
        if self._winner is None and self._tried > len(self._failures):
            raise self.expired()
        return self._result()

    def expired(self) -> ConnectTimeout:
        """Returns what to raise when the timeout has passed."""
        return self._dial.expired(self._tried, self._failures)

    def _result(self) -> socket.socket:
        if self._winner is None:
            raise self._dial.failure(self._failures) from self._failures[-1][1]
        return self._winner

    async def _wait_winner(self) -> None:
        if len(self._waiting) == 1:
            # Without company there is no need for a task.
            await self._attempt(self._start_next())
        while self._winner is None and (self._waiting or self._running):
            if self._waiting:
                attempt = self._attempt(self._start_next())
                self._running.add(asyncio.create_task(attempt))
            delay = CONNECTION_ATTEMPT_DELAY if self._waiting else None
            done, self._running = await asyncio.wait(
                self._running, timeout=delay, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()

    async def _stop(self) -> None:
        """Ends all attempts; each closes its own socket."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _start_next(self) -> AddressInfo:
        self._tried += 1
        return self._waiting.popleft()

    async def _attempt(self, address: AddressInfo) -> None:
        sock = self._open_socket(address)
        if sock is None:
            return
        try:
            await asyncio.get_running_loop().sock_connect(sock, address[4])
        except OSError as exc:
            sock.close()
            self._note_failure(address, exc)
        except BaseException:
            sock.close()
            raise
        else:
            self._win(sock)

    def _attempt_at_once(self, address: AddressInfo) -> None:
        sock = self._open_socket(address)
        if sock is None:
            return
        error = sock.connect_ex(address[4])
        if error:
            # Over a loopback it is connected by now, though the call did not wait.
            error = sock.connect_ex(address[4])
        if error in (0, errno.EISCONN):
            self._win(sock)
            return
        sock.close()
        if error not in (errno.EALREADY, errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._note_failure(address, OSError(error, os.strerror(error)))

    def _open_socket(self, address: AddressInfo) -> socket.socket | None:
        try:
            return self._dial.open_socket(address)
        except (OSError, UnicodeError) as exc:
            self._note_failure(address, exc)
            return None

    def _win(self, sock: socket.socket) -> None:
        if self._winner is None:
            self._winner = sock
        else:
            sock.close()

    def _note_failure(self, address: AddressInfo, exc: Exception) -> None:
        self._failures.append((str(address[4][0]), exc))
