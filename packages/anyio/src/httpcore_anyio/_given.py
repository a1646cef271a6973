"""A connection that a program has opened by anyio itself."""

import collections.abc
import ssl
import typing

import anyio
import anyio.abc
import anyio.streams.tls

from httpcore_interface import is_socket_readable
from httpcore_interface.scoped import ScopedGivenStream

from ._stream import AnyIOStream


class GivenStream(ScopedGivenStream, AnyIOStream):
    """A byte stream of anyio's as an `AnyIOStream`; it belongs to this from now on.

    Args:
        stream: Connected, encrypted or not.
    """

    __slots__ = ("_stream",)

    failures = (
        anyio.BrokenResourceError,
        anyio.BusyResourceError,
        anyio.ClosedResourceError,
        OSError,
        ssl.SSLError,
    )
    ends = (anyio.EndOfStream,)

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        super().__init__()
        self._stream = stream

    def receive(self, max_bytes: int) -> collections.abc.Awaitable[bytes]:
        """Returns what has come."""
        return self._stream.receive(max_bytes)

    def send(self, octets: bytes) -> collections.abc.Awaitable[None]:
        """Sends all of it."""
        return self._stream.send(octets)

    def finish(self) -> collections.abc.Awaitable[None]:
        """Closes the stream, without TLS's farewell, for which it would have to wait."""
        stream: anyio.abc.AnyByteStream = self._stream
        while isinstance(stream, anyio.streams.tls.TLSStream):
            stream = stream.transport_stream
        return stream.aclose()

    async def encrypt(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None
    ) -> typing.Self:
        """Performs a TLS handshake."""
        encrypted = await anyio.streams.tls.TLSStream.wrap(
            self._stream,
            ssl_context=ssl_context,
            hostname=server_hostname,
            server_side=False,
            standard_compatible=False,
        )
        return type(self)(encrypted)

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact; see `AsyncNetworkStream.get_extra_info`."""
        try:
            return self._fact(info)
        # The connection is gone. AttributeError: so is uvloop's socket, of which anyio
        # does not know.
        except (AttributeError, OSError):
            return True if info == "is_readable" else None

    # As above.
    def _fact(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        extra = self._stream.extra
        sock = extra(anyio.abc.SocketAttribute.raw_socket, None)
        if info == "is_readable":
            return is_socket_readable(sock)
        if info == "socket":
            return sock
        if info == "ssl_object":
            return extra(anyio.streams.tls.TLSAttribute.ssl_object, None)
        if info == "client_addr":
            return extra(anyio.abc.SocketAttribute.local_address, None)
        if info == "server_addr":
            return extra(anyio.abc.SocketAttribute.remote_address, None)
        return None
