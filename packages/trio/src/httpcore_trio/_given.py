"""A connection that a program has opened by trio itself: the contract over its stream.

Nothing can be known of what the stream has read or encrypted already, so everything goes
through it, and nothing past it to its socket.
"""

import contextlib
import ssl
import typing

import trio
import trio.abc

from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
    is_socket_readable,
    seconds_to_wait,
)

from ._stream import TrioStream

if typing.TYPE_CHECKING:
    import socket

    from _typeshed import ReadableBuffer

# What trio raises of a connection that has failed, was closed or is in use.
_FAILURES = (
    trio.BrokenResourceError,
    trio.BusyResourceError,
    trio.ClosedResourceError,
    OSError,
    ssl.SSLError,
)


class GivenStream(TrioStream):
    """A stream of trio's as an `TrioStream`; it belongs to this from now on.

    Args:
        stream: Connected, encrypted or not.
    """

    __slots__ = ("_is_broken", "_stream")

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        # A write failed: nobody knows how much of it the peer has got.
        self._is_broken = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come; see `AsyncNetworkStream.read`."""
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, but is {max_bytes}")
        try:
            with _limit(timeout):
                return bytes(await self._stream.receive_some(max_bytes))
        except _FAILURES as exc:
            raise ReadError(str(exc) or "the connection was closed") from exc
        raise ReadTimeout(f"nothing came within {timeout} seconds")

    async def write(self, buffer: "ReadableBuffer", timeout: float | None = None) -> None:
        """Sends all of `buffer`, or raises; see `AsyncNetworkStream.write`."""
        if self._is_broken:
            raise WriteError("an earlier write failed")
        # Until it is known to be whole.
        self._is_broken = True
        try:
            with _limit(timeout) as scope:
                await self._stream.send_all(bytes(buffer))
        except _FAILURES as exc:
            raise WriteError(str(exc) or "the connection was closed") from exc
        if scope is not None and scope.cancelled_caught:
            raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
        self._is_broken = False

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Returns True: a stream does not tell, so a write has to find out."""
        return True

    async def aclose(self) -> None:
        """Closes the connection; that it was broken nobody needs to know."""
        with contextlib.suppress(*_FAILURES):
            await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> TrioStream:
        """Encrypts the connection; see `AsyncNetworkStream.start_tls`."""
        encrypted: trio.SSLStream[trio.abc.Stream] | None = None
        try:
            with _limit(timeout):
                shaking = trio.SSLStream(
                    self._stream,
                    ssl_context,
                    server_hostname=server_hostname,
                    https_compatible=True,
                )
                await shaking.do_handshake()
                encrypted = shaking
        except _FAILURES as exc:
            raise ConnectError(str(exc) or "the connection was closed") from exc
        finally:
            if encrypted is None:
                await self._drop()
        if encrypted is None:
            raise ConnectTimeout(f"the TLS handshake took more than {timeout} seconds")
        return GivenStream(encrypted)

    async def _drop(self) -> None:
        # Under a cancellation, too, which ends a close at once, but done.
        with contextlib.suppress(BaseException):
            await trio.aclose_forcefully(self._stream)

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact; see `AsyncNetworkStream.get_extra_info`."""
        if info == "ssl_object":
            return self._stream if isinstance(self._stream, trio.SSLStream) else None
        stream = self._stream
        while isinstance(stream, trio.SSLStream):
            stream = stream.transport_stream
        if not isinstance(stream, trio.SocketStream):
            return None
        # With no socket left to ask, something is to be expected of it: the end.
        if info == "is_readable":
            # All that is asked of it is its number.
            sock = typing.cast("socket.socket", stream.socket)
            return sock.fileno() < 0 or is_socket_readable(sock)
        if info == "socket":
            return stream.socket
        if info == "client_addr":
            return stream.socket.getsockname()
        if info == "server_addr":
            return stream.socket.getpeername()
        return None


def _limit(
    seconds: float | None,
) -> contextlib.AbstractContextManager[trio.CancelScope | None]:
    """Ends what is under way after so many seconds; then the block is left."""
    seconds = seconds_to_wait(seconds)
    return contextlib.nullcontext() if seconds is None else trio.move_on_after(seconds)
