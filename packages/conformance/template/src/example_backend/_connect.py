"""From a host, or a path, to one connected socket."""

import asyncio
import collections
import socket

from httpcore_interface import (
    CONNECTION_ATTEMPT_DELAY,
    AddressInfo,
    Dial,
    UnixDial,
    begin_connect,
    finish_connect,
    interleave_families,
)

from ._readiness import Readiness

# Seconds between two looks at a Unix server whose queue is full: there is nothing to
# wait for.
_PAUSE = 0.005


class Race:
    """One connect to a host, as RFC 8305 has it.

    Args:
        dial: What was asked for.

    Attributes:
        tried: How many addresses were tried.
        failures: Those that have failed.
    """

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._winner: socket.socket | None = None
        self.tried = 0
        self.failures: list[tuple[str, Exception]] = []

    async def run(self) -> socket.socket:
        """Resolves the host, and connects to one of its addresses.

        Whatever ends it, no other socket than the winner is left open.
        """
        waiting = collections.deque(interleave_families(await self._resolve()))
        running: set[asyncio.Task[None]] = set()
        try:
            while self._winner is None and (waiting or running):
                if waiting:
                    running.add(asyncio.create_task(self._attempt(waiting.popleft())))
                delay = CONNECTION_ATTEMPT_DELAY if waiting else None
                done, running = await asyncio.wait(
                    running, timeout=delay, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
        except BaseException:
            self.close()
            raise
        finally:
            for task in running:
                task.cancel()
        if self._winner is None:
            raise self._dial.failure(self.failures) from self.failures[-1][1]
        return self._winner

    async def _resolve(self) -> list[AddressInfo]:
        literal = self._dial.literal_addresses()
        if literal is not None:
            return list(literal)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self._dial.host, self._dial.port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as exc:
            raise self._dial.not_resolved(exc) from exc
        if not found:
            raise self._dial.not_resolved("it has no address")
        return list(found)

    async def _attempt(self, address: AddressInfo) -> None:
        self.tried += 1
        try:
            sock = self._dial.open_socket(address)
            try:
                if not begin_connect(sock, address[4]):
                    await Readiness(sock).wait(None, writing=True)
                    finish_connect(sock)
            except BaseException:
                sock.close()
                raise
        except (OSError, UnicodeError) as exc:
            self.failures.append((str(address[4][0]), exc))
        else:
            # The second of two at the same moment is not needed.
            if self._winner is None:
                self._winner = sock
            else:
                sock.close()

    def close(self) -> None:
        """Gives up what was won."""
        if self._winner is not None:
            self._winner.close()


async def connect_tcp(dial: Dial, seconds: float | None) -> socket.socket:
    """Returns a socket that is connected to a host, within the time."""
    race = Race(dial)
    try:
        async with asyncio.timeout(seconds):
            return await race.run()
    except TimeoutError as exc:
        raise dial.timed_out(race.tried, race.failures) from exc


async def connect_unix(dial: UnixDial, seconds: float | None) -> socket.socket:
    """Returns a socket that is connected to the one at a path, within the time."""
    sock = dial.open_socket()
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    sock.connect(dial.path)
                except BlockingIOError:
                    await asyncio.sleep(_PAUSE)
                else:
                    return sock
    except TimeoutError as exc:
        sock.close()
        raise dial.timed_out() from exc
    except (OSError, ValueError) as exc:
        sock.close()
        raise dial.failure(exc) from exc
    except BaseException:
        sock.close()
        raise
