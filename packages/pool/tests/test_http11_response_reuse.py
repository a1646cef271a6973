"""Whether the connection may be used again behind a response."""

import pytest
from response_reading import Outcome, read_every_way
from response_samples import CHUNKED, GET, HELLO, LAST, OK, head


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
