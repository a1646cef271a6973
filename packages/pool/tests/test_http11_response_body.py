"""Bodies of responses, however they are framed."""

import pytest
from response_reading import Outcome, fail_every_way, read, read_every_way
from response_samples import (
    CHUNKED,
    GET,
    HEAD,
    HELLO,
    INCOMPLETE_CHUNKED,
    LAST,
    OK,
    Fields,
    head,
)

from httpcore_interface import RemoteProtocolError
from httpcore_pool._protocol.http11 import RequestWriter, ResponseReader

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
