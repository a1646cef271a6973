"""The backend for asyncio: it opens connections, and hands out streams."""

import asyncio
import socket
import typing

from httpcore_interface import SOCKET_OPTION, AsyncNetworkBackend, ConnectError

from ._adopt import adopt
from ._deadline import seconds_to_wait
from ._dial import Dial
from ._race import Race
from ._resolve import is_address_literal, resolve
from ._stream import AsyncioStream
from ._unix import connect_unix


class AsyncioBackend(AsyncNetworkBackend):
    """Opens connections for code that runs on asyncio, or on a loop like it (uvloop).

    It holds no state: one may serve any number of loops.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncioStream:
        """Opens a TCP connection. See `NetworkBackend.connect_tcp`.

        Names are resolved by the event loop.

        Raises:
            ConnectTimeout: No attempt succeeded in time.
            ConnectError: The name is unknown, or every attempt failed; also when a
                socket option or `local_address` does not fit.
        """
        dial = Dial(host, port, local_address, tuple(socket_options or ()), timeout)
        sock = await _connect(dial)
        try:
            stream = await adopt(sock)
            dial.restore_options(sock)
            return stream
        except OSError as exc:
            raise ConnectError(f"cannot connect to {host}:{port}: {exc}") from exc

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncioStream:
        """Opens a connection to a Unix domain socket.

        See `NetworkBackend.connect_unix_socket`.

        Raises:
            ConnectTimeout: The server did not accept in time.
            ConnectError: There is no such socket, nobody listens, an option does not
                fit, or the platform has no Unix sockets.
        """
        sock = await connect_unix(path, timeout, socket_options or ())
        try:
            return await adopt(sock)
        except OSError as exc:
            raise ConnectError(f"cannot connect to {path!r}: {exc}") from exc


async def _connect(dial: Dial) -> socket.socket:
    """Returns a connected socket.

    Raises:
        ConnectTimeout: No attempt succeeded in time.
        ConnectError: The name is unknown, or every attempt failed.
    """
    seconds = seconds_to_wait(dial.timeout)
    if seconds == 0:
        if not is_address_literal(dial.host):
            raise dial.unresolved()
        return Race(dial, await resolve(dial.host, dial.port)).run_at_once()
    race = None
    try:
        async with asyncio.timeout(seconds):
            race = Race(dial, await resolve(dial.host, dial.port))
            return await race.run()
    # No other than ours: those of the system have become a ConnectError.
    except TimeoutError as exc:
        raise (dial.unresolved() if race is None else race.expired()) from exc
