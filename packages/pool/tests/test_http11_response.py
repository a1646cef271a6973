"""Responses, case by case: each fed whole, byte by byte, and cut at every place."""

import collections.abc
import dataclasses
import itertools

import pytest

from httpcore_interface import RemoteProtocolError
from httpcore_pool._protocol.http11 import (
    Head,
    RequestWriter,
    ResponseReader,
    fallback,
    response,
)

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

DISCONNECTED = "Server disconnected without sending a response."
INCOMPLETE_CHUNKED = (
    "peer closed connection without sending complete message body (incomplete chunked read)"
)


def head(
    fields: Fields | None = None,
    *,
    version: bytes = b"HTTP/1.1",
    status: int = 200,
    reason: bytes = b"OK",
) -> Head:
    return version, status, reason, fields or []


@dataclasses.dataclass
class Outcome:
    """What a reader made of what it was fed."""

    heads: list[Head] = dataclasses.field(default_factory=list)
    body: bytes = b""
    is_complete: bool = False
    trailers: Fields = dataclasses.field(default_factory=list)
    may_continue: bool = False
    has_switched: bool = False
    unread: bytes = b""


def read(
    request: RequestWriter, segments: list[bytes], *, asks_late: bool = False
) -> tuple[Outcome, ResponseReader]:
    """Feeds and asks, as an exchange does: for heads, for chunks, then for the rest.

    Args:
        request: What is answered.
        segments: What is fed; an empty one is the end of the stream.
        asks_late: Whether to ask only when everything was fed.
    """
    reader = ResponseReader(request)
    outcome = Outcome()
    for count, segment in enumerate(segments, 1):
        reader.feed(segment)
        if asks_late and count < len(segments):
            continue
        while not outcome.heads or not is_final(outcome.heads[-1]):
            received = reader.next_head()
            if received is None:
                break
            outcome.heads.append(received)
        else:
            while chunk := reader.next_chunk():
                assert type(chunk) is bytes
                outcome.body += chunk
            outcome.is_complete = chunk is not None
    outcome.trailers = reader.trailers
    outcome.may_continue = reader.may_continue
    outcome.has_switched = reader.has_switched
    if outcome.is_complete:
        outcome.unread = reader.unread
    return outcome, reader


def is_final(received: Head) -> bool:
    return received[1] >= 200 or received[1] == 101


def segmentations(wire: bytes) -> collections.abc.Iterator[list[bytes]]:
    yield [wire]
    yield [wire[place : place + 1] for place in range(len(wire))]
    for place in range(1, len(wire)):
        yield [wire[:place], wire[place:]]


def read_every_way(request: RequestWriter, wire: bytes, *, ends: bool = False) -> Outcome:
    """Returns what becomes of a response, however it is cut.

    Args:
        request: What it answers.
        wire: All of it, and perhaps more.
        ends: Whether the stream ends behind it.
    """
    end = [b""] if ends else []
    outcome, reader = read(request, [wire, *end])
    assert reader.received == len(wire)
    assert read(request, [wire, *end], asks_late=True)[0] == outcome
    for segments in segmentations(wire):
        assert read(request, [*segments, *end])[0] == outcome
    return outcome


def fail_every_way(request: RequestWriter, wire: bytes, *, ends: bool = False) -> set[str]:
    """Returns the errors that a response ends in, as it is cut in one way or another."""
    messages = set()
    end = [b""] if ends else []
    for segments in segmentations(wire):
        for asks_late in (False, True):
            with pytest.raises(RemoteProtocolError) as caught:
                read(request, [*segments, *end], asks_late=asks_late)
            messages.add(str(caught.value))
    return messages


# -- heads -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status_line", "expected"),
    [
        (b"HTTP/1.1 200 OK", head()),
        (b"HTTP/1.1 200", head(reason=b"")),
        (b"HTTP/1.1 200 ", head(reason=b"")),
        (b"HTTP/1.1 200  ", head(reason=b" ")),
        (b"HTTP/1.1 200 OK ", head(reason=b"OK ")),
        (b"HTTP/1.1 200 \tO\tK", head(reason=b"\tO\tK")),
        (b"HTTP/1.1 404 Not Found", head(status=404, reason=b"Not Found")),
        (b"HTTP/1.1 418 caf\xc3\xa9", head(status=418, reason=b"caf\xc3\xa9")),
        (b"HTTP/1.1 500 a\x01b", head(status=500, reason=b"a\x01b")),
        (b"HTTP/1.1 599 200 OK", head(status=599, reason=b"200 OK")),
        (b"HTTP/1.1 500 " + b"a b " * 50, head(status=500, reason=b"a b " * 50)),
        (b"HTTP/1.1 600 Odd", head(status=600, reason=b"Odd")),
        (b"HTTP/1.1 999 Odd", head(status=999, reason=b"Odd")),
    ],
)
def test_status_line_is_understood(status_line: bytes, expected: Head) -> None:
    outcome = read_every_way(GET, status_line + b"\r\nContent-Length: 0\r\n\r\n")
    version, status, reason, _ = expected
    assert outcome == Outcome(
        heads=[(version, status, reason, [(b"Content-Length", b"0")])],
        is_complete=True,
        may_continue=True,
    )


