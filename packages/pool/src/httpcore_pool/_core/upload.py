"""A request on its way out, with an eye on what comes back."""

import time
import typing

from httpcore_interface import AsyncNetworkStream, ReadError, ReadTimeout, WriteTimeout

from .._byte_stream import ByteStream
from .._messages import Request
from .._protocol.http11 import RequestWriter
from .._send_buffer import room_when_writable
from .closing import await_or_drop
from .colour import ChunkSource, Colour
from .exchange import READ_SIZE, Exchange
from .timeouts import Deadline

COALESCED_SIZE = 64 * 1024
"""A body up to this many bytes leaves in one write with its head."""

PIECE_SIZE = 128 * 1024
"""A larger one leaves in pieces of at least so many bytes, and between two of them the
response is looked for: a look comes often, and costs little beside the write."""

MOST_PIECE_SIZE = 1024 * 1024
"""What a piece has at most, where the socket takes so much at once: then a look costs next
to nothing, and still no write waits while the server has answered."""

CONTINUE_SECONDS = 1.0
"""How long a body waits for a 100 (Continue) before it goes unasked (RFC 9110,
section 10.1.1: a client must not wait indefinitely)."""

BESIDE_SIZE = 16 * 1024
"""A piece that is sent beside an early response: a socket that is called writable
takes so many bytes at once."""

# Seconds to wait for the rest of a TLS record, before looking again whether the
# server takes something.
_MOMENT = 0.02

# What a server that answers while we send may make us hold.
_MOST_EARLY_BYTES = 64 * 1024 * 1024


def whole_message(request: Request, writer: RequestWriter) -> bytes | None:
    """Returns all of a request as one piece of bytes, if it is small.

    Raises:
        LocalProtocolError: The body's size is not the announced one.
    """
    stream = request.stream
    if type(stream) is not ByteStream or writer.expects_continue:
        return None
    content = stream.content
    if len(content) > COALESCED_SIZE:
        return None
    return writer.whole(content)


def piece_size(stream: AsyncNetworkStream) -> int:
    """Returns how many bytes are to be sent next to a stream that takes any."""
    room = room_when_writable(stream.get_extra_info("socket"))
    return max(PIECE_SIZE, min(room, MOST_PIECE_SIZE))


def check_chunk(chunk: bytes) -> bytes:
    """Returns a part of a body, if it is one.

    Raises:
        TypeError: It is not made of bytes.
    """
    if not isinstance(chunk, bytes | bytearray | memoryview):
        raise TypeError(
            f"a request's body must be made of bytes, but got {type(chunk).__name__}"
        )
    return chunk


