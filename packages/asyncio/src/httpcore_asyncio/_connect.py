"""From a host to one connected TCP socket.

Several addresses are raced as RFC 8305 has it: an attempt that is slow gets company
after a delay, one that fails is replaced at once, and the first that connects wins.
"""

import asyncio
import collections
import collections.abc
import socket

from httpcore_interface import (
    CONNECTION_ATTEMPT_DELAY,
    AddressInfo,
    Dial,
    begin_connect,
    interleave_families,
    seconds_to_wait,
)


async def connect_tcp(dial: Dial) -> socket.socket:
    """Returns a socket that is connected to a host, within the time.

    Raises:
        ConnectTimeout: No attempt succeeded in time.
        ConnectError: The name is unknown, or all attempts failed.
    """
    race = Race(dial)
    seconds = seconds_to_wait(dial.timeout)
    if seconds == 0:
        return race.run_at_once()
    try:
        async with asyncio.timeout(seconds):
            return await race.run()
    # No other than ours: those of the system have become a ConnectError.
    except TimeoutError as exc:
        raise dial.timed_out(race.tried, race.failures) from exc


class Race:
    """One connect to a host.

    Whatever ends it, no other socket than the winner is left open, and no task.

    Args:
        dial: What was asked for.

    Attributes:
        tried: How many addresses were tried.
        failures: Those that have failed.
    """

    __slots__ = ("_dial", "_running", "_waiting", "_winner", "failures", "tried")

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._waiting: collections.deque[AddressInfo] = collections.deque()
        self._running: set[asyncio.Task[None]] = set()
        self._winner: socket.socket | None = None
        self.tried = 0
        self.failures: list[tuple[str, Exception]] = []

    async def run(self) -> socket.socket:
        """Resolves the host, and connects to one of its addresses.

        Raises:
            ConnectError: The name is unknown, or all attempts failed.
        """
        addresses = self._dial.literal_addresses()
        if addresses is None:
            addresses = await self._resolve()
        self._waiting.extend(interleave_families(addresses))
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
        """Connects to one of the addresses, if that takes no time.

        Raises:
            ConnectTimeout: It would, as would asking for the addresses of a name.
            ConnectError: All attempts failed.
        """
        self._waiting.extend(interleave_families(self._dial.literal_addresses() or ()))
        while self._waiting and self._winner is None:
            self._attempt_at_once(self._start_next())
        if self._winner is None and (not self.tried or self.tried > len(self.failures)):
            raise self._dial.timed_out(self.tried, self.failures)
        return self._result()

    def _result(self) -> socket.socket:
        if self._winner is None:
            raise self._dial.failure(self.failures) from self.failures[-1][1]
        return self._winner

    async def _resolve(self) -> collections.abc.Sequence[AddressInfo]:
        try:
            addresses = await asyncio.get_running_loop().getaddrinfo(
                self._dial.host, self._dial.port, type=socket.SOCK_STREAM
            )
        # UnicodeError: no host name according to IDNA.
        except (OSError, UnicodeError) as exc:
            raise self._dial.not_resolved(exc) from exc
        if not addresses:
            raise self._dial.not_resolved("it has no address")
        return addresses

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
        self.tried += 1
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
        try:
            if begin_connect(sock, address[4]):
                self._win(sock)
            else:
                sock.close()
        except OSError as exc:
            sock.close()
            self._note_failure(address, exc)
        except BaseException:
            sock.close()
            raise

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
            # Two at the same moment.
            sock.close()

    def _note_failure(self, address: AddressInfo, exc: Exception) -> None:
        self.failures.append((str(address[4][0]), exc))