@pytest.mark.parametrize(
    "status_line",
    [
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1 20",
        b"HTTP/1.1 2000",
        b"HTTP/1.1 2 0 OK",
        b"HTTP/1.1 200OK",
        b"HTTP/1.1 +20 OK",
        b"HTTP/1.1 \xb2\xb2\xb2 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1\t200 OK",
        b"HTTP/1.1 200\tOK",
        b"HTTP/1.1 200 O\x00K",
        b"HTTP/1.1 200 O\rK",
        b"HTTP/1.1 200 O\x0bK",
        b"HTTP/11 200 OK",
        b"HTTP/1.10 200 OK",
        b"HTTP/a.b 200 OK",
        b"http/1.1 200 OK",
        b"HTTPS/1.1 200 OK",
        b"ICY 200 OK",
        b"200 OK",
        b"<html>",
    ],
)
def test_bad_status_line_is_an_error(status_line: bytes) -> None:
    messages = fail_every_way(GET, status_line + b"\r\nContent-Length: 0\r\n\r\n")
    assert messages == {f"illegal status line: {bytearray(status_line)!r}"}


@pytest.mark.parametrize("status", [b"000", b"001", b"099"])
def test_status_below_100_is_an_error(status: bytes) -> None:
    (message,) = fail_every_way(GET, b"HTTP/1.1 " + status + b" Odd\r\n\r\n")
    assert message.endswith(f"should be in range [100, 200), not {int(status)}")


def test_bytes_that_begin_no_head_are_an_error_at_once() -> None:
    # As a server's does that expects TLS.
    assert fail_every_way(GET, b"\x15") == {"illegal request line"}
    assert fail_every_way(GET, b"\x15\x03\x03\x00\x02\x02\x46") == {"illegal request line"}


def test_blank_line_before_the_head_is_an_error() -> None:
    for blank in (b"\r\n", b"\n"):
        (message,) = {m for m in fail_every_way(GET, blank + HELLO) if "illegal" not in m}
        assert message == "no response line received"


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (b"", []),
        (b"Server: x\r\n", [(b"Server", b"x")]),
        (b"sErVeR: x\r\n", [(b"sErVeR", b"x")]),
        (b"A:x\r\n", [(b"A", b"x")]),
        (b"A:   x\r\n", [(b"A", b"x")]),
        (b"A:\tx\r\n", [(b"A", b"x")]),
        (b"A: x \t\r\n", [(b"A", b"x")]),
        (b"A: \r\n", [(b"A", b"")]),
        (b"A:\r\n", [(b"A", b"")]),
        (b"A: \t \r\nB: \r\n", [(b"A", b""), (b"B", b"")]),
        (b"A: x  y\tz\r\n", [(b"A", b"x  y\tz")]),
        (b"A: x:y: z\r\n", [(b"A", b"x:y: z")]),
        (b"A: x\r\na: y\r\nA: x\r\n", [(b"A", b"x"), (b"a", b"y"), (b"A", b"x")]),
        (b"!#$%&'*+-.^_`|~09azAZ: x\r\n", [(b"!#$%&'*+-.^_`|~09azAZ", b"x")]),
        (b"A: caf\xe9\x80\xff\xa0\x85\r\n", [(b"A", b"caf\xe9\x80\xff\xa0\x85")]),
        (b"A: x\x01\x1f\x7f\r\n", [(b"A", b"x\x01\x1f\x7f")]),
        (b"A: x\r\n y\r\n\t z\r\nB: c\r\n", [(b"A", b"x y z"), (b"B", b"c")]),
        (b"A:\r\n x\r\n", [(b"A", b"x")]),
        (b"A: x\nB: y\r\n", [(b"A", b"x"), (b"B", b"y")]),
        (b"A: x\n y\n", [(b"A", b"x y")]),
    ],
)
def test_fields_are_understood(lines: bytes, fields: Fields) -> None:
    outcome = read_every_way(GET, OK + lines + b"Content-Length: 0\r\n\r\n")
    assert outcome == Outcome(
        heads=[head([*fields, (b"Content-Length", b"0")])], is_complete=True, may_continue=True
    )


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b"",
        b": x",
        b"A : x",
        b"A\t: x",
        b"A B: x",
        b"(A): x",
        b"\xc3\x84: x",
        b"A: \x00",
        b"A: x\x00y",
        b"A: x\ry",
        b"A: x\x0by",
        b"A: x\x0cy",
        b"A\x00: x",
    ],
)
def test_bad_field_is_an_error(line: bytes) -> None:
    wire = OK + b"First: x\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n"
    if not line:
        # It ends the head, and what follows is a body that ends with the stream.
        assert read_every_way(GET, wire).body == b"Content-Length: 0\r\n\r\n"
        return
    assert fail_every_way(GET, wire) == {f"illegal header line: {bytearray(line)!r}"}


