"""A connection that a program has opened by trio itself."""

import collections.abc
import contextlib
import ssl
import typing

import trio
import trio.abc

from httpcore_interface import is_socket_readable
from httpcore_interface.scoped import ScopedGivenStream

from ._stream import TrioStream

if typing.TYPE_CHECKING:
    import socket


class GivenStream(ScopedGivenStream, TrioStream):
    """A stream of trio's as a `TrioStream`; it belongs to this from now on.

    Args:
        stream: Connected, encrypted or not.
    """

    __slots__ = ("_stream",)

    failures = (
        trio.BrokenResourceError,
        trio.BusyResourceError,
        trio.ClosedResourceError,
        OSError,
        ssl.SSLError,
    )

    def __init__(self, stream: trio.abc.Stream) -> None:
        super().__init__()
        self._stream = stream

    def receive(self, max_bytes: int) -> collections.abc.Awaitable[bytes | bytearray]:
        """Returns what has come."""
        return self._stream.receive_some(max_bytes)

    def send(self, octets: bytes) -> collections.abc.Awaitable[None]:
        """Sends all of it."""
        return self._stream.send_all(octets)

    def finish(self) -> collections.abc.Awaitable[None]:
        """Closes the stream, without TLS's farewell, for which it might have to wait."""
        return self._carrier().aclose()

    def _carrier(self) -> trio.abc.Stream:
        """Returns what carries the ciphertext; without TLS the stream itself."""
        stream = self._stream
        while isinstance(stream, trio.SSLStream):
            stream = stream.transport_stream
        return stream

    async def encrypt(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None
    ) -> typing.Self:
        """Performs a TLS handshake."""
        encrypted = trio.SSLStream(
            self._stream,
            ssl_context,
            server_hostname=server_hostname,
            https_compatible=True,
        )
        await encrypted.do_handshake()
        return type(self)(encrypted)

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact; see `AsyncNetworkStream.get_extra_info`."""
        if info == "ssl_object":
            return self._stream if isinstance(self._stream, trio.SSLStream) else None
        stream = self._carrier()
        if not isinstance(stream, trio.SocketStream):
            return None
        # With no socket left to ask, something is to be expected of it: the end.
        if info == "is_readable":
            # All that is asked of it is its number.
            sock = typing.cast("socket.socket", stream.socket)
            return sock.fileno() < 0 or is_socket_readable(sock)
        if info == "socket":
            return stream.socket
        # OSError: the connection is gone.
        with contextlib.suppress(OSError):
            if info == "client_addr":
                return stream.socket.getsockname()
            if info == "server_addr":
                return stream.socket.getpeername()
        return None
