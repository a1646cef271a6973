"""A request on its way out over HTTP/2, with an eye on what comes back."""

import typing

from httpcore_interface import (
    ConnectionNotAvailable,
    LocalProtocolError,
    ReadTimeout,
    WriteTimeout,
)

from .._byte_stream import ByteStream
from .._messages import Request
from .._protocol.http2 import Stream
from .._protocol.http2.fields import announced_length
from .closing import await_or_drop
from .colour import ChunkSource, Colour
from .patience import Departure, WritePatience
from .upload import CONTINUE_SECONDS, check_chunk

if typing.TYPE_CHECKING:
    from .http2_exchange import HTTP2Exchange

_BATCH_SIZE = 128 * 1024
"""Bytes of a body that are framed at once, if the windows allow as many."""


class HTTP2Upload:
    """Sends a request. See `Upload`, its twin.

    Args:
        request: Where the body comes from.
        colour: How the body is asked for.

    Attributes:
        is_repeatable: Whether it could be sent once more.
        is_tunnel: Whether it is a CONNECT, which has no body, and no end either.

    Raises:
        LocalProtocolError: The body's size is known, and not the announced one, or there
            must be none.
        TypeError: The body belongs to code of the other colour.
    """

    __slots__ = (
        "_announced",
        "_content",
        "_expects_continue",
        "_first_part",
        "_is_framed",
        "_sent",
        "_source",
        "_trailers",
        "is_repeatable",
        "is_tunnel",
    )

    def __init__(self, request: Request, colour: Colour) -> None:
        self.is_repeatable = True
        self.is_tunnel = request.method == b"CONNECT"
        self._content = b""
        self._source: ChunkSource | None = None
        self._sent = 0
        self._trailers: list[tuple[bytes, bytes]] = [
            (name.lower(), value)
            for name, value in request.extensions.get("trailing_headers", ())
        ]
        self._expects_continue = False
        self._first_part: bytes | None = None
        fields = [(name.lower(), value) for name, value in request.headers]
        try:
            self._announced = announced_length(fields)
        except ValueError as exc:
            raise LocalProtocolError(f"the request's {exc}") from exc
        # Whether somebody has said that there is a body.
        self._is_framed = self._announced is not None
        for name, value in fields:
            if name == b"transfer-encoding":
                self._is_framed = True
            if name == b"expect" and value.lower() == b"100-continue":
                self._expects_continue = True
        stream = request.stream
        if type(stream) is ByteStream:
            self._content = stream.content
            if self._announced is not None and len(self._content) != self._announced:
                self._raise_wrong_length(len(self._content))
        else:
            self._source = colour.open_source(stream)
        if self.is_tunnel and self._has_body:
            raise LocalProtocolError("a CONNECT request has no content")

    @property
    def _has_body(self) -> bool:
        return self._source is not None or bool(self._content) or bool(self._trailers)

    async def send(self, exchange: "HTTP2Exchange") -> Departure | None:
        """Sends the head, then the body.

        Returns:
            None once both were sent; without a body, what tells when the head was, which
            is queued only: whoever waits for the response waits for that as well.
        """
        await self._look_ahead()
        if self._has_body:
            await self.send_head(exchange, self._begin(exchange))
            await self.send_body(exchange)
            return None
        traffic = exchange.traffic
        with traffic.lock:
            self._begin(exchange)
            return traffic.depart()

    async def _look_ahead(self) -> None:
        """Finds out whether there is a body at all, where nobody has said that there is one.

        httpx has a body of its own for each request, mostly an empty one. As the end of a
        request without a body comes with its head, it ought to with theirs: there are
        servers that have answered, and forgotten the stream, before an end by itself comes.
        """
        if self._source is None or self._is_framed:
            return
        self._is_framed = True
        while (part := await self._source.next_chunk()) is not None:
            if check_chunk(part):
                self.is_repeatable = False
                self._first_part = part
                return
        await self._source.close()
        self._source = None

    def _begin(self, exchange: "HTTP2Exchange") -> int:
        """Queues the head, and returns where it ends."""
        traffic = exchange.traffic
        with traffic.lock:
            traffic.settle_abandoned()
            if traffic.cut is not None:
                raise ConnectionNotAvailable("nothing can be written to this connection")
            exchange.begin(traffic.engine, ends=not (self._has_body or self.is_tunnel))
            return traffic.queued

    async def begin(self, exchange: "HTTP2Exchange") -> int:
        """Opens the stream and queues the head; returns where that ends."""
        await self._look_ahead()
        return self._begin(exchange)

    async def send_head(self, exchange: "HTTP2Exchange", position: int) -> None:
        """Sends the head, which was queued; with a body behind it, that takes it along."""
        if not self._has_body or self._expects_continue:
            await self._send_queued(exchange, position)

    async def send_body(self, exchange: "HTTP2Exchange") -> None:
        """Sends the body, if there is one and the server lets it come."""
        stream = exchange.stream
        assert stream is not None
        if not self._has_body or (self._expects_continue and await self._is_refused(exchange)):
            return
        if self._source is None:
            await self._send_part(exchange, stream, self._content, ends=not self._trailers)
        else:
            self.is_repeatable = False
            while (part := await self._next_part(self._source)) is not None:
                if not await self._send_part(exchange, stream, part, ends=False):
                    return
                # It may be long until there is more.
                await exchange.traffic.look()
                if self._is_unwanted(stream):
                    return
            if self._announced is not None and self._sent != self._announced:
                self._raise_wrong_length(self._sent)
            if not self._trailers:
                await self._send_part(exchange, stream, b"", ends=True)
        if self._trailers:
            with exchange.traffic.lock:
                if self._is_unwanted(stream):
                    return
                exchange.traffic.engine.send_trailers(stream, self._trailers)
                position = exchange.traffic.queued
            await self._send_queued(exchange, position)

    async def _next_part(self, source: ChunkSource) -> bytes | None:
        part, self._first_part = self._first_part, None
        return await source.next_chunk() if part is None else part

    async def _send_part(
        self, exchange: "HTTP2Exchange", stream: Stream, part: bytes, *, ends: bool
    ) -> bool:
        """Sends a part of the body; False if the server wants no more."""
        traffic = exchange.traffic
        view = memoryview(check_chunk(part)).cast("B")
        self._sent += len(view)
        if self._announced is not None and self._sent > self._announced:
            self._raise_wrong_length(self._sent)
        if not view and not ends:
            return True
        while True:
            with traffic.lock:
                # Asked where nobody can change it meanwhile.
                if self._is_unwanted(stream):
                    return False
                piece = view[:_BATCH_SIZE]
                taken = traffic.send(stream, piece, ends=ends and len(piece) == len(view))
                position = traffic.queued
            view = view[taken:]
            if taken or stream.has_sent_all:
                await self._send_queued(exchange, position)
                if not view:
                    return True
                await exchange.traffic.look()
            else:
                await self._wait_for_room(exchange, stream)

    async def _wait_for_room(self, exchange: "HTTP2Exchange", stream: Stream) -> None:
        traffic = exchange.traffic
        await traffic.drive(
            stream,
            lambda: traffic.engine.window_of(stream) > 0 or self._is_unwanted(stream),
            exchange.timeouts.for_write(),
            WriteTimeout,
        )

    async def _send_queued(self, exchange: "HTTP2Exchange", position: int) -> None:
        """Waits until what was queued is written, or the server wants no more."""
        traffic, stream = exchange.traffic, exchange.stream
        assert stream is not None
        timeouts = exchange.timeouts
        await traffic.drive_patiently(
            stream,
            lambda: traffic.is_written(position) or self._is_unwanted(stream),
            WritePatience(timeouts.write, traffic.progress, timeouts),
            position,
        )

    @staticmethod
    def _is_unwanted(stream: Stream) -> bool:
        """Whether the server has said, one way or another, that it wants no more."""
        if stream.is_over or stream.is_stopped or stream.is_forgotten:
            return True
        return stream.has_final_head and bool(stream.heads) and stream.heads[-1][0] >= 300

    async def _is_refused(self, exchange: "HTTP2Exchange") -> bool:
        """Waits for a 100 (Continue); True if a final response came instead."""
        stream = exchange.stream
        assert stream is not None
        limit = exchange.timeouts.for_read()
        seconds = CONTINUE_SECONDS if limit is None else min(limit, CONTINUE_SECONDS)
        try:
            await exchange.traffic.drive(
                stream, lambda: bool(stream.heads) or stream.is_over, seconds, ReadTimeout
            )
        except ReadTimeout:
            return False
        return self._is_unwanted(stream)

    async def end_source(self) -> None:
        """Ends what the body came from, wherever it is: no more of it will be sent.

        What was not begun is left alone: the request may be sent once more.
        """
        if self._source is not None and not self.is_repeatable:
            await await_or_drop(self._source.close())

    def _raise_wrong_length(self, size: int) -> None:
        assert self._announced is not None
        amount = "much" if size > self._announced else "little"
        raise LocalProtocolError(
            f"Too {amount} data for declared Content-Length "
            f"({self._announced} bytes announced, {size} given)"
        )