def test_folded_line_needs_a_line_before_it() -> None:
    wire = OK + b" x: y\r\n\r\n"
    assert fail_every_way(GET, wire) == {"continuation line at start of headers"}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n"])
@pytest.mark.parametrize("last_end", [b"\n", b"\r\n"])
def test_lines_may_end_in_a_bare_line_feed(end: bytes, last_end: bytes) -> None:
    wire = b"HTTP/1.1 200 OK" + end + b"Content-Length: 5" + end + last_end + b"hello"
    if end == b"\r\r\n":
        assert len(fail_every_way(GET, wire)) == 1
        return
    outcome = read_every_way(GET, wire)
    assert outcome.body == b"hello"
    assert outcome.heads == [head([(b"Content-Length", b"5")])]
    assert outcome.may_continue


# -- bodies ------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"x", b"hello", b"\r\n\r\n", bytes(range(256))])
def test_body_of_known_length(body: bytes) -> None:
    fields = [(b"Server", b"x"), (b"content-length", b"%d" % len(body))]
    wire = OK + b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n" + body
    assert read_every_way(GET, wire) == Outcome(
        heads=[head(fields)], body=body, is_complete=True, may_continue=True
    )


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (b"Content-Length: 05\r\n", b"05"),
        (b"Content-Length: 00000000000000000005\r\n", b"00000000000000000005"),
        (b"Content-Length: 5, 5\r\n", b"5"),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", b"5"),
        (b"Content-Length: 5\r\nContent-Length: 5,5,5\r\n", b"5"),
        (b"Content-Length:\r\n 5\r\n", b"5"),
    ],
)
def test_length_is_understood(lines: bytes, value: bytes) -> None:
    assert read_every_way(GET, OK + lines + b"\r\nhello") == Outcome(
        heads=[head([(b"Content-Length", value)])],
        body=b"hello",
        is_complete=True,
        may_continue=True,
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (b"Content-Length:\r\n", "bad Content-Length"),
        (b"Content-Length: five\r\n", "bad Content-Length"),
        (b"Content-Length: -5\r\n", "bad Content-Length"),
        (b"Content-Length: +5\r\n", "bad Content-Length"),
        (b"Content-Length: 0x5\r\n", "bad Content-Length"),
        (b"Content-Length: 5 5\r\n", "bad Content-Length"),
        (b"Content-Length: \xb5\r\n", "bad Content-Length"),
        (b"Content-Length: 000000000000000000005\r\n", "bad Content-Length"),
        (b"Content-Length: 5,\r\n", "conflicting Content-Length headers"),
        (b"Content-Length: 5, 6\r\n", "conflicting Content-Length headers"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", "conflicting Content-Length headers"),
        (b"Content-Length: 5\r\ncontent-length: 05\r\n", "conflicting Content-Length headers"),
        (b"Transfer-Encoding: gzip\r\n", "Only Transfer-Encoding: chunked is supported"),
        (
            b"Transfer-Encoding: gzip, chunked\r\n",
            "Only Transfer-Encoding: chunked is supported",
        ),
        (b"Transfer-Encoding:\r\n", "Only Transfer-Encoding: chunked is supported"),
        (
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "multiple Transfer-Encoding headers",
        ),
    ],
)
# They are errors even where they could not matter.
@pytest.mark.parametrize("status_line", [OK, b"HTTP/1.1 204 No\r\n", b"HTTP/1.1 103 Hints\r\n"])
def test_bad_framing_is_an_error(lines: bytes, message: str, status_line: bytes) -> None:
    for request in (GET, HEAD):
        assert fail_every_way(request, status_line + lines + b"\r\n12345") == {message}


