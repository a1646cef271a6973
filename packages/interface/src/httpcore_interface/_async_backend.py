"""The async half of the network interface: the blocking contract, awaited.

What an operation promises stands in `_backend.py`. Beyond it: an operation
may be cancelled by whatever the event loop knows. Cancelling a read loses no
bytes; a cancelled write may have sent a part, after which the stream refuses to
write; a cancelled close has closed.
"""

import ssl
import typing

from ._backend import SOCKET_OPTION
from ._event import AsyncEvent, create_async_event, sleep
from ._missing import missing


class AsyncNetworkStream:
    """One open connection, as a stream of bytes in both directions.

    The contract is that of `NetworkStream`.
    """

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come, waiting only while nothing has.

        See `NetworkStream.read`. Cancelling it loses no bytes.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The connection failed, or was closed on this side.
        """
        raise missing(self, "read")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of `buffer`, or raises.

        See `NetworkStream.write`. Cancelled, it may have sent a part; every later
        write then raises WriteError.

        Raises:
            WriteTimeout: The peer took nothing for `timeout` seconds.
            WriteError: The connection failed, or was closed on this side.
        """
        raise missing(self, "write")

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until a write can send something, or a read can get something.

        See `NetworkStream.wait_writable`; the default does not wait.

        Raises:
            WriteTimeout: Neither was possible in time.
            WriteError: The stream was closed on this side.
        """
        return True

    async def aclose(self) -> None:
        """Closes the connection, at once and for good.

        See `NetworkStream.close`. The socket is freed even when this is cancelled.
        """
        raise missing(self, "aclose")

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "AsyncNetworkStream":
        """Performs a TLS handshake as the client, and returns the encrypted stream.

        See `NetworkStream.start_tls`.

        Raises:
            ConnectTimeout: The handshake took longer than `timeout`.
            ConnectError: The handshake failed, or the certificate was refused.
        """
        raise missing(self, "start_tls")

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection, and None where it is unknown.

        See `NetworkStream.get_extra_info` for the names.
        """
        return None


class AsyncNetworkBackend:
    """Opens connections for async code. The contract is that of `NetworkBackend`."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Opens a TCP connection. See `NetworkBackend.connect_tcp`.

        Raises:
            ConnectTimeout: No attempt succeeded in time.
            ConnectError: The name is unknown, or every attempt failed.
        """
        raise missing(self, "connect_tcp")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Opens a connection to a Unix domain socket.

        See `NetworkBackend.connect_unix_socket`.

        Raises:
            ConnectTimeout: The server did not accept in time.
            ConnectError: There is no such socket, nobody listens, or the platform
                has no Unix sockets.
        """
        raise missing(self, "connect_unix_socket")

    async def sleep(self, seconds: float) -> None:
        """Waits, on asyncio or trio, whichever is running."""
        await sleep(seconds)

    def create_event(self) -> AsyncEvent:
        """Returns a fresh one-shot event of asyncio or trio, whichever is running.

        Raises:
            RuntimeError: Neither is running.
        """
        return create_async_event()
