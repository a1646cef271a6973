"""h11, for whatever the fast lane declines. Imported when first needed.

h11's exceptions are mapped here, and nothing of h11 leaves this module. Nor does what it
quotes where that may be secret: a cookie, or the credentials that a proxy sends back.
"""

import collections.abc
import re

import h11

from httpcore_interface import LocalProtocolError, RemoteProtocolError

from ..secrets import SECRET_FIELDS
from .grammar import HEAD_LIMIT
from .response import INCOMPLETE_CHUNKED, Head

Fields = collections.abc.Sequence[tuple[bytes, bytes]]

# What h11 says when the stream ends within what it reads as a whole: a head, a line.
_CUT_SHORT = "peer unexpectedly closed connection"
_TOO_LONG = "Receive buffer too long"
_TOO_LONG_HEAD = f"the response head is longer than {HEAD_LIMIT} bytes"

# What h11 quotes at the end of what it says.
_quotation = re.compile(r"(?s):? (?:bytearray\()?b['\"].*")

# What h11 says of framing that is not valid.
_FRAMING_FAULTS = frozenset(
    {
        "bad Content-Length",
        "conflicting Content-Length headers",
        "multiple Transfer-Encoding headers",
        "Only Transfer-Encoding: chunked is supported",
    }
)
# In the head of a 2xx: the fields that frame it, folded lines included.
_is_success = re.compile(rb"HTTP/1\.[01] 2[0-9][0-9][ \r\n]").match
_find_head_end = re.compile(rb"\n\r?\n").search
_framing = re.compile(rb"(?im)^(?:content-length|transfer-encoding):[^\n]*\n(?:[ \t][^\n]*\n)*")


def encode_request(
    method: bytes, target: bytes, fields: Fields
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Validates a request head and writes it.

    Returns:
        The bytes, and the fields as h11 normalized them.

    Raises:
        LocalProtocolError: h11 refuses it. A secret that is not valid is not shown.
    """
    try:
        request = h11.Request(method=method, target=target, headers=list(fields))
        head = h11.Connection(h11.CLIENT).send(request)
    except h11.LocalProtocolError as exc:
        secrets = [value for name, value in fields if name.lower() in SECRET_FIELDS]
        if any(repr(secret) in str(exc) for secret in secrets):
            _drop_quotation(exc)
        raise LocalProtocolError(str(exc)) from exc
    assert head is not None
    return head, request.headers.raw_items()


def _drop_quotation(exc: h11.ProtocolError) -> None:
    # In place: it goes along as the cause, and is shown as well.
    exc.args = (_quotation.sub("", str(exc)),)


class H11Reader:
    """Reads one response, all its interim responses included.

    It is told of the request only what bears on the response: the body of the
    request, which may still be on its way, is not its business.

    Args:
        method: The request's.
        notable: The request's `Connection` and `Upgrade` fields.
    """

    __slots__ = (
        "_connection",
        "_fed",
        "_is_at_eof",
        "_is_by_proxy",
        "_is_ended",
        "_kept",
        "_request",
        "is_ambiguous",
        "trailers",
    )

    def __init__(self, method: bytes, notable: Fields) -> None:
        fields = [(b"Host", b"-"), *notable]
        self._request = h11.Request(method=method, target=b"/", headers=fields)
        self._begin()
        # What was sent to it are credentials.
        self._is_by_proxy = method == b"CONNECT"
        # Of a response to CONNECT: the head that is being read, and what came behind it.
        self._kept: bytes | None = b"" if self._is_by_proxy else None
        self._fed = 0
        self._is_at_eof = False
        self._is_ended = False
        self.trailers: list[tuple[bytes, bytes]] = []
        self.is_ambiguous = False

    def _begin(self) -> None:
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        self._connection.send(self._request)
        self._connection.send(h11.EndOfMessage())

    def feed(self, received: bytes) -> None:
        """Takes what was received; `b""` is the end of the stream."""
        self._fed += len(received)
        if self._kept is not None:
            self._kept += received
        self._is_at_eof = not received
        self._connection.receive_data(received)

    def next_head(self) -> Head | None:
        """Returns the next interim or final head; None if more bytes are needed."""
        try:
            event = self._connection.next_event()
        except h11.RemoteProtocolError as exc:
            if str(exc) in _FRAMING_FAULTS and self._drop_framing():
                return self.next_head()
            self._hide_secrets(exc)
            raise RemoteProtocolError(self._describe_head_error(exc)) from exc
        if not isinstance(event, h11.Response | h11.InformationalResponse):
            return None
        unread, _ = self._connection.trailing_data
        if self._fed - len(unread) > HEAD_LIMIT:
            raise RemoteProtocolError(_TOO_LONG_HEAD)
        # The limit is each head's own: what follows is counted afresh.
        self._fed = len(unread)
        if self._kept is not None:
            # Nothing is read again once the tunnel has begun.
            is_interim = event.status_code < 200 and event.status_code != 101
            self._kept = bytes(unread) if is_interim else None
        names = {name for name, _ in event.headers}
        self.is_ambiguous = {b"content-length", b"transfer-encoding"} <= names
        return (
            b"HTTP/" + event.http_version,
            event.status_code,
            bytes(event.reason),
            [(bytes(name), bytes(value)) for name, value in event.headers.raw_items()],
        )

    def _drop_framing(self) -> bool:
        """Begins anew without what frames a successful response to CONNECT.

        It has no body, and such fields are to be ignored, valid or not (RFC 9110,
        section 9.3.6); h11 judges them all the same.

        Returns:
            Whether it is one.
        """
        kept = self._kept
        if not kept or not _is_success(kept):
            return False
        end = _find_head_end(kept)
        # It judges fields once all are here.
        assert end is not None
        # The blank line stays, whatever is left out before it.
        position = end.start() + 1
        self._kept = _framing.sub(b"", kept[:position]) + kept[position:]
        self._begin()
        self._connection.receive_data(self._kept)
        if self._is_at_eof:
            self._connection.receive_data(b"")
        return True

    def _hide_secrets(self, exc: h11.RemoteProtocolError) -> None:
        quotation = str(exc).lower()
        if self._is_by_proxy or any(name.decode() in quotation for name in SECRET_FIELDS):
            _drop_quotation(exc)

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
            self._hide_secrets(exc)
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