def test_body_without_framing_ends_with_the_stream() -> None:
    wire = OK + b"Connection: keep-alive\r\n\r\nhello"
    fields = [(b"Connection", b"keep-alive")]
    expected = Outcome(heads=[head(fields)], body=b"hello")
    assert read_every_way(GET, wire) == expected
    expected.is_complete = True
    assert read_every_way(GET, wire, ends=True) == expected
    assert read_every_way(GET, OK + b"\r\n", ends=True) == Outcome(
        heads=[head()], is_complete=True
    )


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\r\n\n", b"\n\n"])
def test_body_that_ends_with_the_stream_leaves_nothing_to_reuse(end: bytes) -> None:
    outcome = read_every_way(GET, b"HTTP/1.1 200 OK" + end + b"hello", ends=True)
    assert outcome.is_complete
    assert not outcome.may_continue


@pytest.mark.parametrize(
    ("chunks", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"000\r\n\r\n", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", b"hello"),
        (b"b\r\nhello world\r\n0\r\n\r\n", b"hello world"),
        (b"B\r\nhello world\r\n0\r\n\r\n", b"hello world"),
        (b"1A\r\n" + b"a" * 26 + b"\r\n0\r\n\r\n", b"a" * 26),
        (b"0005\r\nhello\r\n0000\r\n\r\n", b"hello"),
        (b"00000005\r\nhello\r\n00000000\r\n\r\n", b"hello"),
        (b"000000005\r\nhello\r\n000000000\r\n\r\n", b"hello"),
        (b"00000000000000000005\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5;a\r\nhello\r\n0;b=c\r\n\r\n", b"hello"),
        (b'5;a="b;c"\r\nhello\r\n0\r\n\r\n', b"hello"),
        (b"5  \r\nhello\r\n0\t\r\n\r\n", b"hello"),
        (b"1\r\nh\r\n4;a\r\nello\r\n0\r\n\r\n", b"hello"),
        (b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n"),
        (b"5\r\nhello\r\n0\r\n\n", b"hello"),
    ],
)
def test_body_in_chunks(chunks: bytes, body: bytes) -> None:
    assert read_every_way(GET, CHUNKED + chunks) == Outcome(
        heads=[head([(b"Transfer-Encoding", b"chunked")])],
        body=body,
        is_complete=True,
        may_continue=True,
    )


@pytest.mark.parametrize(
    ("section", "trailers"),
    [
        (b"X-Sum: 1\r\n", [(b"X-Sum", b"1")]),
        (b"a: b\r\nA:  c \r\n", [(b"a", b"b"), (b"A", b"c")]),
        (b"A: b\r\n c\r\n", [(b"A", b"b c")]),
        (b"A: b\nC: d\r\n", [(b"A", b"b"), (b"C", b"d")]),
        (b"Content-Length: 7\r\n", [(b"Content-Length", b"7")]),
    ],
)
def test_trailers_follow_the_chunks(section: bytes, trailers: Fields) -> None:
    for chunks in (b"5\r\nhello\r\n0\r\n", b"5\r\nhello\r\n00;x\r\n"):
        assert read_every_way(GET, CHUNKED + chunks + section + b"\r\n") == Outcome(
            heads=[head([(b"Transfer-Encoding", b"chunked")])],
            body=b"hello",
            is_complete=True,
            trailers=trailers,
            may_continue=True,
        )


def test_encoding_is_known_in_any_case() -> None:
    outcome = read_every_way(GET, OK + b"transfer-encodinG: CHUNKED\r\n\r\n1\r\nx\r\n0\r\n\r\n")
    assert outcome.heads == [head([(b"transfer-encodinG", b"chunked")])]
    assert outcome.body == b"x"


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (b"\r\n", "illegal chunk header: "),
        (b"g\r\n", "illegal chunk header: "),
        (b"-5\r\nhello\r\n", "illegal chunk header: "),
        (b"0x5\r\nhello\r\n", "illegal chunk header: "),
        (b" 5\r\nhello\r\n", "illegal chunk header: "),
        (b"5 x\r\nhello\r\n", "illegal chunk header: "),
        (b"5\nhello\r\n", "illegal chunk header: "),
        (b"5;a\nb\r\nhello\r\n", "illegal chunk header: "),
        (b"000000000000000000005\r\nhello\r\n", "illegal chunk header: "),
        (b"5\r\nhello\r\n\r\n", "illegal chunk header: "),
        (b"5\r\nhelloX", "malformed chunk footer: "),
        (b"5\r\nhello\n", "malformed chunk footer: "),
        (b"5\r\nhelloXX0\r\n\r\n", "malformed chunk footer: "),
        (b"5\r\nhello\rX", "malformed chunk footer: "),
        (b"5\r\nhello\r\r\n", "malformed chunk footer: "),
        (b"5\r\nhello\r\n1\r\n!!\r\n", "malformed chunk footer: "),
        (b"5;a\r\nhello0\r\n", "malformed chunk footer: "),
        (b"0\r\nno colon\r\n\r\n", "illegal header line: "),
        (b"0\r\n a: b\r\n\r\n", "continuation line at start of headers"),
        (b"0\r\n\rX\r\n\r\n", "illegal header line: "),
        (b"0\r\nTransfer-Encoding: gzip\r\n\r\n", "Only Transfer-Encoding: chunked"),
    ],
)
def test_bad_chunk_is_an_error(chunks: bytes, message: str) -> None:
    for found in fail_every_way(GET, CHUNKED + chunks):
        assert found.startswith(message)
    # No byte behind a bad one is needed to find it out, but a whole line is.
    with pytest.raises(RemoteProtocolError):
        read(GET, [CHUNKED, chunks])


