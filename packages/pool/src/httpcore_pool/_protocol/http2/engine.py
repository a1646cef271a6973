"""One connection of HTTP/2, the client's side (RFC 9113): bytes in, bytes out.

    engine = Engine()
    stream = engine.open(fields, ends=True)     # a request
    engine.take()                               # what is to be sent now
    engine.receive(octets)                      # the streams that have news

A stream's trouble stays its own: what is wrong with one response resets that stream.
Only what concerns the connection as such (frames that cannot be read, fields that
cannot be decompressed) ends it, and with it all streams.

Pure, and not for two callers at once: the caller holds a lock.
"""

import collections
import collections.abc

import hpack

from httpcore_interface import ConnectionNotAvailable, LocalProtocolError, RemoteProtocolError

from . import frames, settings
from .compressor import Compressor
from .decompressor import Decompressor
from .errors import ConnectionFault, ErrorCode, StreamFault, name_of
from .fields import Fields, check_fields
from .settings import PeerSettings
from .stream import Stream

MOST_STREAMS = 100
"""Requests at once before the server's SETTINGS have come; where they set no limit there
is none (section 6.5.2)."""

# A server that compresses nothing may need some of them; one that sends thousands wants
# our memory (the CONTINUATION flood, CVE-2024-27316 and others).
_MOST_CONTINUATIONS = 64
_MOST_BLOCK_BYTES = 256 * 1024

# Frames in a row that carry nothing for anybody: PING, SETTINGS, PRIORITY, resets of
# what is over, empty DATA. Each costs us, and most want an answer. So many within so many
# seconds: over days, a server that only asks whether we live may well come to them.
_MOST_IDLE_FRAMES = 10_000
_IDLE_SECONDS = 60.0

# Answers that wait for a server that reads none of them (CVE-2019-9512, CVE-2019-9515).
_MOST_ANSWERS = 10_000

# Bytes read after which the server is told.
_RETURNED_AT_ONCE = settings.STREAM_WINDOW // 2
_CONNECTION_RETURNED_AT_ONCE = settings.CONNECTION_WINDOW // 2

_LARGEST_STREAM = 2**31 - 1


