"""One request and its response (RFC 9113, section 5)."""

import collections

from httpcore_interface import RemoteProtocolError

from .errors import ErrorCode, StreamFault
from .fields import Fields, Head, announced_length, check_fields, read_head
from .settings import LARGEST_WINDOW

# One that sends nothing else keeps its client busy for ever.
_MOST_INTERIM_HEADS = 100


class Stream:
    """One request and its response, as far as they have come.

    The engine fills it, and whoever made the request empties it.

    Args:
        number: Its identifier.
        method: The request's: some have no body in their response.
        send_window: Bytes that may be sent.
        receive_window: Bytes that may be received.
        begins_at: Where it begins in all that is sent on its connection.

    Attributes:
        heads: Interim (1xx) heads that have come, and the final one.
        chunks: Parts of the body.
        trailers: The fields behind the body (RFC 9110, section 6.5).
        has_ended: Whether the response is complete.
        has_sent_all: Whether the request is.
        failure: Why there will be no more; None while there may be.
        is_unprocessed: Whether the server did nothing about the request, which may so
            be sent once more: it has said so (section 8.7), or it was sent nothing of it.
        is_stopped: Whether the server wants no more of the request, having answered
            it (section 8.1).
        is_forgotten: Whether the engine has let go of it.
        send_window: Bytes that may be sent; less than 0 after the server has lowered
            what it allows (section 6.9.2).
    """

    __slots__ = (
        "_expected",
        "_interim_heads",
        "_received",
        "begins_at",
        "chunks",
        "failure",
        "has_ended",
        "has_final_head",
        "has_sent_all",
        "heads",
        "is_forgotten",
        "is_stopped",
        "is_unprocessed",
        "method",
        "number",
        "receive_window",
        "send_window",
        "trailers",
        "unreturned",
    )

    def __init__(
        self,
        number: int,
        method: bytes,
        send_window: int,
        receive_window: int,
        begins_at: int = 0,
    ) -> None:
        self.number = number
        self.method = method
        self.begins_at = begins_at
        self.heads: collections.deque[Head] = collections.deque()
        self.chunks: collections.deque[bytes] = collections.deque()
        self.trailers: Fields = []
        self.has_final_head = False
        self.has_ended = False
        self.has_sent_all = False
        self.failure: RemoteProtocolError | None = None
        self.is_unprocessed = False
        self.is_stopped = False
        self.is_forgotten = False
        self.send_window = send_window
        self.receive_window = receive_window
        # Bytes that the user has read, and the server has not been told of.
        self.unreturned = 0
        self._expected: int | None = None
        self._received = self._interim_heads = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.has_ended or self.failure is not None

    def take_fields(self, fields: Fields, *, ends: bool) -> None:
        """Takes a head, or, behind the final one, trailers.

        Raises:
            StreamFault: They are malformed, or come at the wrong time.
        """
        if self.has_ended:
            raise StreamFault(ErrorCode.STREAM_CLOSED, "a head behind the response's end")
        if not self.has_final_head:
            self._take_head(read_head(fields), ends=ends)
            return
        if not ends:
            raise _malformed("trailers that do not end the response")
        check_fields(fields)
        self.trailers = fields
        self._end()

    def _take_head(self, head: Head, *, ends: bool) -> None:
        status, fields = head
        if status >= 200:
            self.has_final_head = True
            self._expect(status, fields)
        elif ends or status == 101:
            # Section 8.1 and 8.6: HTTP/2 has no Upgrade.
            raise _malformed(f"an interim response that is none, with status {status}")
        else:
            # All that ever came: whoever waits takes each at once, and waits anew.
            self._interim_heads += 1
            if self._interim_heads > _MOST_INTERIM_HEADS:
                raise StreamFault(
                    ErrorCode.ENHANCE_YOUR_CALM,
                    f"the server sent more than {_MOST_INTERIM_HEADS} interim responses",
                )
        self.heads.append(head)
        if ends:
            self._end()

    def _expect(self, status: int, fields: Fields) -> None:
        """Notes how long the body has to be (section 8.1.1)."""
        if self.method == b"CONNECT" and status < 300:
            return
        try:
            length = announced_length(fields)
        except ValueError as exc:
            raise _malformed(str(exc)) from exc
        self._expected = 0 if self.method == b"HEAD" or status in (204, 304) else length

    def take_chunk(self, chunk: bytes, size: int, *, ends: bool) -> None:
        """Takes a part of the body.

        Args:
            chunk: The part.
            size: The bytes that it was, its padding included.
            ends: Whether the response ends with it.

        Raises:
            StreamFault: It is longer or shorter than announced, or has no head before
                it, or the server sends more than it may.
        """
        if self.has_ended:
            raise StreamFault(ErrorCode.STREAM_CLOSED, "a part of a body behind its end")
        self.receive_window -= size
        if self.receive_window < 0:
            raise StreamFault(
                ErrorCode.FLOW_CONTROL_ERROR, "more bytes than the stream's window allows"
            )
        if not self.has_final_head:
            raise _malformed("a part of a body without a head before it")
        if chunk:
            self._received += len(chunk)
            if self._expected is not None and self._received > self._expected:
                raise _malformed(
                    f"the server sent {self._received} body bytes, "
                    f"but announced {self._expected}"
                )
            self.chunks.append(chunk)
        if ends:
            self._end()

    def take_together(self, size: int) -> bytes:
        """Returns what has come of the body and was not taken yet, in one piece.

        Args:
            size: Once there are so many bytes, the rest is left.
        """
        chunks = self.chunks
        chunk = chunks.popleft()
        if not chunks or len(chunk) >= size:
            return chunk
        taken, count = [chunk], len(chunk)
        while chunks and count < size:
            chunk = chunks.popleft()
            taken.append(chunk)
            count += len(chunk)
        return b"".join(taken)

    def _end(self) -> None:
        if self._expected is not None and self._received < self._expected:
            # h11's words: programs look for them.
            raise _malformed(
                "peer closed connection without sending complete message body "
                f"(received {self._received} bytes, expected {self._expected})"
            )
        self.has_ended = True

    def widen(self, increment: int) -> None:
        """Notes that so many more bytes may be sent (section 6.9).

        Raises:
            StreamFault: The increment is 0, or the window too large.
        """
        if not increment:
            raise _malformed("a WINDOW_UPDATE of 0")
        self.send_window += increment
        if self.send_window > LARGEST_WINDOW:
            raise StreamFault(ErrorCode.FLOW_CONTROL_ERROR, "a window too large")


def _malformed(reason: str) -> StreamFault:
    return StreamFault(ErrorCode.PROTOCOL_ERROR, reason)