@pytest.mark.parametrize("size", [b"FFFFFFFF", b"fffffffff", b"FFFFFFFFFFFFFFFFFFFF"])
def test_huge_chunk_arrives_as_it_comes(size: bytes) -> None:
    wire = CHUNKED + size + b"\r\nhello"
    outcome = read_every_way(GET, wire)
    assert outcome.body == b"hello"
    assert not outcome.is_complete
    assert fail_every_way(GET, wire, ends=True) == {INCOMPLETE_CHUNKED}


@pytest.mark.parametrize("chunked", [False, True])
def test_body_is_handed_out_as_it_arrives(*, chunked: bool) -> None:
    reader = ResponseReader(GET)
    reader.feed(CHUNKED + b"4\r\n" if chunked else OK + b"Content-Length: 4\r\n\r\n")
    assert reader.next_head() is not None
    assert reader.next_chunk() is None
    for part in (b"a", b"bc", b"d"):
        reader.feed(part)
        assert reader.next_chunk() == part
    if chunked:
        assert reader.next_chunk() is None
        reader.feed(b"\r\n0\r\n\r\n")
    for _ in range(3):
        assert reader.next_chunk() == b""
    assert reader.may_continue


@pytest.mark.parametrize("extra", [b"", b"more"])
def test_rest_that_is_here_is_taken_at_once(extra: bytes) -> None:
    for first in range(6):
        reader = ResponseReader(GET)
        reader.feed(HELLO[: len(HELLO) - 5 + first])
        assert reader.next_head() is not None
        if first not in (0, 5):
            assert reader.take_rest() is None
            assert reader.next_chunk() == b"hello"[:first]
        if first < 5:
            assert reader.take_rest() is None
            assert reader.next_chunk() is None
            reader.feed(b"hello"[first:] + extra)
        assert reader.take_rest() == b"hello"[first % 5 :]
        assert reader.take_rest() == b""
        assert reader.next_chunk() == b""
        assert reader.may_continue is (not extra or first == 5)


def test_rest_that_may_not_be_all_here_is_not_taken() -> None:
    for wire in (
        OK + b"\r\nhello",
        CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
        OK + b"Content-Length: 6\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ):
        reader = ResponseReader(GET)
        reader.feed(wire)
        assert reader.next_head() is not None
        assert reader.take_rest() is None
        assert reader.next_chunk() == b"hello"
    reader = ResponseReader(HEAD)
    reader.feed(HELLO[:-5])
    assert reader.next_head() is not None
    assert reader.take_rest() == b""
    assert reader.may_continue


# -- without a body ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status"), [(HEAD, 200), (HEAD, 404), (GET, 204), (GET, 304), (LAST, 304)]
)
@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"Content-Length: 5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: Chunked\r\n",
    ],
)
def test_some_responses_have_no_body(
    request_: RequestWriter, status: int, lines: bytes
) -> None:
    wire = b"HTTP/1.1 %d X\r\n%b\r\n" % (status, lines)
    outcome = read_every_way(request_, wire)
    assert outcome.is_complete
    assert outcome.body == b""
    assert outcome.may_continue is (request_ is not LAST)
    # What follows all the same belongs to nobody.
    outcome = read_every_way(request_, wire + b"hello")
    assert outcome.body == b""
    assert not outcome.may_continue


# -- interim responses -------------------------------------------------------------

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nlink: </b>\r\n\r\n"
HINTS_HEAD = head([(b"Link", b"</a>"), (b"link", b"</b>")], status=103, reason=b"Early Hints")


def test_interim_responses_come_before_the_final_one() -> None:
    assert read_every_way(GET, CONTINUE + HINTS + CONTINUE + HELLO) == Outcome(
        heads=[
            head(status=100, reason=b"Continue"),
            HINTS_HEAD,
            head(status=100, reason=b"Continue"),
            head([(b"Content-Length", b"5")]),
        ],
        body=b"hello",
        is_complete=True,
        may_continue=True,
    )


