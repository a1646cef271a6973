"""The fast lane for responses (RFC 9112, sections 4, 6 and 7).

It takes heads that arrive in one piece and match the strict grammar, with a
Content-Length, no body, a body that ends with the connection, or plain chunks.
Anything else (interim 101, trailers, chunk extensions, HTTP/1.0, folded lines,
a head in two pieces) is handed, from where it begins, to an `H11Reader`, and the
exchange stays there.
"""

import typing

from httpcore_interface import RemoteProtocolError

from . import grammar

if typing.TYPE_CHECKING:
    from .fallback import H11Reader
    from .request import RequestWriter

Head = tuple[bytes, int, bytes, list[tuple[bytes, bytes]]]
"""HTTP version, status, reason, and the fields as (name, value) pairs."""

# h11's words: programs look for them.
INCOMPLETE_CHUNKED = (
    "peer closed connection without sending complete message body (incomplete chunked read)"
)

# How the body is framed, and when it is not read by the lane.
_HEAD, _LENGTH, _CHUNKED, _UNTIL_CLOSE, _ENDED, _FALLBACK = range(6)

# The fields that the lane has to understand.
_BEARINGS = {b"content-length": 1, b"transfer-encoding": 2, b"connection": 3}
# The same as they are spelled mostly.
_USUAL_BEARINGS = _BEARINGS | {name.title(): what for name, what in _BEARINGS.items()}

# Names, as they are written, that are known to be none of these. Bounded, since
# servers may make names up.
_ordinary_names: set[bytes] = set()
_MOST_ORDINARY_NAMES = 1024
_LONGEST_ORDINARY_NAME = 64


def _bearing_of(name: bytes) -> int:
    """Looks up a name in an unusual spelling; 0 if it is ordinary."""
    bearing = _BEARINGS.get(name.lower(), 0)
    if (
        bearing == 0
        and len(name) <= _LONGEST_ORDINARY_NAME
        and len(_ordinary_names) < _MOST_ORDINARY_NAMES
    ):
        _ordinary_names.add(name)
    return bearing


