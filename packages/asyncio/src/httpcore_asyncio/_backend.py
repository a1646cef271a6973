"""The backend for asyncio: it opens connections, and hands out streams."""

import socket
import typing

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncNetworkBackend,
    ConnectError,
    Dial,
    UnixDial,
)

from ._adopt import adopt
from ._connect import connect_tcp
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
                socket option or `local_address`, an IP address, does not fit.
        """
        dial = Dial(host, port, timeout, local_address, tuple(socket_options or ()))
        sock = await connect_tcp(dial)
        try:
            stream = await adopt(sock)
            try:
                _restore_options(sock, dial.socket_options)
            except BaseException:
                await stream.aclose()
                raise
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
        dial = UnixDial(path, timeout, tuple(socket_options or ()))
        sock = await connect_unix(dial)
        try:
            return await adopt(sock)
        except OSError as exc:
            raise dial.failure(exc) from exc


def _restore_options(sock: socket.socket, options: typing.Iterable[SOCKET_OPTION]) -> None:
    """Gives the caller the last word again: an event loop sets this one by itself."""
    for option in options:
        if option[:2] == (socket.IPPROTO_TCP, socket.TCP_NODELAY):
            sock.setsockopt(*option)