@pytest.mark.parametrize(
    "lines",
    [b"Connection: close\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"],
)
def test_interim_response_decides_nothing(lines: bytes) -> None:
    outcome = read_every_way(GET, b"HTTP/1.1 102 Processing\r\n" + lines + b"\r\n" + HELLO)
    assert [status for _, status, _, _ in outcome.heads] == [102, 200]
    assert outcome.body == b"hello"
    assert outcome.may_continue


def test_stream_may_not_end_behind_an_interim_response() -> None:
    for interim in (CONTINUE, HINTS):
        assert fail_every_way(GET, interim, ends=True) == {DISCONNECTED}
    assert fail_every_way(GET, CONTINUE + b"HTTP/1.1 2", ends=True) == {
        "Server disconnected after 10 bytes of an incomplete response head."
    }


# -- connections -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "may_continue"),
    [
        (b"", True),
        (b"Connection: keep-alive\r\n", True),
        (b"connection: Keep-Alive\r\n", True),
        (b"Connection: upgrade\r\n", True),
        (b"Connection:\r\n", True),
        (b"Connection: closed\r\n", True),
        (b"Connection: close\r\n", False),
        (b"CONNECTION: Close\r\n", False),
        (b"Connection: keep-alive, close\r\n", False),
        (b"Connection: close , x\r\n", False),
        (b"Connection: close\r\nConnection: keep-alive\r\n", False),
        (b"Connection: keep-alive\r\nConnection: close\r\n", False),
        (b"Connection: keep-alive\r\n close\r\n", True),
        (b"Connection: keep-alive,\r\n close\r\n", False),
    ],
)
def test_server_says_whether_it_goes_on(lines: bytes, may_continue: bool) -> None:
    bodies = [
        b"Content-Length: 5\r\n%b\r\nhello",
        b"%bContent-Length: 5\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n%b\r\n5\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n%b\r\n5\r\nhello\r\n0\r\nX-Trailer: x\r\n\r\n",
    ]
    for body in bodies:
        assert read_every_way(GET, OK + body % lines).may_continue is may_continue
        assert not read_every_way(LAST, OK + body % lines).may_continue


@pytest.mark.parametrize("version", [b"1.0", b"0.9", b"0.0"])
@pytest.mark.parametrize("lines", [b"", b"Connection: keep-alive\r\n"])
def test_connection_of_an_older_version_is_not_reused(version: bytes, lines: bytes) -> None:
    wire = b"HTTP/" + version + b" 200 OK\r\n" + lines + b"Content-Length: 5\r\n\r\nhello"
    outcome = read_every_way(GET, wire)
    assert outcome.heads[0][0] == b"HTTP/" + version
    assert outcome.body == b"hello"
    assert outcome.is_complete
    assert not outcome.may_continue


def test_older_version_without_length_ends_with_the_stream() -> None:
    wire = b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello"
    assert read_every_way(GET, wire, ends=True) == Outcome(
        heads=[head([(b"Server", b"x")], version=b"HTTP/1.0")], body=b"hello", is_complete=True
    )


def test_newer_version_reads_alike() -> None:
    outcome = read_every_way(GET, b"HTTP/1.2 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    assert outcome.heads[0][0] == b"HTTP/1.2"
    assert outcome.body == b"hello"
    assert outcome.may_continue


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        b"Transfer-Encoding: Chunked\r\nContent-Length: 5, 5\r\n",
    ],
)
def test_two_framings_at_once_are_read_but_not_trusted(framing: bytes) -> None:
    outcome = read_every_way(GET, OK + framing + b"\r\n5\r\nhello\r\n0\r\n\r\n")
    assert outcome.body == b"hello"
    assert outcome.is_complete
    assert not outcome.may_continue


