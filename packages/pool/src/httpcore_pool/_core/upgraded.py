"""A connection that has changed its protocol: after a 101, or a 2xx to CONNECT."""

import ssl
import typing

from httpcore_interface import AsyncNetworkStream, ConnectError

if typing.TYPE_CHECKING:
    from .exchange import Exchange


class UpgradedStream(AsyncNetworkStream):
    """The stream behind a response's head (RFC 9110, sections 7.8 and 9.3.6).

    Args:
        stream: The connection.
        unread: What came with the head and belongs to the new protocol.
        exchange: Where it began; closing this stream ends it.
    """

    __slots__ = ("_exchange", "_stream", "_unread")

    def __init__(self, stream: AsyncNetworkStream, unread: bytes, exchange: "Exchange") -> None:
        self._stream = stream
        self._unread = unread
        self._exchange = exchange

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads; what came with the head comes first."""
        if self._unread:
            received = self._unread[:max_bytes]
            self._unread = self._unread[max_bytes:]
            return received
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes all of `buffer`."""
        await self._stream.write(buffer, timeout)

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until a write can send something, or a read can get something."""
        return False if self._unread else await self._stream.wait_writable(timeout)

    async def aclose(self) -> None:
        """Closes the connection, and ends the response with it."""
        await self._exchange.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncNetworkStream:
        """Starts TLS with the peer at the other end of the tunnel.

        Raises:
            ConnectError: The peer has spoken already, which no TLS server does
                before the client, or the handshake failed.
        """
        if self._unread:
            raise ConnectError(
                f"{len(self._unread)} bytes came from the server before the TLS handshake"
            )
        self._stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        self._exchange.replace_stream(self._stream)
        return self

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection."""
        if info == "is_readable" and self._unread:
            return True
        return self._stream.get_extra_info(info)
