"""Heads of responses, line by line."""

import pytest
from response_reading import Outcome, fail_every_way, read_every_way
from response_samples import GET, HELLO, OK, Fields, head

from httpcore_pool._protocol.http11 import Head


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


@pytest.mark.parametrize(
    "line", [b"Set-Cookie : a=s3cr-et", b"SET-COOKIE: s3cr-et\0", b"Authorization s3cr-et"]
)
def test_secret_of_a_peer_that_is_not_valid_is_not_shown(line: bytes) -> None:
    wire = b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n"
    [message] = fail_every_way(GET, wire)
    assert "s3cr-et" not in message
    assert message.startswith("illegal header line")