@pytest.mark.parametrize(
    "wire",
    [
        HELLO,
        OK + b"Content-Length: 0\r\n\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5;x\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\nX-Trailer: x\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    ],
)
@pytest.mark.parametrize("extra", [b"!", b"\r\n", b"\n", HELLO, b"0\r\n\r\n"])
def test_bytes_beyond_the_end_spoil_the_connection(wire: bytes, extra: bytes) -> None:
    complete = read_every_way(GET, wire)
    assert complete.is_complete
    assert complete.may_continue
    complete.may_continue = False
    assert read_every_way(GET, wire, ends=True) == complete
    complete.unread = extra
    assert read_every_way(GET, wire + extra) == complete


# -- other protocols ---------------------------------------------------------------


@pytest.mark.parametrize("extra", [b"", b"\x81\x05hello", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n"])
def test_upgraded_connection_goes_on_with_what_follows(extra: bytes) -> None:
    wire = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    for interim in (b"", CONTINUE):
        outcome = read_every_way(UPGRADE, interim + wire + extra)
        assert outcome.heads[-1] == head(
            [(b"Upgrade", b"websocket")], status=101, reason=b"Switching Protocols"
        )
        assert outcome.has_switched
        assert outcome.is_complete
        assert outcome.unread == extra
        assert not outcome.may_continue


def test_upgrade_that_nobody_asked_for_is_an_error() -> None:
    (message,) = fail_every_way(GET, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert message.endswith("without a pending proposal")


def test_refused_upgrade_is_a_plain_response() -> None:
    outcome = read_every_way(UPGRADE, HELLO)
    assert not outcome.has_switched
    assert outcome.may_continue


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (200, b""),
        (200, b"Content-Length: 5\r\n"),
        (299, b"Transfer-Encoding: chunked\r\nX: y\r\n"),
    ],
)
@pytest.mark.parametrize("extra", [b"", b"\x16\x03\x01", b"5\r\nhello\r\n0\r\n\r\n"])
def test_tunnel_goes_on_with_what_follows(status: int, lines: bytes, extra: bytes) -> None:
    for interim in (b"", HINTS):
        wire = interim + b"HTTP/1.1 %d Established\r\n%b\r\n%b" % (status, lines, extra)
        outcome = read_every_way(CONNECT, wire)
        assert outcome.heads[-1][1] == status
        assert outcome.has_switched
        assert outcome.is_complete
        assert outcome.body == b""
        assert outcome.unread == extra
        assert not outcome.may_continue


def test_refused_tunnel_is_a_plain_response() -> None:
    wire = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nhello"
    outcome = read_every_way(CONNECT, wire)
    assert outcome.body == b"hello"
    assert not outcome.has_switched
    assert outcome.may_continue


def test_end_of_the_stream_behind_a_switch_is_not_its_business() -> None:
    wire = b"HTTP/1.1 200 Established\r\n\r\n\x16"
    outcome = read_every_way(CONNECT, wire, ends=True)
    assert outcome.has_switched
    assert outcome.unread == b"\x16"


# -- a stream that ends ------------------------------------------------------------


def complaint(place: int, wire: bytes, *, body: str) -> str:
    """Returns what is said of a stream that ends behind `place` bytes of `wire`."""
    if place == 0:
        return DISCONNECTED
    if place < wire.index(b"\r\n\r\n") + 4:
        return f"Server disconnected after {place} bytes of an incomplete response head."
    return body


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\r\nX-Odd: \x01\r\n\r\n"])
def test_body_cut_short_is_an_error_with_the_numbers(end: bytes) -> None:
    wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5" + end + b"hello"
    for place in range(len(wire)):
        received = max(0, place - (len(wire) - 5))
        message = complaint(
            place,
            wire,
            body="peer closed connection without sending complete message body "
            f"(received {received} bytes, expected 5)",
        )
        assert fail_every_way(GET, wire[:place], ends=True) == {message}


@pytest.mark.parametrize(
    "chunks",
    [
        b"1\r\na\r\n0b\r\nhello world\r\n0\r\n\r\n",
        b"1;x\r\na\r\n0b\r\nhello world\r\n000\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX-Trailer: x\r\nY: z\r\n\r\n",
    ],
)
def test_chunks_cut_short_are_an_error(chunks: bytes) -> None:
    wire = CHUNKED + chunks
    for place in range(len(wire)):
        message = complaint(place, wire, body=INCOMPLETE_CHUNKED)
        assert fail_every_way(GET, wire[:place], ends=True) == {message}


def test_end_that_comes_with_the_last_bytes_is_told_apart_from_bad_ones() -> None:
    reader = ResponseReader(GET)
    reader.feed(b"nonsense\r\n\r\n")
    reader.feed(b"")
    with pytest.raises(RemoteProtocolError, match="illegal status line"):
        reader.next_head()
    reader = ResponseReader(GET)
    reader.feed(CHUNKED + b"nonsense\r\n")
    reader.feed(b"")
    assert reader.next_head() is not None
    with pytest.raises(RemoteProtocolError, match="illegal chunk header"):
        reader.next_chunk()


# -- limits ------------------------------------------------------------------------

LIMIT = 100 * 1024


def head_of(size: int, *, is_plain: bool = True) -> bytes:
    """Returns a head of so many bytes, for the lane or for h11."""
    lines = [b"X-%d: %b\r\n" % (number, b"v" * 900) for number in range(size // 920)]
    start = OK + b"Content-Length: 5\r\n" + (b"" if is_plain else b"X-Odd: \x01\r\n")
    wire = b"".join([start, *lines, b"X: "])
    return wire + b"v" * (size - len(wire) - 4) + b"\r\n\r\n"


def large_segmentations(wire: bytes) -> list[list[bytes]]:
    sizes = [len(wire), 65536, 4096, 1000]
    cuts = [
        [wire[start : start + size] for start in range(0, len(wire), size)] for size in sizes
    ]
    return [*cuts, [wire[:1], wire[1:]], [wire[:-1], wire[-1:]]]


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("size", [90_000, LIMIT])
def test_large_head_is_taken(size: int, *, is_plain: bool) -> None:
    wire = head_of(size, is_plain=is_plain)
    assert len(wire) == size
    for segments in large_segmentations(wire + b"hello"):
        outcome, _ = read(GET, segments)
        assert outcome.body == b"hello"
        assert outcome.may_continue


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("size", [LIMIT + 1, 110_000, 300_000])
def test_larger_head_is_an_error(size: int, *, is_plain: bool) -> None:
    wire = head_of(size, is_plain=is_plain)
    for sent in (wire, wire + b"hello", CONTINUE + wire, wire[: LIMIT + 1]):
        for segments in large_segmentations(sent):
            with pytest.raises(RemoteProtocolError) as caught:
                read(GET, segments)
            assert str(caught.value) == f"the response head is longer than {LIMIT} bytes"


def test_endless_head_is_not_waited_for() -> None:
    reader = ResponseReader(GET)
    reader.feed(OK)
    with pytest.raises(RemoteProtocolError, match="longer than"):  # noqa: PT012 - which one?
        for _ in itertools.repeat(None, 200):
            assert reader.next_head() is None
            reader.feed(b"X: y" + b"y" * 1000)
    assert reader.received < LIMIT + 2000


def test_each_head_has_the_limit_for_itself() -> None:
    interim = (
        b"HTTP/1.1 103 Early Hints\r\n" + head_of(60_000)[len(OK + b"Content-Length: 5\r\n") :]
    )
    for segments in large_segmentations(interim * 3 + head_of(90_000) + b"hello"):
        outcome, _ = read(GET, segments)
        assert len(outcome.heads) == 4
        assert outcome.body == b"hello"


@pytest.mark.parametrize("is_plain", [True, False])
def test_limit_is_not_the_body_s(*, is_plain: bool) -> None:
    body = b"x" * 300_000
    length = head_of(50_000, is_plain=is_plain).replace(b": 5\r\n", b": 300000\r\n")
    for segments in large_segmentations(length + body):
        assert read(GET, segments)[0].body == body
    chunks = b"%x\r\n%b\r\n" % (len(body), body)
    for segments in large_segmentations(CHUNKED + chunks * 2 + b"0\r\n\r\n"):
        assert read(GET, segments)[0].body == body * 2


# -- the lane ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "wire"),
    [
        (GET, HELLO),
        (LAST, HELLO),
        (UPGRADE, HELLO),
        (HEAD, HELLO[:-5]),
        (GET, OK + b"connection: Close\r\ncontent-length:5\r\nServer: x y; z\r\n\r\nhello"),
        (GET, b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
        (GET, b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
        (GET, b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'),
        (GET, b"HTTP/1.1 503 Caf\xc3\xa9\r\nContent-Length: 0\r\nX: caf\xe9\r\n\r\n"),
        (GET, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"),
        (GET, CHUNKED + b"00a\r\nhello hell\r\n000\r\n\r\n"),
        (GET, OK + b"\r\nhello"),
        (GET, CONTINUE + HINTS + HELLO),
        (GET, HELLO + b"more"),
        (GET, head_of(LIMIT) + b"hello"),
    ],
)
def test_plain_response_needs_no_h11(
    request_: RequestWriter, wire: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fallback, "H11Reader")
    outcome, _ = read(request_, [wire, b""])
    assert outcome.is_complete


def test_body_of_a_plain_response_may_come_in_pieces_without_h11(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(fallback, "H11Reader")
    for start, body in [
        (HELLO[:-5], b"hello"),
        (OK + b"\r\n", b"hello"),
        (CHUNKED, b"5\r\nhello\r\n0A\r\nhellohello\r\n0\r\n\r\n"),
    ]:
        for segments in segmentations(body):
            outcome, _ = read(GET, [start, *segments, b""])
            assert outcome.is_complete


def test_made_up_names_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    known = set(response._ordinary_names)
    monkeypatch.setattr(response, "_ordinary_names", known)
    read(GET, [OK + b"X" * 5000 + b": x\r\nContent-Length: 5\r\n\r\nhello"])
    for number in range(3000):
        wire = OK + b"X-%d: x\r\ncOnTeNt-LeNgTh: 5\r\ncOnnection: close\r\n\r\nhello" % number
        outcome, _ = read(GET, [wire])
        assert outcome.is_complete
        assert outcome.heads[0][3][0] == (b"X-%d" % number, b"x")
        assert not outcome.may_continue
    assert len(known) < 2000
    assert max(map(len, known)) < 100
