"""One request and its response on an HTTP/2 connection."""

import collections.abc
import typing

from httpcore_interface import (
    ConnectionNotAvailable,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
)

from .._messages import Request
from .._protocol.http2 import Engine, Head, Stream
from .._protocol.http2.fields import request_fields
from .._url import to_bytes
from .closing import close_all
from .ending import Ending
from .patience import Departure, HeadPatience, Patience
from .timeouts import Timeouts
from .trace import Tracer

if typing.TYPE_CHECKING:
    from .http2 import HTTP2Connection
    from .http2_upload import HTTP2Upload


_CHUNK_SIZE = 64 * 1024
"""Bytes of a body that are handed out at once, if they are here: servers cut it into frames
as small as 8 kB, which concern nobody else."""


class HTTP2Exchange(Ending):
    """One request and its response on one stream. See `Exchange`, its twin.

    Args:
        connection: What it goes over.
        request: What is sent.
        timeouts: How long it may take.
        tracer: Who is told, if anybody.

    Attributes:
        traffic: The connection's.
        stream: Its own; None before the request has begun.
    """

    __slots__ = (
        "_connection",
        "_owes",
        "stream",
        "timeouts",
        "traffic",
    )

    protocol = "http2"
    _connection: "HTTP2Connection"

    def __init__(
        self,
        connection: "HTTP2Connection",
        request: Request,
        timeouts: Timeouts,
        tracer: Tracer | None,
    ) -> None:
        self._connection = connection
        self._request = request
        self.tracer = tracer
        self.traffic = connection.traffic
        self.timeouts = timeouts
        self.stream: Stream | None = None
        self._lease = self._doomed = self._failure = None
        self._is_open = self._is_complete = self._is_reading = self._is_told = False
        self._owes = False

    # -- the head ----------------------------------------------------------------

    async def exchange_heads(self, upload: "HTTP2Upload", tracer: Tracer | None) -> Head:
        """Sends the request, and returns the final head of the response.

        Raises:
            ConnectionNotAvailable: The connection takes no more requests.
            LocalProtocolError: The request is not valid, or not for this server.
        """
        if upload.is_tunnel and self._request.extensions.get("protocol"):
            await self._await_extended_connect()
        if tracer is None:
            return await self._receive_head(await upload.send(self))
        # Begun before it is told of, for its number.
        position = await upload.begin(self)
        info = {"request": self._request, **self._number_facts()}
        sending = upload.send_head(self, position)
        await tracer.run("http2.send_request_headers", info, sending)
        await tracer.run("http2.send_request_body", info, upload.send_body(self))
        receiving = self._receive_head()
        return await tracer.run("http2.receive_response_headers", info, receiving)

    async def _await_extended_connect(self) -> None:
        """Makes sure that the server allows it: before that it would be malformed.

        Raises:
            LocalProtocolError: It does not (RFC 8441, section 3).
        """
        engine = self.traffic.engine
        if not engine.has_settings:
            await self.traffic.drive(
                None, lambda: engine.has_settings, self.timeouts.for_read(), ReadTimeout
            )
        if engine.failure is not None:
            raise self.loss()
        if not engine.peer.takes_protocols:
            raise LocalProtocolError("the server does not take an extended CONNECT")

    def begin(self, engine: Engine, *, ends: bool) -> Stream:
        """Opens the stream and queues the request's head, under the traffic's lock."""
        request = self._request
        url = request.url
        protocol: bytes | None = None
        if request.method == b"CONNECT" and request.extensions.get("protocol"):
            protocol = to_bytes(request.extensions["protocol"], "protocol")
        fields = request_fields(
            request.method, url.scheme, url.host_field, url.target, request.headers, protocol
        )
        try:
            self.stream = engine.open(fields, ends=ends)
        except ConnectionNotAvailable:
            raise
        except BaseException as exc:
            self.traffic.note_torn(exc)
            raise
        return self.stream

    async def _receive_head(self, departure: Departure | None = None) -> Head:
        stream = self._known_stream
        while True:
            head = await self._next_head(departure)
            departure = None
            if self.tracer is not None:
                await self._connection.tell_settings(self.tracer)
            if stream.has_final_head and not stream.heads:
                if self.traffic.has_unsent:
                    # The server waits for an answer to its settings, perhaps.
                    await self.traffic.push()
                return head
            if self.tracer is not None:
                await self.tracer.tell(
                    "http2.receive_interim_response.complete", {"return_value": head}
                )

    async def _next_head(self, departure: Departure | None) -> Head:
        """Returns the next head, interim or final.

        Args:
            departure: The request, if it may not have been sent yet.

        Raises:
            WriteTimeout: The request did not leave in time.
            ReadTimeout: No head came in time.
        """
        stream, timeouts = self._known_stream, self.timeouts
        if not stream.heads:
            patience: Patience | HeadPatience
            if departure is None:
                patience = Patience(timeouts.for_read(), ReadTimeout)
            else:
                patience = HeadPatience(timeouts, departure)
            await self.traffic.drive_patiently(
                stream, lambda: bool(stream.heads) or stream.is_over, patience
            )
        with self.traffic.lock:
            if stream.heads:
                return stream.heads.popleft()
        raise self.loss()

    @property
    def _known_stream(self) -> Stream:
        assert self.stream is not None
        return self.stream

    def loss(self) -> Exception:
        """Returns the reason why nothing more will come."""
        failure = self.traffic.failure or self.traffic.cut
        reasons = str(failure), str(self.traffic.engine.failure)
        own = None if self.stream is None else self.stream.failure
        # What became of the stream before the connection broke is what matters.
        if own is not None and (failure is None or str(own) not in reasons):
            return own
        if failure is not None:
            return type(failure)(str(failure))
        return RemoteProtocolError(str(self.traffic.engine.failure or "the stream was reset"))

    @property
    def number(self) -> int:
        """The stream's identifier."""
        return self._known_stream.number

    @property
    def is_unprocessed(self) -> bool:
        """Whether the server did nothing about the request."""
        return self.stream is not None and self.stream.is_unprocessed

    def _number_facts(self) -> dict[str, object]:
        return {"stream_id": self.number}

    async def conclude_unanswered(
        self, closing: collections.abc.Awaitable[None] | None = None
    ) -> None:
        """Tells of the end; see `Ending`. A request that never began has none."""
        if self.stream is not None:
            await super().conclude_unanswered(closing)
        elif closing is not None:
            await closing

    def give_up(self) -> None:
        """Ends the stream, before its response was handed out."""
        if self.stream is not None and not self.stream.is_forgotten:
            self.traffic.give_up(self.stream)
        self.traffic.tell_cut()
        self._connection.finish()

    # -- reading the body --------------------------------------------------------

    def take_chunk(self) -> bytes | None:
        """Returns what can be had without waiting. See `Exchange.take_chunk`."""
        if not self._is_open or self._is_reading or self.tracer is not None:
            return b"" if self._is_complete and self.is_over else None
        chunk = self._next_received()
        if chunk == b"":
            self._complete()
            if not self.is_over:
                return None
        return chunk

    def _next_received(self) -> bytes | None:
        stream = self._known_stream
        traffic = self.traffic
        with traffic.lock:
            if not stream.chunks:
                return b"" if stream.has_ended else None
            chunk = stream.take_together(_CHUNK_SIZE)
            traffic.engine.note_read(stream, len(chunk))
            return chunk

    def take_rest(self) -> bytes | None:
        """Returns the whole rest of the body if it has come. See `Exchange.take_rest`."""
        stream = self._known_stream
        if not self._is_open or self._is_reading or self.tracer or not stream.has_ended:
            return None
        with self.traffic.lock:
            rest = b"".join(stream.chunks)
            stream.chunks.clear()
        self._complete()
        return rest

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and left nothing to close or to tell the server."""
        return not (self._is_open or self._doomed or self._owes)

    async def next_chunk(self) -> bytes:
        """Returns the next part of the body, `b""` at its end. See `Exchange.next_chunk`."""
        if not self._is_open:
            return await self._past_the_end()
        if self._is_reading:
            raise RuntimeError("another thread or task is reading this response")
        stream = self._known_stream
        try:
            if self.tracer is not None:
                await self._tell_begun()
            self._is_reading = True
            while (chunk := self._next_received()) is None:
                if not self._is_open:
                    raise ReadError("this response was closed while it was read")  # noqa: TRY301 - to be told of below
                if stream.is_over:
                    raise self.loss()  # noqa: TRY301 - likewise
                await self.traffic.drive(
                    stream,
                    lambda: bool(stream.chunks) or stream.is_over or not self._is_open,
                    self.timeouts.for_read(),
                    ReadTimeout,
                )
            self._is_reading = False
        except BaseException as exc:
            await self._fail(exc)
            raise
        if chunk == b"":
            self._complete()
            await self._conclude("complete", {"return_value": None})
        return chunk

    # -- the end -----------------------------------------------------------------

    def _complete(self) -> None:
        """Settles that the body has been read to its end."""
        self._is_complete = True
        stream = self._known_stream
        if stream.trailers:
            self._extensions["trailing_headers"] = stream.trailers
        self._end()

    def _end(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        stream = self._known_stream
        if not stream.is_forgotten or stream.chunks:
            self.traffic.give_up(stream)
        # The end of the stream, or an answer to what came with the end of the body.
        self._owes = self.traffic.has_unsent
        is_reusable = self._connection.finish()
        if self._lease is not None:
            self._doomed = self._lease.end(self._connection.idle_since, reusable=is_reusable)
        elif not is_reusable and not self.traffic.engine.streams:
            self._doomed = [self._connection]

    def _break_off(self) -> None:
        self._end()

    async def aclose(self) -> None:
        """Ends the exchange, wherever the body is."""
        if not self._is_open:
            await self._close_doomed()
            return
        self._end()
        if self._is_reading:
            # Who reads for all notices when something comes: an answer to this.
            self.traffic.ask()
            self.traffic.wake_all()
        await self._conclude("complete", {"return_value": None})

    async def _close_doomed(self) -> None:
        doomed, self._doomed = self._doomed, None
        try:
            if doomed:
                await close_all(doomed)
        finally:
            self._owes = False
            # So that a server does not go on sending what nobody reads, and gets its
            # answers, though nobody may drive for a while.
            if self.traffic.has_unsent:
                await self._connection.push()

    def __del__(self) -> None:
        # In a finaliser, at any moment and in any thread: no lock, no waiting.
        if self._is_open:
            self._is_open = False
            assert self.stream is not None
            self.traffic.abandoned.append(self.stream)
        if self._lease is not None and not self._lease.is_over:
            self._lease.abandon()