class Engine:
    """The state of one connection.

    Attributes:
        streams: The requests that are not over, by their number.
        peer: What the server allows.
        has_settings: Whether the server has said so.
        is_draining: Whether no more requests may be made: the server is going, or the
            numbers have run out.
        failure: Why the connection is over; None while it is not.
        pings: PINGs of ours that have been answered.
    """

    __slots__ = (
        "_answers",
        "_block",
        "_block_flags",
        "_block_parts",
        "_block_stream",
        "_compressor",
        "_continuations",
        "_decompressor",
        "_handlers",
        "_idle_frames",
        "_idle_since",
        "_news",
        "_next_number",
        "_now",
        "_outbox",
        "_outbox_size",
        "_reader",
        "_receive_window",
        "_send_window",
        "_taken",
        "_unreturned",
        "failure",
        "has_settings",
        "is_draining",
        "peer",
        "pings",
        "streams",
    )

    def __init__(self) -> None:
        self.streams: dict[int, Stream] = {}
        self.peer = PeerSettings()
        self.has_settings = False
        self.is_draining = False
        self.failure: RemoteProtocolError | None = None
        self.pings = 0
        self._reader = frames.FrameReader(settings.FRAME_SIZE)
        self._compressor = Compressor(settings.TABLE_SIZE)
        self._decompressor = Decompressor(settings.HEAD_LIMIT)
        self._next_number = 1
        self._send_window = settings.DEFAULT_WINDOW
        self._receive_window = settings.CONNECTION_WINDOW
        self._unreturned = 0
        self._idle_frames = 0
        self._idle_since = self._now = 0.0
        # The field block whose end has not come yet.
        self._block_stream = 0
        self._block_flags = 0
        self._block_parts: list[bytes] = []
        self._continuations = 0
        self._news: dict[Stream, None] = {}
        self._outbox: collections.deque[bytes] = collections.deque()
        self._outbox_size = 0
        self._taken = 0
        self._answers = 0
        self._handlers: dict[int, collections.abc.Callable[[int, int, bytes], None]] = {
            frames.DATA: self._on_data,
            frames.HEADERS: self._on_headers,
            frames.PRIORITY: self._on_priority,
            frames.RST_STREAM: self._on_reset,
            frames.SETTINGS: self._on_settings,
            frames.PUSH_PROMISE: self._on_push,
            frames.PING: self._on_ping,
            frames.GOAWAY: self._on_goaway,
            frames.WINDOW_UPDATE: self._on_window_update,
            frames.CONTINUATION: self._on_continuation,
        }
        self._send(frames.PREFACE + frames.write_settings(settings.OURS))
        self._send(
            frames.write_window_update(0, settings.CONNECTION_WINDOW - settings.DEFAULT_WINDOW)
        )

    # -- what is to be sent ------------------------------------------------------

    @property
    def unsent(self) -> int:
        """Bytes that are to be sent."""
        return self._outbox_size

    @property
    def queued(self) -> int:
        """Bytes that were ever to be sent, those that were taken included."""
        return self._taken + self._outbox_size

    def take(self) -> bytes:
        """Returns what is to be sent, once: from now on it is the caller's."""
        octets = b"".join(self._outbox)
        self._taken += self._outbox_size
        self._outbox.clear()
        self._outbox_size = self._answers = 0
        return octets

    def _send(self, octets: bytes) -> None:
        self._outbox.append(octets)
        self._outbox_size += len(octets)

    def _answer(self, kind: int, payload: bytes = b"") -> None:
        self._answers += 1
        if self._answers > _MOST_ANSWERS:
            raise ConnectionFault(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"{_MOST_ANSWERS} frames that want an answer, and it takes none",
            )
        self._send(frames.write_frame(kind, frames.ACK, 0, payload))

    # -- requests ----------------------------------------------------------------

    @property
    def capacity(self) -> int:
        """How many requests it takes at once; none when it is going."""
        if self.is_draining or self.failure is not None:
            return 0
        if not self.has_settings:
            return MOST_STREAMS
        most = self.peer.most_streams
        return _LARGEST_STREAM if most is None else most

    def open(self, fields: Fields, *, ends: bool) -> Stream:
        """Begins a request.

        Args:
            fields: The pseudo-fields first.
            ends: Whether it has no body.

        Raises:
            ConnectionNotAvailable: There is no room for it, or will be none any more.
        """
        if len(self.streams) >= self.capacity:
            raise ConnectionNotAvailable(
                f"the server takes {self.capacity} requests at once on this connection"
            )
        number = self._next_number
        self._next_number += 2
        if self._next_number > _LARGEST_STREAM:
            # Section 5.1.1: a new connection has new numbers.
            self.is_draining = True
        stream = Stream(
            number, fields[0][1], self.peer.window, settings.STREAM_WINDOW, self.queued
        )
        self.streams[number] = stream
        self._send_block(stream, fields, ends=ends)
        return stream

    def _send_block(self, stream: Stream, fields: Fields, *, ends: bool) -> None:
        block = self._compressor.compress(fields)
        self._send(
            frames.write_block(stream.number, block, self.peer.frame_size, ends_stream=ends)
        )
        stream.has_sent_all = ends

    def window_of(self, stream: Stream) -> int:
        """Returns how many bytes of a body may be sent now; 0 or less is none."""
        return min(stream.send_window, self._send_window)

    def send(self, stream: Stream, octets: bytes | memoryview, *, ends: bool) -> int:
        """Sends as much of a part of a body as the windows allow.

        Args:
            stream: Whose body it is.
            octets: The part, or what is left of it.
            ends: Whether the body ends with it.

        Returns:
            How many bytes were taken. The end is told with the last of them.
        """
        size = len(octets)
        allowed = max(0, min(size, stream.send_window, self._send_window))
        if allowed or (ends and not size):
            start = 0
            while start < allowed or (ends and not size):
                step = min(self.peer.frame_size, allowed - start)
                is_last = ends and start + step == size
                flags = frames.END_STREAM if is_last else 0
                self._send(frames.write_header(frames.DATA, flags, stream.number, step))
                if step:
                    # The one copy that there is: what is in the outbox is ours.
                    self._send(bytes(octets[start : start + step]))
                start += step
                if is_last:
                    stream.has_sent_all = True
                    self._forget_if_over(stream)
                    break
            stream.send_window -= allowed
            self._send_window -= allowed
        return allowed

    def send_trailers(self, stream: Stream, fields: Fields) -> None:
        """Ends a request with fields behind its body.

        Raises:
            LocalProtocolError: They are not valid.
        """
        try:
            check_fields(fields)
        except StreamFault as exc:
            raise LocalProtocolError(exc.reason) from exc
        self._send_block(stream, fields, ends=True)
        self._forget_if_over(stream)

    def reset(self, stream: Stream, code: ErrorCode = ErrorCode.CANCEL) -> None:
        """Ends a stream, from this side, wherever it is; at its end nothing happens."""
        if not stream.is_forgotten:
            self._send(frames.write_reset(stream.number, code))
            self._forget(stream)
        stream.chunks.clear()

    def note_read(self, stream: Stream, size: int) -> None:
        """Notes that the user has read so many bytes: the server may send more."""
        stream.unreturned += size
        if stream.unreturned >= _RETURNED_AT_ONCE and not stream.is_over:
            self._send(frames.write_window_update(stream.number, stream.unreturned))
            stream.receive_window += stream.unreturned
            stream.unreturned = 0

    def ping(self) -> None:
        """Asks the server for a sign of life; `pings` counts the answers."""
        self._send(frames.write_frame(frames.PING, 0, 0, b"httpcore"))

    def close(self) -> None:
        """Tells the server, politely, that this side goes."""
        if self.failure is None and not self.is_draining:
            self._send(frames.write_goaway(0, ErrorCode.NO_ERROR, ""))
        self.is_draining = True

    def _forget(self, stream: Stream) -> None:
        stream.is_forgotten = True
        self.streams.pop(stream.number, None)

    def _forget_if_over(self, stream: Stream) -> None:
        if stream.has_ended and stream.has_sent_all:
            self._forget(stream)

    # -- what has come -----------------------------------------------------------

    def receive(self, received: bytes, now: float = 0.0) -> list[Stream]:
        """Takes what has come; `b""` is the end of the connection.

        Args:
            received: What has come.
            now: The time, in seconds: a server may say a lot in a long time.

        Returns:
            The streams that have news.
        """
        self._news = {}
        self._now = now
        if self.failure is None:
            try:
                if not received:
                    self._end()
                elif not self.has_settings and received.startswith(b"HTTP/"):
                    raise ConnectionFault(  # noqa: TRY301 - caught below
                        ErrorCode.HTTP_1_1_REQUIRED, "it answers in HTTP/1"
                    )
                for kind, flags, number, payload in self._reader.feed(received):
                    if not self.has_settings and kind != frames.SETTINGS:
                        # Section 3.4: it begins with them.
                        raise ConnectionFault(  # noqa: TRY301 - caught below
                            ErrorCode.PROTOCOL_ERROR, "its first frame is not SETTINGS"
                        )
                    if self._block_stream and kind != frames.CONTINUATION:
                        raise ConnectionFault(  # noqa: TRY301 - likewise
                            ErrorCode.PROTOCOL_ERROR, "a frame within a field block"
                        )
                    handler = self._handlers.get(kind)
                    if handler is None:
                        # Section 5.5: unknown frames mean nothing.
                        self._note_idle()
                    else:
                        handler(flags, number, payload)
            except ConnectionFault as exc:
                self._send(frames.write_goaway(0, exc.code, exc.reason))
                self.fail(RemoteProtocolError(f"the server broke HTTP/2: {exc.reason}"))
        return list(self._news)

    def _end(self) -> None:
        reason = "Server disconnected without sending a response."
        if self._reader.is_within_frame:
            reason = "Server disconnected in the middle of a frame."
        self.fail(RemoteProtocolError(reason))

    def fail(self, failure: RemoteProtocolError) -> None:
        """Ends the connection, and what is not over on it."""
        self.failure = failure
        for stream in list(self.streams.values()):
            self._fail_stream(stream, str(failure))

    def drop_from(self, position: int, reason: str) -> None:
        """Ends the requests of which nothing was sent, and nothing will be.

        Args:
            position: They begin there, or behind it; see `queued`.
            reason: Why.
        """
        for stream in list(self.streams.values()):
            if stream.begins_at >= position:
                stream.is_unprocessed = True
                self._fail_stream(stream, reason)

    def _fail_stream(self, stream: Stream, reason: str) -> None:
        if not stream.has_ended:
            # Each gets an error of its own: a traceback grows with every raise.
            stream.failure = RemoteProtocolError(reason)
        self._news[stream] = None
        self._forget(stream)

    def _note_idle(self) -> None:
        if not self._idle_frames:
            self._idle_since = self._now
        self._idle_frames += 1
        if self._idle_frames > _MOST_IDLE_FRAMES:
            if self._now - self._idle_since < _IDLE_SECONDS:
                raise ConnectionFault(
                    ErrorCode.ENHANCE_YOUR_CALM,
                    f"{_MOST_IDLE_FRAMES} frames in a row that carry nothing",
                )
            self._idle_frames = 0

    def _stream_of(self, number: int) -> Stream | None:
        """Returns the stream of a frame; None if it is over.

        Raises:
            ConnectionFault: There never was one (section 5.1.1).
        """
        stream = self.streams.get(number)
        if stream is None and (number % 2 == 0 or number >= self._next_number):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"a frame of stream {number}")
        return stream

    def _on_data(self, flags: int, number: int, payload: bytes) -> None:
        size = len(payload)
        stream = self._stream_of(number)
        self._receive_window -= size
        if self._receive_window < 0:
            raise ConnectionFault(
                ErrorCode.FLOW_CONTROL_ERROR, "more bytes than the connection's window allows"
            )
        # The window of the connection is given back whatever becomes of the bytes: what
        # bounds our memory are those of the streams.
        self._unreturned += size
        if self._unreturned >= _CONNECTION_RETURNED_AT_ONCE:
            self._send(frames.write_window_update(0, self._unreturned))
            self._receive_window += self._unreturned
            self._unreturned = 0
        chunk = frames.unpadded(flags, payload) if flags & frames.PADDED else payload
        if stream is None or not (chunk or flags & frames.END_STREAM):
            self._note_idle()
        else:
            self._idle_frames = 0
        if stream is None:
            return
        try:
            stream.take_chunk(chunk, size, ends=bool(flags & frames.END_STREAM))
        except StreamFault as exc:
            self._fault(stream, exc)
            return
        if len(chunk) != size:
            self.note_read(stream, size - len(chunk))
        self._news[stream] = None
        self._forget_if_over(stream)

    def _fault(self, stream: Stream, exc: StreamFault) -> None:
        """Ends a stream for what the server did on it."""
        self._send(frames.write_reset(stream.number, exc.code))
        stream.has_ended = False
        self._fail_stream(stream, exc.reason)

    def _on_headers(self, flags: int, number: int, payload: bytes) -> None:
        self._stream_of(number)
        block = frames.unpadded(flags, payload)
        if flags & frames.WITH_PRIORITY:
            if len(block) < 5:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a HEADERS frame too small")
            block = block[5:]
        if flags & frames.END_HEADERS:
            self._on_block(number, flags, block)
            return
        self._block_stream = number
        self._block_flags = flags
        self._block_parts = [block]
        self._continuations = 0

    def _on_continuation(self, flags: int, number: int, payload: bytes) -> None:
        if not number or number != self._block_stream:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a CONTINUATION frame of nothing")
        self._continuations += 1
        self._block_parts.append(payload)
        if (
            self._continuations > _MOST_CONTINUATIONS
            or sum(map(len, self._block_parts)) > _MOST_BLOCK_BYTES
        ):
            raise ConnectionFault(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"a field block of more than {_MOST_CONTINUATIONS} CONTINUATION frames "
                f"or {_MOST_BLOCK_BYTES} bytes",
            )
        if flags & frames.END_HEADERS:
            block = b"".join(self._block_parts)
            self._block_stream = 0
            self._block_parts = []
            self._on_block(number, self._block_flags, block)

    def _on_block(self, number: int, flags: int, block: bytes) -> None:
        # Also for a stream that is over: the tables of both sides have to agree.
        fields = self._decompress(block)
        stream = self.streams.get(number)
        if stream is None:
            self._note_idle()
            return
        self._idle_frames = 0
        ends = bool(flags & frames.END_STREAM)
        try:
            stream.take_fields(fields, ends=ends)
        except StreamFault as exc:
            self._fault(stream, exc)
            return
        self._news[stream] = None
        self._forget_if_over(stream)

    def _decompress(self, block: bytes) -> Fields:
        try:
            return self._decompressor.decompress(block)
        except hpack.OversizedHeaderListError as exc:
            raise ConnectionFault(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"a head of more than {settings.HEAD_LIMIT} bytes",
            ) from exc
        # UnicodeDecodeError, IndexError: what hpack does not foresee.
        except (hpack.HPACKError, ValueError, IndexError) as exc:
            raise ConnectionFault(
                ErrorCode.COMPRESSION_ERROR, f"fields that cannot be decompressed: {exc}"
            ) from exc

    def _on_priority(self, flags: int, number: int, payload: bytes) -> None:
        # Deprecated (section 5.3.2), and never of use to a client.
        if not number or len(payload) != 5:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a PRIORITY frame that is none")
        self._note_idle()

    def _on_reset(self, flags: int, number: int, payload: bytes) -> None:
        code = frames.read_number(payload, "RST_STREAM")
        stream = self._stream_of(number)
        if stream is None:
            self._note_idle()
            return
        if stream.has_ended:
            # Section 8.1: the answer is complete, and the rest of the request unwanted.
            stream.is_stopped = True
            self._news[stream] = None
            self._forget(stream)
            return
        stream.is_unprocessed = code == ErrorCode.REFUSED_STREAM
        self._fail_stream(stream, f"the server reset the stream: {name_of(code)}")

    def _on_settings(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "SETTINGS of a stream")
        self._note_idle()
        if flags & frames.ACK:
            if payload:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS in an answer")
            return
        window = self.peer.window
        for name, value in frames.read_settings(payload):
            self.peer.note(name, value)
            # No larger than what we would use by ourselves. Each counts: what is smaller
            # for a moment empties the table.
            table_size = min(self.peer.table_size, settings.TABLE_SIZE)
            if table_size != self._compressor.size:
                self._compressor.resize(table_size)
        self.has_settings = True
        self._change_windows(self.peer.window - window)
        self._answer(frames.SETTINGS)

    def _change_windows(self, difference: int) -> None:
        """Section 6.9.2: the windows of streams that are open change as well."""
        if not difference:
            return
        for stream in self.streams.values():
            stream.send_window += difference
            if stream.send_window > settings.LARGEST_WINDOW:
                raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window too large")
            self._news[stream] = None

    def _on_push(self, flags: int, number: int, payload: bytes) -> None:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a push, which we have disabled")

    def _on_ping(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a PING of a stream")
        if len(payload) != 8:
            raise ConnectionFault(
                ErrorCode.FRAME_SIZE_ERROR, f"a PING of {len(payload)} bytes instead of 8"
            )
        self._note_idle()
        if flags & frames.ACK:
            self.pings += 1
        else:
            self._answer(frames.PING, payload)

    def _on_goaway(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a GOAWAY of a stream")
        last, code, words = frames.read_goaway(payload)
        self.is_draining = True
        reason = f"the server is going: {name_of(code)}"
        if words:
            reason += f", {words[:128]!r}"
        for stream in list(self.streams.values()):
            # Section 6.8: what is beyond `last` was not, and will not be, acted on.
            if stream.number > last:
                stream.is_unprocessed = True
                self._fail_stream(stream, reason)

    def _on_window_update(self, flags: int, number: int, payload: bytes) -> None:
        increment = frames.read_number(payload, "WINDOW_UPDATE") & 0x7FFFFFFF
        if number == 0:
            if not increment:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0")
            self._send_window += increment
            if self._send_window > settings.LARGEST_WINDOW:
                raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window too large")
            # Whoever has something to send may go on.
            for waiting in self.streams.values():
                if not waiting.has_sent_all:
                    self._news[waiting] = None
            return
        stream = self._stream_of(number)
        if stream is None:
            self._note_idle()
            return
        try:
            stream.widen(increment)
        except StreamFault as exc:
            self._fault(stream, exc)
            return
        self._news[stream] = None
