"""A request, as the bytes to send (RFC 9112, sections 3, 6 and 7).

The head is validated before a byte of it can be written; the body is counted as
it goes, so that it is neither longer nor shorter than its Content-Length.
"""

import collections.abc

from httpcore_interface import LocalProtocolError

from . import grammar

Fields = collections.abc.Sequence[tuple[bytes, bytes]]

# The fields that decide how a request is framed and what may follow it.
_ORDINARY, _HOST, _LENGTH, _ENCODING, _CONNECTION, _EXPECT, _UPGRADE = range(7)
_KINDS = {
    b"host": _HOST,
    b"content-length": _LENGTH,
    b"transfer-encoding": _ENCODING,
    b"connection": _CONNECTION,
    b"expect": _EXPECT,
    b"upgrade": _UPGRADE,
}
# The same as they are spelled mostly.
_USUAL_KINDS = _KINDS | {name.title(): kind for name, kind in _KINDS.items()}

# Names, as they are written, that are known to be tokens and none of these: clients
# send the same few over and over. Bounded, since names may be made up.
_ordinary_names: set[bytes] = set()
_MOST_ORDINARY_NAMES = 1024
_LONGEST_ORDINARY_NAME = 64


def _kind_of(name: bytes) -> int | None:
    """Looks a name up that is not known to be ordinary; None if it is no token."""
    kind = _USUAL_KINDS.get(name)
    if kind is not None:
        return kind
    if not grammar.is_token(name):
        return None
    kind = _KINDS.get(name.lower(), _ORDINARY)
    if (
        kind == _ORDINARY
        and len(name) <= _LONGEST_ORDINARY_NAME
        and len(_ordinary_names) < _MOST_ORDINARY_NAMES
    ):
        _ordinary_names.add(name)
    return kind


