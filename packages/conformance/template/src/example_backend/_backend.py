"""The backend: it opens connections, and hands out streams."""

import typing

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncNetworkBackend,
    Dial,
    UnixDial,
    seconds_to_wait,
)

from ._connect import connect_tcp, connect_unix
from ._stream import ExampleStream


class ExampleBackend(AsyncNetworkBackend):
    """Opens connections for code that runs on asyncio."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> ExampleStream:
        """Opens a TCP connection. See `NetworkBackend.connect_tcp`."""
        dial = Dial(host, port, timeout, local_address, tuple(socket_options or ()))
        return ExampleStream(await connect_tcp(dial, seconds_to_wait(timeout)))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> ExampleStream:
        """Opens a connection to a Unix domain socket. See `NetworkBackend`."""
        dial = UnixDial(path, timeout, tuple(socket_options or ()))
        return ExampleStream(await connect_unix(dial, seconds_to_wait(timeout)))
