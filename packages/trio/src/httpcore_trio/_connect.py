"""From a host, or a path, to one connected socket.

Several addresses are raced as RFC 8305 has it: an attempt that is slow gets company
after a delay, one that fails is replaced at once, and the first that connects wins.
"""

import collections
import collections.abc
import math
import socket

import trio

from httpcore_interface import (
    CONNECTION_ATTEMPT_DELAY,
    AddressInfo,
    Dial,
    UnixDial,
    begin_connect,
    finish_connect,
    interleave_families,
    seconds_to_wait,
)

from ._wait import one_of

# Seconds between two looks at a Unix server whose queue is full, from the first to the
# longest: Linux refuses a connect then, and offers nothing to wait for.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.02


class Race:
    """One connect to a host.

    Whatever ends it, no other socket than the winner is left open.

    Args:
        dial: What was asked for.

    Attributes:
        tried: How many addresses were tried.
        failures: Those that have failed.
    """

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._waiting: collections.deque[AddressInfo] = collections.deque()
        self._running = 0
        self._winner: socket.socket | None = None
        self._news = trio.Event()
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
            if len(self._waiting) == 1:
                await self._attempt(self._waiting.popleft())
            else:
                await self._attempt_all()
        except BaseException:
            if self._winner is not None:
                self._winner.close()
            raise
        if self._winner is None:
            raise self._dial.failure(self.failures) from self.failures[-1][1]
        return self._winner

    async def _resolve(self) -> collections.abc.Sequence[AddressInfo]:
        try:
            addresses = await trio.socket.getaddrinfo(
                self._dial.host, self._dial.port, type=socket.SOCK_STREAM
            )
        # UnicodeError: no host name according to IDNA.
        except (OSError, UnicodeError) as exc:
            raise self._dial.not_resolved(exc) from exc
        if not addresses:
            raise self._dial.not_resolved("it has no address")
        return addresses

    async def _attempt_all(self) -> None:
        failure: BaseException | None = None
        try:
            async with trio.open_nursery() as nursery:
                while (self._waiting or self._running) and self._winner is None:
                    self._news = trio.Event()
                    if self._waiting:
                        nursery.start_soon(self._attempt, self._waiting.popleft())
                    with trio.move_on_after(
                        CONNECTION_ATTEMPT_DELAY if self._waiting else math.inf
                    ):
                        await self._news.wait()
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            failure = one_of(group)
        # Outside of the handler: the group must not become its context, and thus a cycle.
        if failure is not None:
            raise failure

    async def _attempt(self, address: AddressInfo) -> None:
        self.tried += 1
        self._running += 1
        try:
            sock = await self._connect(address)
            if self._winner is None:
                self._winner = sock
            else:
                # Two at the same moment.
                sock.close()
        except OSError as exc:
            self.failures.append((str(address[4][0]), exc))
        finally:
            self._running -= 1
            self._news.set()

    async def _connect(self, address: AddressInfo) -> socket.socket:
        sock = self._dial.open_socket(address)
        try:
            if not begin_connect(sock, address[4]):
                await trio.lowlevel.wait_writable(sock)
                finish_connect(sock)
        except BaseException:
            sock.close()
            raise
        return sock


async def connect_tcp(dial: Dial) -> socket.socket:
    """Returns a socket that is connected to a host, within the time.

    Raises:
        ConnectTimeout: No attempt succeeded in time.
        ConnectError: The name is unknown, or all attempts failed.
    """
    race = Race(dial)
    seconds = seconds_to_wait(dial.timeout)
    if seconds is None:
        return await race.run()
    with trio.CancelScope(deadline=trio.current_time() + seconds):
        return await race.run()
    raise dial.timed_out(race.tried, race.failures)


async def connect_unix(dial: UnixDial) -> socket.socket:
    """Returns a socket that is connected to the one at a path, within the time.

    Raises:
        ConnectTimeout: The server did not accept in time.
        ConnectError: The connect failed, or the platform has no Unix sockets.
    """
    seconds = seconds_to_wait(dial.timeout)
    if seconds is None:
        return await _wait_accepted(dial)
    with trio.CancelScope(deadline=trio.current_time() + seconds):
        return await _wait_accepted(dial)
    raise dial.timed_out()


async def _wait_accepted(dial: UnixDial) -> socket.socket:
    """Connects as soon as the server's queue has room."""
    sock = dial.open_socket()
    pause = _FIRST_PAUSE
    try:
        while True:
            try:
                sock.connect(dial.path)
            except BlockingIOError:
                await trio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            # ValueError: a path that no file can have.
            except (OSError, ValueError) as exc:
                raise dial.failure(exc) from exc
            else:
                return sock
    except BaseException:
        sock.close()
        raise
