"""A stream of an HTTP/2 connection that carries bytes: after a 2xx to CONNECT."""

import ssl
import typing

from httpcore_interface import (
    AsyncNetworkStream,
    ConnectError,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)

from .patience import WritePatience

if typing.TYPE_CHECKING:
    from .http2_exchange import HTTP2Exchange

_BATCH_SIZE = 128 * 1024
"""Bytes that are framed at once, if the windows allow as many."""


class HTTP2Tunnel(AsyncNetworkStream):
    """What follows a 2xx to CONNECT (RFC 9113, section 8.5; RFC 8441).

    It is the response's body as well, which is empty: closing the one ends the other.
    Each call has a timeout of its own, and the windows of both sides hold.

    Args:
        exchange: Where it began.
    """

    __slots__ = ("_exchange", "_is_closed", "_is_read", "_is_torn", "_stream", "_unread")

    def __init__(self, exchange: "HTTP2Exchange") -> None:
        assert exchange.stream is not None
        self._exchange = exchange
        self._stream = exchange.stream
        self._unread = b""
        self._is_closed = False
        # Whether somebody waits for bytes.
        self._is_read = False
        # Whether a write has broken off somewhere.
        self._is_torn = False

    # -- the stream --------------------------------------------------------------

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads; `b""` once the peer has ended its side.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The peer has reset the stream, the connection is over, or this
                stream was closed.
        """
        traffic = self._exchange.traffic
        if timeout is not None and timeout <= 0 and not self._is_readable():
            await traffic.poll()
        while (octets := self._take(max_bytes)) is None:
            self._is_read = True
            try:
                await traffic.drive(self._stream, self._is_readable, timeout, ReadTimeout)
            finally:
                self._is_read = False
        return octets

    def _take(self, max_bytes: int) -> bytes | None:
        """Returns what can be had without waiting; None if nothing can."""
        stream, traffic = self._stream, self._exchange.traffic
        if self._is_closed:
            raise ReadError("this stream was closed")
        with traffic.lock:
            if not self._unread and stream.chunks:
                self._unread = stream.chunks.popleft()
                traffic.engine.note_read(stream, len(self._unread))
            octets, self._unread = self._unread[:max_bytes], self._unread[max_bytes:]
        if octets or stream.has_ended:
            return octets
        if stream.is_over:
            loss = self._exchange.loss()
            raise ReadError(str(loss)) from loss
        return None

    def _is_readable(self) -> bool:
        stream = self._stream
        return bool(self._unread or stream.chunks) or stream.is_over or self._is_closed

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes all of `buffer`.

        Raises:
            WriteTimeout: The peer took nothing for so long.
            WriteError: The peer wants no more, the connection is over, this stream was
                closed, or an earlier write has failed.
        """
        left = memoryview(buffer).cast("B")
        if self._is_torn:
            raise WriteError("an earlier write to this stream has failed")
        try:
            await self._exchange.traffic.look()
            self._check_wanted()
            while left:
                left = left[await self._write_part(left[:_BATCH_SIZE], timeout) :]
        except BaseException:
            self._is_torn = True
            self._exchange.traffic.tell_cut()
            raise

    async def _write_part(self, part: memoryview, timeout: float | None) -> int:
        """Writes as much as the windows allow, or waits until they do."""
        stream, traffic = self._stream, self._exchange.traffic
        with traffic.lock:
            taken = 0 if self._is_unwanted() else traffic.send(stream, part, ends=False)
            position = traffic.queued
        if timeout is not None and timeout <= 0:
            await traffic.push()
        if taken:
            await traffic.drive_patiently(
                stream,
                lambda: traffic.is_written(position) or self._is_unwanted(),
                WritePatience(timeout, traffic.progress),
                position,
            )
        else:
            await traffic.drive(
                stream,
                lambda: traffic.engine.window_of(stream) > 0 or self._is_unwanted(),
                timeout,
                WriteTimeout,
            )
        self._check_wanted()
        return taken

    def _is_unwanted(self) -> bool:
        # A peer that has ended its side may well go on reading.
        stream = self._stream
        is_over = stream.failure is not None or stream.is_forgotten
        return is_over or self._is_closed or self._exchange.traffic.engine.failure is not None

    def _check_wanted(self) -> None:
        if self._is_closed:
            raise WriteError("this stream was closed")
        if self._is_unwanted():
            loss = self._exchange.loss()
            raise WriteError(str(loss)) from loss

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until the windows allow something, or something has come.

        Raises:
            WriteTimeout: Neither was so in time.
            WriteError: This stream was closed.
        """
        stream, traffic = self._stream, self._exchange.traffic

        def has_window() -> bool:
            return traffic.engine.window_of(stream) > 0

        await traffic.drive(
            stream,
            lambda: has_window() or self._is_readable() or self._is_unwanted(),
            timeout,
            WriteTimeout,
        )
        if self._is_closed:
            raise WriteError("this stream was closed")
        # Where nothing is wanted any more, a write says so at once.
        return has_window() or self._is_unwanted()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncNetworkStream:
        """Refuses: TLS within a stream of HTTP/2 is not supported, and this one is closed.

        Raises:
            ConnectError: Always.
        """
        await self.aclose()
        raise ConnectError("TLS inside a CONNECT over HTTP/2 is not supported: use HTTP/1.1")

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection, whose socket is not this stream's own.

        `is_readable` is about what has come already: others may have to read it first.
        """
        if info == "is_readable":
            return self._is_readable()
        if info == "socket":
            return None
        return self._exchange.traffic.stream.get_extra_info(info)

    # -- the response ------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and left nothing to close or to tell the server."""
        return self._exchange.is_over

    def take_chunk(self) -> bytes:
        """Returns the end of the body: there is none."""
        return b""

    def take_rest(self) -> None:
        """Returns None: who reads the body is not to end the stream by that."""

    async def next_chunk(self) -> bytes:
        """Returns the end of the body: there is none."""
        return b""

    async def aclose(self) -> None:
        """Ends the stream, and gives its place back.

        A peer that has ended its side is told of the end; any other, that nobody reads
        what it may send (CANCEL).
        """
        is_first, self._is_closed = not self._is_closed, True
        if is_first:
            traffic = self._exchange.traffic
            if not self._is_torn:
                traffic.end(self._stream)
            if self._is_read:
                # Who reads for all notices when something comes: an answer to this.
                traffic.ask()
            traffic.wake_all()
        await self._exchange.aclose()
