"""The anyio backend: it opens connections, and hands out streams."""

import math
import typing

import anyio

from httpcore_interface import SOCKET_OPTION, AsyncNetworkBackend, Dial, UnixDial
from httpcore_interface.scoped import connect_tcp, connect_unix

from ._library import ANYIO
from ._stream import AnyIOStream


class AnyIOBackend(AsyncNetworkBackend):
    """Opens connections for code that runs on anyio, whichever loop that is on.

    It holds no state: one may serve any number of loops.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> AnyIOStream:
        """Opens a TCP connection. See `NetworkBackend.connect_tcp`.

        A name is resolved in a thread, which is left to itself when the time is over.

        Raises:
            ConnectTimeout: No attempt succeeded in time.
            ConnectError: The name is unknown, or every attempt failed; also when a
                socket option or `local_address` does not fit.
        """
        dial = Dial(host, port, timeout, local_address, tuple(socket_options or ()))
        return AnyIOStream(await connect_tcp(ANYIO, dial))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> AnyIOStream:
        """Opens a connection to a Unix domain socket.

        See `NetworkBackend.connect_unix_socket`.

        Raises:
            ConnectTimeout: The server did not accept in time.
            ConnectError: There is no such socket, nobody listens, an option does not
                fit, or the platform has no Unix sockets.
        """
        dial = UnixDial(path, timeout, tuple(socket_options or ()))
        return AnyIOStream(await connect_unix(ANYIO, dial))

    async def sleep(self, seconds: float) -> None:
        """Waits; infinity waits until cancelled."""
        if seconds == math.inf:
            await anyio.sleep_forever()
        else:
            await anyio.sleep(max(seconds, 0.0))
