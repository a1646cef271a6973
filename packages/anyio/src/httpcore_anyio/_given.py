"""A connection that a program has opened by anyio itself: the contract over its stream.

Nothing can be known of what the stream has read or encrypted already, so everything goes
through it, and nothing past it to its socket.
"""

import contextlib
import ssl
import typing

import anyio
import anyio.abc
import anyio.streams.tls

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

from ._stream import AnyIOStream

if typing.TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# What anyio raises of a connection that has failed, was closed or is in use.
_FAILURES = (
    anyio.BrokenResourceError,
    anyio.BusyResourceError,
    anyio.ClosedResourceError,
    OSError,
    ssl.SSLError,
)


class GivenStream(AnyIOStream):
    """A byte stream of anyio's as an `AnyIOStream`; it belongs to this from now on.

    Args:
        stream: Connected, encrypted or not.
    """

    __slots__ = ("_is_broken", "_stream")

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream
        # A write failed: nobody knows how much of it the peer has got.
        self._is_broken = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come; see `AsyncNetworkStream.read`."""
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, but is {max_bytes}")
        try:
            with _limit(timeout):
                return await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            return b""
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
                await self._stream.send(bytes(buffer))
        except _FAILURES as exc:
            raise WriteError(str(exc) or "the connection was closed") from exc
        if scope is not None and scope.cancelled_caught:
            raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
        self._is_broken = False

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Returns True: a byte stream does not tell, so a write has to find out."""
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
    ) -> AnyIOStream:
        """Encrypts the connection; see `AsyncNetworkStream.start_tls`."""
        encrypted = None
        try:
            with _limit(timeout):
                encrypted = await anyio.streams.tls.TLSStream.wrap(
                    self._stream,
                    ssl_context=ssl_context,
                    hostname=server_hostname,
                    server_side=False,
                    standard_compatible=False,
                )
        except (*_FAILURES, anyio.EndOfStream) as exc:
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
            await anyio.aclose_forcefully(self._stream)

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact; see `AsyncNetworkStream.get_extra_info`."""
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


def _limit(
    seconds: float | None,
) -> contextlib.AbstractContextManager[anyio.CancelScope | None]:
    """Ends what is under way after so many seconds; then the block is left."""
    seconds = seconds_to_wait(seconds)
    return contextlib.nullcontext() if seconds is None else anyio.move_on_after(seconds)