class Upload:
    """Sends a request that does not go in one piece.

    Args:
        request: Where the body comes from.
        writer: What its bytes are.
        colour: How the body is asked for.

    Attributes:
        is_repeatable: Whether the same request can be sent once more.
        is_source_broken: Whether the source of the body has raised.

    Raises:
        LocalProtocolError: The body's size is known, and not the announced one.
        TypeError: The body belongs to code of the other colour.
    """

    __slots__ = ("_content", "_source", "_writer", "is_repeatable", "is_source_broken")

    def __init__(self, request: Request, writer: RequestWriter, colour: Colour) -> None:
        self._writer = writer
        # Until a part has been asked of a source that may not have it twice.
        self.is_repeatable = True
        self.is_source_broken = False
        self._content: bytes | None = None
        self._source: ChunkSource | None = None
        stream = request.stream
        if type(stream) is ByteStream:
            self._content = stream.content
            writer.check_length(len(self._content))
        else:
            self._source = colour.open_source(stream)

    async def send(self, exchange: Exchange) -> None:
        """Sends the head, then the body.

        Ends early, with `exchange.early_head` set, when the server's answer makes
        the rest pointless.
        """
        await self.send_head(exchange)
        await self.send_body(exchange)

    async def send_head(self, exchange: Exchange) -> None:
        """Sends the head alone."""
        await exchange.stream.write(self._writer.head, exchange.timeouts.for_write())

    async def send_body(self, exchange: Exchange) -> None:
        """Sends the body, if the server lets it come so far."""
        if self._writer.expects_continue and await self._is_refused(exchange):
            return
        if self._source is None:
            assert self._content is not None
            if not await self._send_pieces(exchange, self._content):
                return
        else:
            self.is_repeatable = not self._writer.has_body
            while (chunk := await self._next_part(self._source)) is not None:
                if not await self._send_pieces(exchange, chunk):
                    return
        end = self._writer.end()
        if end:
            await exchange.stream.write(end, exchange.timeouts.for_write())
        exchange.is_sent = True

    async def end_source(self) -> None:
        """Ends what the body came from, wherever it is: no more of it will be sent."""
        if self._source is not None:
            await await_or_drop(self._source.close())

    async def _next_part(self, source: ChunkSource) -> bytes | None:
        try:
            return await source.next_chunk()
        except BaseException:
            self.is_source_broken = True
            raise

    async def _send_pieces(self, exchange: Exchange, chunk: bytes) -> bool:
        """Sends a part of the body; False if the server has answered instead."""
        stream, writer = exchange.stream, self._writer
        # A view, so that no piece is cut out of the chunk by copying it, and of
        # bytes: the length of a caller's own view is counted in its items.
        if type(chunk) is bytes and len(chunk) <= PIECE_SIZE:
            view: bytes | memoryview = chunk
        else:
            view = memoryview(check_chunk(chunk)).cast("B")
        start = 0
        while start < len(view):
            if not await self._may_go_on(exchange):
                return False
            left = len(view) - start
            if exchange.early_head is not None:
                # Beside a response that has begun a write must not wait.
                size = min(left, BESIDE_SIZE)
            else:
                size = left if left <= PIECE_SIZE else min(left, piece_size(stream))
            piece = view if size == len(view) else view[start : start + size]
            await stream.write(
                typing.cast("bytes", writer.frame(piece)), exchange.timeouts.for_write()
            )
            start += size
        return True

    async def _listen(self, exchange: Exchange) -> bool:
        """Takes what has come while sending; True if sending is pointless now.

        An error response says that the server does not want the rest (RFC 9110,
        section 10.1.1; RFC 9112, section 9.3). After any other it is still sent, and
        the response's body is taken meanwhile: a server that echoes would otherwise
        wait for us while we wait for it.
        """
        stream = exchange.stream
        # Without waiting: under TLS what is readable may be no data at all.
        while stream.get_extra_info("is_readable"):
            # However much there is, the total timeout ends it.
            exchange.timeouts.for_read()
            try:
                received = await stream.read(READ_SIZE, timeout=0.0)
            except ReadTimeout:
                return False
            if await self._take(exchange, received):
                return True
        return False

    async def _may_go_on(self, exchange: Exchange) -> bool:
        """Waits until the server takes more; False if sending is pointless now.

        One that has answered may take nothing before its answer is taken: to wait
        for it in a write could be to wait for ever.

        Raises:
            WriteTimeout: It took nothing in time.
        """
        stream, limit = exchange.stream, exchange.timeouts.for_write()
        deadline = Deadline(limit)
        while True:
            if stream.get_extra_info("is_readable") and await self._listen(exchange):
                return False
            if await stream.wait_writable(deadline.left()):
                return True
            left = deadline.left()
            if left is not None and left <= 0:
                raise WriteTimeout(f"the server took no bytes for {limit} seconds")
            # Readable, and nothing came of it: under TLS, a part of a record.
            if stream.get_extra_info("is_readable"):
                try:
                    received = await stream.read(READ_SIZE, _MOMENT)
                except ReadTimeout:
                    continue
                if await self._take(exchange, received):
                    return False

    @staticmethod
    async def _take(exchange: Exchange, received: bytes) -> bool:
        """Takes a part of an early response; True if sending is pointless now."""
        exchange.reader.feed(received)
        if exchange.early_head is None:
            await exchange.take_early_head()
        head = exchange.early_head
        if head is not None and (head[1] >= 300 or head[1] < 200):
            return True
        if not received:
            # The server has ended its side. Without an answer, reading on tells
            # what happened; with one, it has said all it has to say.
            return True
        if head is not None:
            if exchange.take_early_body():
                # Nothing that follows a complete response is ours to hold.
                return True
            if exchange.reader.received > _MOST_EARLY_BYTES:
                raise ReadError(
                    f"more than {_MOST_EARLY_BYTES} bytes of the response came "
                    "before the request had been sent"
                )
        return False

    async def _is_refused(self, exchange: Exchange) -> bool:
        """Waits for a 100 (Continue); True if a final response came instead."""
        ends_at = time.monotonic() + CONTINUE_SECONDS
        while (left := ends_at - time.monotonic()) > 0:
            limit = exchange.timeouts.for_read()
            try:
                received = await exchange.stream.read(
                    READ_SIZE, left if limit is None else min(left, limit)
                )
            except ReadTimeout:
                return False
            exchange.reader.feed(received)
            if await exchange.take_early_head(until_continue=True):
                if exchange.early_head is None:
                    # Behind the 100 the answer may stand already: is it an error?
                    await exchange.take_early_head()
                    return exchange.early_head is not None and exchange.early_head[1] >= 300
                return True
        return False
