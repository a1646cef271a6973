"""The trio backend: it opens connections, and hands out streams."""

import typing

import trio

from httpcore_interface import SOCKET_OPTION, AsyncNetworkBackend, Dial, UnixDial
from httpcore_interface.scoped import connect_tcp, connect_unix

from ._library import TRIO
from ._stream import TrioStream


class TrioBackend(AsyncNetworkBackend):
    """Opens connections for code that runs on trio.

    It holds no state: one may serve any number of runs.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> TrioStream:
        """Opens a TCP connection. See `NetworkBackend.connect_tcp`.

        A name is resolved as trio does it: in a thread, which is left to itself when the
        time is over, or by the resolver that was set with
        `trio.socket.set_custom_hostname_resolver`.

        Raises:
            ConnectTimeout: No attempt succeeded in time.
            ConnectError: The name is unknown, or every attempt failed; also when a
                socket option or `local_address` does not fit.
        """
        dial = Dial(host, port, timeout, local_address, tuple(socket_options or ()))
        return TrioStream(await connect_tcp(TRIO, dial))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> TrioStream:
        """Opens a connection to a Unix domain socket.

        See `NetworkBackend.connect_unix_socket`.

        Raises:
            ConnectTimeout: The server did not accept in time.
            ConnectError: There is no such socket, nobody listens, an option does not
                fit, or the platform has no Unix sockets.
        """
        dial = UnixDial(path, timeout, tuple(socket_options or ()))
        return TrioStream(await connect_unix(TRIO, dial))

    async def sleep(self, seconds: float) -> None:
        """Waits; infinity waits until cancelled."""
        await trio.sleep(max(seconds, 0.0))