class RequestWriter:
    """The sending half of an exchange.

    Args:
        method: Such as `b"GET"`.
        target: The request target (RFC 9112, section 3.2), such as `b"/a?b"`.
        fields: The header fields, (name, value) pairs; one of them is `Host`.

    Attributes:
        head: The request line and the fields, ready to be sent.
        method: As given.
        notable: The fields that bear on the response and on the connection:
            `Connection` and `Upgrade`, as given.
        is_chunked: Whether the body travels in chunks.
        expects_continue: Whether the body waits for the server's word (RFC 9110,
            section 10.1.1).
        asks_to_close: Whether the request says that it is the connection's last.

    Raises:
        LocalProtocolError: The request would not be valid.
    """

    __slots__ = (
        "_has_length",
        "_remaining",
        "asks_to_close",
        "expects_continue",
        "head",
        "is_chunked",
        "method",
        "notable",
    )

    def __init__(self, method: bytes, target: bytes, fields: Fields) -> None:
        self.method = method
        self.notable: list[tuple[bytes, bytes]] = []
        self.is_chunked = False
        self.expects_continue = False
        self.asks_to_close = False
        self._has_length = False
        self._remaining = 0
        if not self._write_plain(method, target, fields):
            self._write_checked(method, target, fields)

    def _write_plain(self, method: bytes, target: bytes, fields: Fields) -> bool:
        """Writes the head if it is of the plain kind, `Host` first."""
        rest = iter(fields)
        name, _ = next(rest, (b"", b""))
        if name != b"Host" and _kind_of(name) != _HOST:
            return False
        for name, value in rest:
            if name not in _ordinary_names and not self._understand(name, value):
                return False
        request_line = b"%b %b HTTP/1.1" % (method, target)
        head = b"\r\n".join([request_line, *map(b": ".join, fields), b"", b""])
        if not grammar.is_plain_head(head, len(fields) + 2):
            return False
        self.head = head
        return True

    def _understand(self, name: bytes, value: bytes) -> bool:
        """Notes what a field behind `Host` means; False if it is not plain."""
        kind = _kind_of(name)
        if kind is None or kind == _HOST:
            return False
        if kind == _LENGTH:
            # h11 takes 20 digits at most; so does the lane.
            if self._has_length or self.is_chunked or not value.isdigit() or len(value) > 20:
                return False
            self._has_length = True
            self._remaining = int(value)
        elif kind == _ENCODING:
            if self._has_length or self.is_chunked or value != b"chunked":
                return False
            self.is_chunked = True
        elif kind != _ORDINARY:
            self._note(kind, name, value)
        return True

    def _note(self, kind: int, name: bytes, value: bytes) -> None:
        if kind == _EXPECT:
            if b"100-continue" in _elements(value):
                self.expects_continue = True
            return
        self.notable.append((name, value))
        if kind == _CONNECTION and value != b"keep-alive" and b"close" in _elements(value):
            self.asks_to_close = True

    def _write_checked(self, method: bytes, target: bytes, fields: Fields) -> None:
        """Lets h11 decide, and repeats the bookkeeping on what it made of it."""
        from . import fallback

        self.head, normalized = fallback.encode_request(method, target, fields)
        # The rest of what was noted so far comes out the same once more.
        self.notable = []
        for name, value in normalized:
            kind = _KINDS.get(name.lower(), _ORDINARY)
            if kind == _LENGTH:
                self._has_length = True
                self._remaining = int(value)
            elif kind == _ENCODING:
                self.is_chunked = True
            elif kind not in (_HOST, _ORDINARY):
                self._note(kind, name, value)
        if self.is_chunked and self._has_length:
            # RFC 9112, section 6.2: forbidden, and a way to smuggle requests.
            raise LocalProtocolError(
                "a request cannot have both Content-Length and Transfer-Encoding"
            )

    @property
    def has_body(self) -> bool:
        """Whether more of a body is announced than was framed so far."""
        return self.is_chunked or self._remaining > 0

    def check_length(self, size: int) -> None:
        """Makes sure that a body of a known size may be sent, before anything is.

        Raises:
            LocalProtocolError: It is longer or shorter than the head announces.
        """
        if not self.is_chunked and size != self._remaining:
            self._raise_wrong_length(size)

    def whole(self, content: bytes) -> bytes:
        """Returns the whole request: the head, and all of the body.

        Raises:
            LocalProtocolError: The body is longer or shorter than the head announces.
        """
        if self.is_chunked:
            return b"".join((self.head, self.frame(content), b"0\r\n\r\n"))
        if len(content) != self._remaining:
            self._raise_wrong_length(len(content))
        return self.head + content if content else self.head

    def frame(self, chunk: bytes | memoryview) -> bytes | memoryview:
        """Returns a part of the body as it travels.

        Args:
            chunk: A part of any size; an empty one is nothing to send.

        Raises:
            LocalProtocolError: The body is longer than its Content-Length.
        """
        # The length of a view is a count of items, whatever their size.
        size = chunk.nbytes if isinstance(chunk, memoryview) else len(chunk)
        if self.is_chunked:
            # An empty chunk would end the body (RFC 9112, section 7.1).
            return b"".join((b"%x\r\n" % size, chunk, b"\r\n")) if size else b""
        if size > self._remaining:
            self._raise_wrong_length(size)
        self._remaining -= size
        return chunk

    def end(self) -> bytes:
        """Returns what has to follow the last part of the body.

        Raises:
            LocalProtocolError: The body is shorter than its Content-Length.
        """
        if self.is_chunked:
            return b"0\r\n\r\n"
        if self._remaining:
            self._raise_wrong_length(0)
        return b""

    def _raise_wrong_length(self, size: int) -> None:
        amount = "much" if size > self._remaining else "little"
        raise LocalProtocolError(
            f"Too {amount} data for declared Content-Length "
            f"({self._remaining} bytes were left, {size} given)"
        )


def _elements(value: bytes) -> list[bytes]:
    """Splits a comma-separated list (RFC 9110, section 5.6.1), in lower case."""
    return [element.strip() for element in value.lower().split(b",")]
