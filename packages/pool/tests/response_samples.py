"""Responses as bytes, and the requests that they answer."""

from httpcore_pool._protocol.http11 import Head, RequestWriter

Fields = list[tuple[bytes, bytes]]

HOST = (b"Host", b"example.com")
GET = RequestWriter(b"GET", b"/", [HOST])
HEAD = RequestWriter(b"HEAD", b"/", [HOST])
CONNECT = RequestWriter(b"CONNECT", b"example.com:443", [HOST])
LAST = RequestWriter(b"GET", b"/", [HOST, (b"Connection", b"close")])
UPGRADE = RequestWriter(
    b"GET", b"/", [HOST, (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
)

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\n\r\n"

DISCONNECTED = "Server disconnected without sending a response."
INCOMPLETE_CHUNKED = (
    "peer closed connection without sending complete message body (incomplete chunked read)"
)

LIMIT = 100 * 1024


def head(
    fields: Fields | None = None,
    *,
    version: bytes = b"HTTP/1.1",
    status: int = 200,
    reason: bytes = b"OK",
) -> Head:
    return version, status, reason, fields or []


def head_of(size: int, *, is_plain: bool = True) -> bytes:
    """Returns a head of so many bytes, for the lane or for h11."""
    lines = [b"X-%d: %b\r\n" % (number, b"v" * 900) for number in range(size // 920)]
    start = OK + b"Content-Length: 5\r\n" + (b"" if is_plain else b"X-Odd: \x01\r\n")
    wire = b"".join([start, *lines, b"X: "])
    return wire + b"v" * (size - len(wire) - 4) + b"\r\n\r\n"
