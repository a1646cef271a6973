"""A connection that a program has opened by the library itself: the contract over its stream.

Nothing can be known of what the stream has read or encrypted already, so everything goes
through it, and nothing past it to its socket.
"""

import collections.abc
import contextlib
import ssl
import typing

from .._exceptions import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)
from .._missing import missing
from .._timeout import seconds_to_wait
from .._tls_layer import check_server_hostname
from ._library import CancelScope
from ._stream import ScopedStream

if typing.TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class ScopedGivenStream(ScopedStream):
    """A stream of a library's own, as a `ScopedStream`.

    A subclass holds the stream, and says how it is used: the methods up to `encrypt`, and
    `get_extra_info`. What these wait for may be cancelled.

    Attributes:
        failures: What the stream raises of a connection that has failed, was closed or
            is in use.
        ends: What it raises at its end, if it raises anything.
    """

    __slots__ = ("_is_broken",)

    failures: typing.ClassVar[tuple[type[Exception], ...]]
    ends: typing.ClassVar[tuple[type[Exception], ...]] = ()

    def __init__(self) -> None:
        # A write failed: nobody knows how much of it the peer has got.
        self._is_broken = False

    def receive(self, max_bytes: int) -> collections.abc.Awaitable[bytes | bytearray]:
        """Returns 1 to `max_bytes` bytes, or none at the end; raises `failures` or `ends`."""
        raise missing(self, "receive")

    def send(self, octets: bytes) -> collections.abc.Awaitable[None]:
        """Sends all of it; raises `failures`."""
        raise missing(self, "send")

    def finish(self) -> collections.abc.Awaitable[None]:
        """Closes the stream at once, however it is cancelled; raises `failures`."""
        raise missing(self, "finish")

    async def encrypt(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None
    ) -> typing.Self:
        """Performs a TLS handshake as the client; raises `failures` or `ends`."""
        raise missing(self, "encrypt")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come; see `AsyncNetworkStream.read`.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The connection failed, was closed on this side, or is in use.
            ValueError: `max_bytes` is less than 1.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, but is {max_bytes}")
        try:
            with self._limit(timeout):
                return bytes(await self.receive(max_bytes))
        except self.ends:
            return b""
        except self.failures as exc:
            raise ReadError(str(exc) or "the connection was closed") from exc
        raise ReadTimeout(f"nothing came within {timeout} seconds")

    async def write(self, buffer: "ReadableBuffer", timeout: float | None = None) -> None:
        """Sends all of `buffer`, or raises; see `AsyncNetworkStream.write`.

        Raises:
            WriteTimeout: Not all was taken in time.
            WriteError: The connection or an earlier write failed, the stream was closed
                on this side, or is in use.
        """
        if self._is_broken:
            raise WriteError("an earlier write failed")
        # Until it is known to be whole.
        self._is_broken = True
        try:
            with self._limit(timeout) as scope:
                await self.send(bytes(buffer))
        except self.failures as exc:
            raise WriteError(str(exc) or "the connection was closed") from exc
        if scope is not None and scope.cancelled_caught:
            raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
        self._is_broken = False

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Returns True: such a stream does not tell, so a write has to find out."""
        return True

    async def aclose(self) -> None:
        """Closes the connection, at once; that it was broken nobody needs to know."""
        with contextlib.suppress(*self.failures):
            await self.finish()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> typing.Self:
        """Encrypts the connection; see `AsyncNetworkStream.start_tls`.

        Raises:
            ConnectTimeout: The handshake took longer than `timeout`.
            ConnectError: The handshake failed, the certificate was refused, or no host
                can be called `server_hostname`.
        """
        encrypted = None
        refusals: tuple[type[Exception], ...] = (*self.failures, *self.ends, ValueError)
        try:
            check_server_hostname(server_hostname, ssl_context)
            with self._limit(timeout):
                encrypted = await self.encrypt(ssl_context, server_hostname)
        except refusals as exc:
            raise ConnectError(str(exc) or "the connection was closed") from exc
        finally:
            if encrypted is None:
                await self._drop()
        if encrypted is None:
            raise ConnectTimeout(f"the TLS handshake took more than {timeout} seconds")
        return encrypted

    async def _drop(self) -> None:
        library = self.library
        scope = library.cancel_scope(deadline=library.current_time())
        # Under a cancellation, too, which ends a close at once, but done.
        with contextlib.suppress(BaseException), scope:
            scope.cancel()
            await self.finish()

    def _limit(
        self, seconds: float | None
    ) -> contextlib.AbstractContextManager[CancelScope | None]:
        """Ends what is under way after so many seconds; then the block is left."""
        seconds = seconds_to_wait(seconds)
        if seconds is None:
            return contextlib.nullcontext()
        library = self.library
        return library.cancel_scope(deadline=library.current_time() + seconds)
