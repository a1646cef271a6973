"""From a host, or a path, to one connected socket.

Several addresses are raced as RFC 8305 has it: an attempt that is slow gets company
after a delay, one that fails is replaced at once, and the first that connects wins.
"""

import collections
import collections.abc
import math
import socket

from .._addresses import CONNECTION_ATTEMPT_DELAY, interleave_families
from .._dial import AddressInfo, Dial, UnixDial, begin_connect, finish_connect, unix_pauses
from .._timeout import seconds_to_wait
from ._library import Library
from ._wait import one_of


class Race:
    """One connect to a host.

    Whatever ends it, no other socket than the winner is left open.

    Args:
        library: What it waits with.
        dial: What was asked for.

    Attributes:
        tried: How many addresses were tried.
        failures: Those that have failed.
    """

    def __init__(self, library: Library, dial: Dial) -> None:
        self._library = library
        self._dial = dial
        self._waiting: collections.deque[AddressInfo] = collections.deque()
        self._running = 0
        self._winner: socket.socket | None = None
        self._news = library.create_event()
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
            addresses = await self._library.resolve(self._dial.host, self._dial.port)
        # UnicodeError: not a host name according to the idna codec.
        except (OSError, UnicodeError) as exc:
            raise self._dial.not_resolved(exc) from exc
        if not addresses:
            raise self._dial.not_resolved("it has no address")
        return addresses

    async def _attempt_all(self) -> None:
        library = self._library
        failure: BaseException | None = None
        try:
            async with library.create_task_group() as tasks:
                while (self._waiting or self._running) and self._winner is None:
                    self._news = library.create_event()
                    if self._waiting:
                        tasks.start_soon(self._attempt, self._waiting.popleft())
                    delay = CONNECTION_ATTEMPT_DELAY if self._waiting else math.inf
                    with library.cancel_scope(deadline=library.current_time() + delay):
                        await self._news.wait()
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            failure = one_of(group, library.cancelled_class())
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
                await self._library.wait_writable(sock.fileno())
                finish_connect(sock)
        except BaseException:
            sock.close()
            raise
        return sock


async def connect_tcp(library: Library, dial: Dial) -> socket.socket:
    """Returns a socket that is connected to a host, within the time.

    Args:
        library: What to wait with.
        dial: Where to, how, and for how long.

    Raises:
        ConnectTimeout: No attempt succeeded in time.
        ConnectError: The name is unknown, or all attempts failed.
    """
    race = Race(library, dial)
    seconds = seconds_to_wait(dial.timeout)
    if seconds is None:
        return await race.run()
    with library.cancel_scope(deadline=library.current_time() + seconds):
        return await race.run()
    raise dial.timed_out(race.tried, race.failures)


async def connect_unix(library: Library, dial: UnixDial) -> socket.socket:
    """Returns a socket that is connected to the one at a path, within the time.

    Args:
        library: What to wait with.
        dial: Where to, how, and for how long.

    Raises:
        ConnectTimeout: The server did not accept in time.
        ConnectError: The connect failed, or the platform has no Unix sockets.
    """
    seconds = seconds_to_wait(dial.timeout)
    if seconds is None:
        return await _wait_accepted(library, dial)
    with library.cancel_scope(deadline=library.current_time() + seconds):
        return await _wait_accepted(library, dial)
    raise dial.timed_out()


async def _wait_accepted(library: Library, dial: UnixDial) -> socket.socket:
    """Connects as soon as the server's queue has room."""
    sock = dial.open_socket()
    pauses = unix_pauses()
    try:
        while True:
            try:
                sock.connect(dial.path)
            except BlockingIOError:
                await library.sleep(next(pauses))
            # ValueError: a path that no file can have.
            except (OSError, ValueError) as exc:
                raise dial.failure(exc) from exc
            else:
                return sock
    except BaseException:
        sock.close()
        raise
