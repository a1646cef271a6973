"""h11, for whatever the fast lane declines. Imported when first needed.

h11's exceptions are mapped here, and nothing of h11 leaves this module.
"""

import collections.abc

import h11

from httpcore_interface import LocalProtocolError, RemoteProtocolError

from .grammar import HEAD_LIMIT
from .response import INCOMPLETE_CHUNKED, Head

Fields = collections.abc.Sequence[tuple[bytes, bytes]]

# What h11 says when the stream ends within what it reads as a whole: a head, a line.
_CUT_SHORT = "peer unexpectedly closed connection"
_TOO_LONG = "Receive buffer too long"
_TOO_LONG_HEAD = f"the response head is longer than {HEAD_LIMIT} bytes"


def encode_request(
    method: bytes, target: bytes, fields: Fields
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Validates a request head and writes it.

    Returns:
        The bytes, and the fields as h11 normalized them.

    Raises:
        LocalProtocolError: h11 refuses it.
    """
    try:
        request = h11.Request(method=method, target=target, headers=list(fields))
        head = h11.Connection(h11.CLIENT).send(request)
    except h11.LocalProtocolError as exc:
        raise LocalProtocolError(str(exc)) from exc
    assert head is not None
    return head, request.headers.raw_items()


class H11Reader:
    """Reads one response, all its interim responses included.

    It is told of the request only what bears on the response: the body of the
    request, which may still be on its way, is not its business.

    Args:
        method: The request's.
        notable: The request's `Connection` and `Upgrade` fields.
    """

    __slots__ = ("_connection", "_fed", "_is_at_eof", "_is_ended", "is_ambiguous", "trailers")

    def __init__(self, method: bytes, notable: Fields) -> None:
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        fields = [(b"Host", b"-"), *notable]
        self._connection.send(h11.Request(method=method, target=b"/", headers=fields))
        self._connection.send(h11.EndOfMessage())
        self._fed = 0
        self._is_at_eof = False
        self._is_ended = False
        self.trailers: list[tuple[bytes, bytes]] = []
        self.is_ambiguous = False

    def feed(self, received: bytes) -> None:
        """Takes what was received; `b""` is the end of the stream."""
        self._fed += len(received)
        self._is_at_eof = not received
        self._connection.receive_data(received)

    def next_head(self) -> Head | None:
        """Returns the next interim or final head; None if more bytes are needed."""
        try:
            event = self._connection.next_event()
        except h11.RemoteProtocolError as exc:
            raise RemoteProtocolError(self._describe_head_error(exc)) from exc
        if not isinstance(event, h11.Response | h11.InformationalResponse):
            return None
        unread, _ = self._connection.trailing_data
        if self._fed - len(unread) > HEAD_LIMIT:
            raise RemoteProtocolError(_TOO_LONG_HEAD)
        # The limit is each head's own: what follows is counted afresh.
        self._fed = len(unread)
        names = {name for name, _ in event.headers}
        self.is_ambiguous = {b"content-length", b"transfer-encoding"} <= names
        return (
            b"HTTP/" + event.http_version,
            event.status_code,
            bytes(event.reason),
            [(bytes(name), bytes(value)) for name, value in event.headers.raw_items()],
        )

    def _describe_head_error(self, exc: h11.RemoteProtocolError) -> str:
        # h11 speaks of its own states and buffers; users want to know what came.
        reason = str(exc)
        if reason == _TOO_LONG:
            return _TOO_LONG_HEAD
        if self._is_at_eof and self._fed == 0:
            return "Server disconnected without sending a response."
        if reason == _CUT_SHORT:
            return (
                f"Server disconnected after {self._fed} bytes of an incomplete response head."
            )
        return reason

    def next_chunk(self) -> bytes | None:
        """Returns a part of the body, `b""` at its end, None for "more bytes"."""
        if self._is_ended:
            return b""
        try:
            event = self._connection.next_event()
        except h11.RemoteProtocolError as exc:
            raise RemoteProtocolError(self._describe_body_error(exc)) from exc
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            self._is_ended = True
            self.trailers = [
                (bytes(name), bytes(value)) for name, value in event.headers.raw_items()
            ]
            return b""
        return None if event is h11.NEED_DATA else b""

    def _describe_body_error(self, exc: h11.RemoteProtocolError) -> str:
        # Of the ends within a chunked body h11 sets apart those within a line. To
        # programs that look for its words it is all the same.
        return INCOMPLETE_CHUNKED if str(exc) == _CUT_SHORT else str(exc)

    @property
    def may_continue(self) -> bool:
        """Whether both sides are willing to go on after this exchange."""
        return (
            self._connection.our_state is h11.DONE
            and self._connection.their_state is h11.DONE
            # h11 would say so itself, were it asked for one more event.
            and not self._is_at_eof
            # Both framings at once: whoever sent that may have meant the other
            # one (RFC 9112, section 6.3, rule 3).
            and not self.is_ambiguous
        )

    @property
    def has_switched(self) -> bool:
        """Whether the connection now speaks another protocol (101, CONNECT)."""
        return self._connection.their_state is h11.SWITCHED_PROTOCOL

    @property
    def unread(self) -> bytes:
        """What was received and belongs to nothing that was read."""
        return bytes(self._connection.trailing_data[0])