class ResponseReader:
    """The receiving half of an exchange.

    Feed it what the connection gives, then ask: for heads until one is final,
    then for chunks until one is empty. None always means: feed more.

    Args:
        request: The sending half, whose method, `Connection` and `Upgrade` decide
            how the response reads.

    Attributes:
        fallback: h11's reader, where the lane has handed over to it.
        received: How many bytes it was fed.
        trailers: The fields after a chunked body; complete when that has ended.
    """

    __slots__ = (
        "_buffer",
        "_crlf_due",
        "_expected",
        "_head",
        "_is_at_eof",
        "_keeps_alive",
        "_mode",
        "_position",
        "_remaining",
        "_request",
        "fallback",
        "received",
    )

    def __init__(self, request: "RequestWriter") -> None:
        self._request = request
        self._keeps_alive = not request.asks_to_close
        self._buffer = b""
        self._position = 0
        self._mode = _HEAD
        self._is_at_eof = False
        self.fallback: H11Reader | None = None
        self.received = 0

    def feed(self, received: bytes) -> None:
        """Takes what was received; `b""` is the end of the stream."""
        self.received += len(received)
        if self.fallback is not None:
            self.fallback.feed(received)
        elif not received:
            self._is_at_eof = True
        elif self._position < len(self._buffer):
            self._buffer = self._buffer[self._position :] + received
            self._position = 0
        else:
            self._buffer = received
            self._position = 0

    # -- the head ----------------------------------------------------------------

    def next_head(self) -> Head | None:
        """Returns the next head: interim (1xx) or final.

        Raises:
            RemoteProtocolError: The server broke the rules, or broke off.
        """
        if self.fallback is None:
            buffer = self._buffer
            blank_line = buffer.find(b"\r\n\r\n")
            if blank_line >= 0:
                head = self._parse_head(buffer, blank_line + 2)
                if head is not None:
                    return head
            elif not buffer:
                if self._is_at_eof:
                    raise RemoteProtocolError("Server disconnected without sending a response.")
                return None
            self._fall_back(b"", buffer)
        return self._fallback_head()

    def _parse_head(self, buffer: bytes, end: int) -> Head | None:
        """Parses the head whose last line ends at `end`; None if it is not the lane's."""
        parsed = grammar.parse_head(buffer, end)
        end += 2
        if parsed is None or end > grammar.HEAD_LIMIT:
            return None
        status, reason, fields = parsed
        if status < 200:
            # An interim response has no body, but h11 reads its framing all the same.
            if status == 101 or any(name.lower() in _BEARINGS for name, _ in fields):
                return None
            self._buffer = buffer[end:]
        elif self._plan_body(status, fields):
            if self._mode == _CHUNKED:
                self._head = buffer[:end]
            self._position = end
        else:
            return None
        return b"HTTP/1.1", status, reason, fields

    def _plan_body(self, status: int, fields: list[tuple[bytes, bytes]]) -> bool:
        """Decides how the body is framed (RFC 9112, section 6.3); False if h11 has to."""
        length = -1
        is_chunked = False
        keeps_alive = self._keeps_alive
        for name, value in fields:
            if name in _ordinary_names:
                continue
            bearing = _USUAL_BEARINGS.get(name) or _bearing_of(name)
            if bearing == 1:
                # Once, plain, and not more digits than h11 takes.
                if length >= 0 or not value.isdigit() or len(value) > 20:
                    return False
                length = int(value)
            elif bearing == 2:
                if is_chunked or value != b"chunked":
                    return False
                is_chunked = True
            elif bearing == 3 and value != b"keep-alive":
                option = value.lower()
                if option == b"close":
                    keeps_alive = False
                elif option != b"keep-alive":
                    return False
        method = self._request.method
        if (is_chunked and length >= 0) or method == b"CONNECT":
            return False
        self._keeps_alive = keeps_alive
        if length == 0 or method == b"HEAD" or status in (204, 304):
            self._mode = _ENDED
        elif length > 0:
            self._mode = _LENGTH
            self._remaining = self._expected = length
        elif is_chunked:
            self._mode = _CHUNKED
            self._remaining = 0
            self._crlf_due = False
        else:
            self._mode = _UNTIL_CLOSE
        return True

    # -- the body ----------------------------------------------------------------

    def next_chunk(self) -> bytes | None:
        """Returns a part of the body, or `b""` once it is complete.

        Raises:
            RemoteProtocolError: The server broke the rules, or broke off.
        """
        mode = self._mode
        if mode == _LENGTH:
            return self._next_of_length()
        if mode == _ENDED:
            return b""
        if mode == _CHUNKED:
            return self._next_of_chunked()
        if mode == _FALLBACK:
            assert self.fallback is not None
            return self.fallback.next_chunk()
        return self._next_until_close()

    def take_rest(self) -> bytes | None:
        """Returns the rest of the body if its length is known and it is all here.

        Returns:
            None if it is not; nothing was taken then.
        """
        if self._mode == _ENDED:
            return b""
        if self._mode != _LENGTH or len(self._buffer) - self._position < self._remaining:
            return None
        return self._next_of_length()

    def _next_of_length(self) -> bytes | None:
        position, remaining = self._position, self._remaining
        chunk = self._buffer[position : position + remaining]
        size = len(chunk)
        if size == remaining:
            self._mode = _ENDED
        elif size == 0:
            if self._is_at_eof:
                # h11's words: programs look for them.
                raise RemoteProtocolError(
                    "peer closed connection without sending complete message body "
                    f"(received {self._expected - remaining} bytes, expected {self._expected})"
                )
            return None
        self._position = position + size
        self._remaining = remaining - size
        return chunk

    def _next_until_close(self) -> bytes | None:
        chunk = self._buffer[self._position :]
        self._position = len(self._buffer)
        if chunk:
            return chunk
        if not self._is_at_eof:
            return None
        self._mode = _ENDED
        return b""

    def _next_of_chunked(self) -> bytes | None:
        buffer, position = self._buffer, self._position
        if self._crlf_due:
            line_end = buffer[position : position + 2]
            if line_end != b"\r\n":
                if b"\r\n".startswith(line_end):
                    return self._need_more()
                # h11 finds the words; a chunk of one byte brings it to this place.
                return self._fall_back_in_body(b"1\r\n-", buffer[position:])
            self._crlf_due = False
            position = self._position = position + 2
        if self._remaining == 0:
            size = grammar.match_chunk_size(buffer, position)
            if size is None:
                if grammar.may_become_chunk_size(buffer, position):
                    return self._need_more()
                return self._fall_back_in_body(b"", buffer[position:])
            self._remaining = int(size[1], 16)
            if self._remaining == 0:
                return self._end_of_chunked(buffer, position, size.end())
            position = self._position = size.end()
        chunk = buffer[position : position + self._remaining]
        if not chunk:
            return self._need_more()
        self._position = position + len(chunk)
        self._remaining -= len(chunk)
        self._crlf_due = self._remaining == 0
        return chunk

    def _end_of_chunked(self, buffer: bytes, position: int, end: int) -> bytes | None:
        line_end = buffer[end : end + 2]
        if line_end == b"\r\n":
            self._mode = _ENDED
            self._position = end + 2
            return b""
        if b"\r\n".startswith(line_end):
            return self._need_more()
        # Trailers.
        return self._fall_back_in_body(b"", buffer[position:])

    def _need_more(self) -> bytes | None:
        if self._is_at_eof:
            raise RemoteProtocolError(INCOMPLETE_CHUNKED)
        return None

    # -- h11 ---------------------------------------------------------------------

    def _fall_back(self, prefix: bytes, received: bytes) -> None:
        from .fallback import H11Reader

        self._mode = _FALLBACK
        self.fallback = H11Reader(self._request.method, self._request.notable)
        for part in (prefix, received):
            if part:
                self.fallback.feed(part)
        if self._is_at_eof:
            self.fallback.feed(b"")
        self._buffer = b""

    def _fallback_head(self) -> Head | None:
        assert self.fallback is not None
        return self.fallback.next_head()

    def _fall_back_in_body(self, prefix: bytes, received: bytes) -> bytes | None:
        """Hands a chunked body over to h11 at a place that both know.

        h11 is told the head, so that it knows what is coming, and then goes on as
        if the chunks so far had been none.
        """
        self._fall_back(self._head + prefix, received)
        assert self.fallback is not None
        self.fallback.next_head()
        if prefix:
            self.fallback.next_chunk()
        return self.fallback.next_chunk()

    # -- afterwards --------------------------------------------------------------

    @property
    def trailers(self) -> list[tuple[bytes, bytes]]:
        """The fields that followed a chunked body (RFC 9110, section 6.5)."""
        return [] if self.fallback is None else self.fallback.trailers

    @property
    def may_continue(self) -> bool:
        """Whether the connection can take another request, now that this has ended.

        Bytes that came beyond the end belong to no request of ours, and must never
        be taken for the answer to the next one.
        """
        if self.fallback is not None:
            return self.fallback.may_continue and not self.fallback.unread
        return (
            self._mode == _ENDED
            and self._keeps_alive
            and self._position == len(self._buffer)
            and not self._is_at_eof
        )

    @property
    def has_switched(self) -> bool:
        """Whether the connection now speaks another protocol (101, CONNECT)."""
        return self.fallback is not None and self.fallback.has_switched

    @property
    def unread(self) -> bytes:
        """What came behind the end; after a switch, what the new protocol begins with."""
        if self.fallback is None:
            return self._buffer[self._position :]
        return self.fallback.unread
