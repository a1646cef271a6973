"""Requests as bytes: what is written, what is refused, how a body is counted."""

import array

import pytest

from httpcore_interface import LocalProtocolError
from httpcore_pool._protocol.http11 import RequestWriter, fallback, request

Fields = list[tuple[bytes, bytes]]

HOST = (b"Host", b"example.com")


def write(
    *fields: tuple[bytes, bytes], method: bytes = b"POST", target: bytes = b"/"
) -> RequestWriter:
    return RequestWriter(method, target, [HOST, *fields])


# -- the head ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "fields", "head"),
    [
        pytest.param(
            b"GET",
            b"/",
            [HOST],
            b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
            id="host alone",
        ),
        pytest.param(
            b"POST",
            b"/a/b?c=d&e=%20",
            [HOST, (b"Accept", b"*/*"), (b"user-agent", b"x/1 (y; z)")],
            b"POST /a/b?c=d&e=%20 HTTP/1.1\r\n"
            b"Host: example.com\r\nAccept: */*\r\nuser-agent: x/1 (y; z)\r\n\r\n",
            id="names as they are spelled",
        ),
        pytest.param(
            b"GET",
            b"/",
            [(b"Accept", b"*/*"), (b"hOST", b"example.com"), (b"X", b"y")],
            b"GET / HTTP/1.1\r\nhOST: example.com\r\nAccept: */*\r\nX: y\r\n\r\n",
            id="host goes first",
        ),
        pytest.param(
            b"GET",
            b"/",
            [HOST, (b"Cookie", b"a=b"), (b"Cookie", b"c=d")],
            b"GET / HTTP/1.1\r\nHost: example.com\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
            id="a field twice",
        ),
        pytest.param(
            b"GET",
            b"/",
            [(b"Host", b""), (b"X-Empty", b"")],
            b"GET / HTTP/1.1\r\nHost: \r\nX-Empty: \r\n\r\n",
            id="empty values",
        ),
        pytest.param(
            b"OPTIONS",
            b"*",
            [HOST],
            b"OPTIONS * HTTP/1.1\r\nHost: example.com\r\n\r\n",
            id="asterisk form",
        ),
        pytest.param(
            b"CONNECT",
            b"[::1]:443",
            [(b"Host", b"[::1]:443")],
            b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
            id="authority form",
        ),
        pytest.param(
            b"M-SEARCH",
            b"http://a/b#c",
            [HOST],
            b"M-SEARCH http://a/b#c HTTP/1.1\r\nHost: example.com\r\n\r\n",
            id="absolute form",
        ),
        pytest.param(
            b"!#$%&'*+-.^_`|~09azAZ",
            b"/",
            [HOST, (b"!#$%&'*+-.^_`|~09azAZ", b"x")],
            b"!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\n"
            b"Host: example.com\r\n!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n",
            id="every character of a token",
        ),
        pytest.param(
            b"GET",
            b"/",
            [HOST, (b"X", b"a\tb  c"), (b"Y", b"caf\xe9"), (b"Z", b"a:b: c")],
            b"GET / HTTP/1.1\r\nHost: example.com\r\n"
            b"X: a\tb  c\r\nY: caf\xe9\r\nZ: a:b: c\r\n\r\n",
            id="odd values",
        ),
        pytest.param(
            b"GET",
            b"/",
            [HOST, (b"X", b"a\x01\x1f\x7fb")],
            b"GET / HTTP/1.1\r\nHost: example.com\r\nX: a\x01\x1f\x7fb\r\n\r\n",
            id="control characters that are taken",
        ),
    ],
)
def test_head_is_written(method: bytes, target: bytes, fields: Fields, head: bytes) -> None:
    writer = RequestWriter(method, target, fields)
    assert writer.head == head
    assert writer.method == method


def test_head_of_many_fields_is_written() -> None:
    fields = [(b"X-%d" % number, b"%d" % number) for number in range(500)]
    lines = b"".join([b"%b: %b\r\n" % field for field in fields])
    assert write(*fields).head.endswith(b"\r\nHost: example.com\r\n" + lines + b"\r\n")


@pytest.mark.parametrize(
    "fields",
    [
        [HOST],
        [(b"host", b"example.com:8080"), (b"accept", b"*/*"), (b"connection", b"close")],
        [HOST, (b"Authorization", b"Basic eDp5"), (b"X-Accent", b"caf\xc3\xa9")],
        [HOST, (b"Content-Length", b"12"), (b"Connection", b"keep-alive")],
        [HOST, (b"Transfer-Encoding", b"chunked"), (b"Expect", b"100-continue")],
    ],
)
def test_plain_request_needs_no_h11(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(fallback, "encode_request")
    for method in (b"GET", b"POST", b"PURGE"):
        assert RequestWriter(method, b"/a?b", fields).head.count(b"\r\n") == len(fields) + 2


SPLITTING = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\nX: y",
    b"\r\n\r\n",
    b"\n\n",
    b"\x00",
    b"\x0b",
    b"\x0c",
]


@pytest.mark.parametrize("piece", SPLITTING)
@pytest.mark.parametrize("value", [b"%b", b"a%b", b"%bb", b"a%bb"])
def test_value_that_would_split_the_request_is_refused(value: bytes, piece: bytes) -> None:
    value %= piece
    with pytest.raises(LocalProtocolError) as caught:
        write((b"X-First", b"ok"), (b"X", value), (b"X-Last", b"ok"))
    assert str(caught.value) == f"Illegal header value {value!r}"


@pytest.mark.parametrize("value", [b" ", b"\t", b" a", b"a ", b"\ta", b"a\t"])
def test_value_in_white_space_is_refused(value: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="Illegal header value"):
        write((b"X", value))


@pytest.mark.parametrize(
    "piece", [*SPLITTING, b" ", b"\t", b":", b": ", b"\x7f", b"\xe9", b"("]
)
@pytest.mark.parametrize("name", [b"%b", b"X%b", b"%bX", b"X%bY"])
def test_bad_name_is_refused_every_time(name: bytes, piece: bytes) -> None:
    name %= piece
    for _ in range(2):
        with pytest.raises(LocalProtocolError) as caught:
            write((name, b"value"))
        assert str(caught.value) == f"Illegal header name {name!r}"


def test_empty_name_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="Illegal header name b''"):
        write((b"", b"value"))


@pytest.mark.parametrize(
    "method", [b"", b" GET", b"GET ", b"G T", b"GET\r\n", b"G\xe9T", b"G:T"]
)
def test_bad_method_is_refused(method: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="Illegal method characters"):
        write(method=method)


@pytest.mark.parametrize(
    "target", [b"", b" /", b"/ ", b"/a b", b"/ HTTP/1.1\r\nX: y", b"/\t", b"/\x7f", b"/caf\xe9"]
)
def test_bad_target_is_refused(target: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="Illegal target characters"):
        write(target=target)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], "Missing mandatory Host: header"),
        ([(b"Accept", b"*/*")], "Missing mandatory Host: header"),
        ([(b"Hostess", b"x"), (b"X-Host", b"x")], "Missing mandatory Host: header"),
        ([HOST, HOST], "Found multiple Host: headers"),
        ([HOST, (b"Accept", b"*/*"), (b"host", b"other")], "Found multiple Host: headers"),
        ([(b"Host", b"a\r\nb")], "Illegal header value"),
    ],
)
def test_exactly_one_host_is_sent(fields: Fields, message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        RequestWriter(b"GET", b"/", fields)


def test_refusal_is_chained_to_its_reason() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        write((b"X", b"\n"))
    assert type(caught.value.__cause__).__module__.startswith("h11")


# -- fields with a meaning ---------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "written", "length"),
    [
        ([b"3"], b"3", 3),
        ([b"0"], b"0", 0),
        ([b"003"], b"003", 3),
        ([b"00000000000000000003"], b"00000000000000000003", 3),
        ([b"3, 3"], b"3", 3),
        ([b"3,3"], b"3", 3),
        ([b"3", b"3"], b"3", 3),
        ([b"3", b"3,3", b"3"], b"3", 3),
    ],
)
def test_length_is_understood(values: list[bytes], written: bytes, length: int) -> None:
    writer = write(*[(b"Content-Length", value) for value in values])
    assert b"\r\nContent-Length: " + written + b"\r\n\r\n" in writer.head
    assert writer.head.count(b"Content-Length") == 1
    assert not writer.is_chunked
    writer.check_length(length)
    with pytest.raises(LocalProtocolError):
        writer.check_length(length + 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([b""], "bad Content-Length"),
        ([b"three"], "bad Content-Length"),
        ([b"-3"], "bad Content-Length"),
        ([b"+3"], "bad Content-Length"),
        ([b"3.0"], "bad Content-Length"),
        ([b"0x3"], "bad Content-Length"),
        ([b"\xb3"], "bad Content-Length"),
        ([b"3 3"], "bad Content-Length"),
        ([b"100000000000000000000"], "bad Content-Length"),
        ([b"000000000000000000003"], "bad Content-Length"),
        ([b"3, 4"], "conflicting Content-Length headers"),
        ([b"3", b"4"], "conflicting Content-Length headers"),
        ([b"3", b"03"], "conflicting Content-Length headers"),
    ],
)
def test_bad_length_is_refused(values: list[bytes], message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        write(*[(b"Content-Length", value) for value in values])


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"CHUNKED"])
def test_chunked_encoding_is_written_in_lower_case(value: bytes) -> None:
    writer = write((b"transfer-Encoding", value))
    assert writer.is_chunked
    assert writer.head.endswith(b"\r\ntransfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([b"gzip"], "Only Transfer-Encoding: chunked is supported"),
        ([b"gzip, chunked"], "Only Transfer-Encoding: chunked is supported"),
        ([b""], "Only Transfer-Encoding: chunked is supported"),
        ([b"chunked", b"chunked"], "multiple Transfer-Encoding headers"),
    ],
)
def test_other_encodings_are_refused(values: list[bytes], message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        write(*[(b"Transfer-Encoding", value) for value in values])


@pytest.mark.parametrize(
    "fields",
    [
        [HOST, (b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked")],
        [HOST, (b"transfer-encoding", b"chunked"), (b"content-length", b"3")],
        [(b"Transfer-Encoding", b"chunked"), HOST, (b"Content-Length", b"0")],
        [HOST, (b"Transfer-Encoding", b"Chunked"), (b"Content-Length", b"3, 3")],
    ],
)
def test_two_framings_are_refused(fields: Fields) -> None:
    with pytest.raises(LocalProtocolError, match="both Content-Length and Transfer-Encoding"):
        RequestWriter(b"POST", b"/", fields)


# A field that h11 has to see to, before and behind those that matter.
ODD = (b"X-Odd", b"\x01")


@pytest.mark.parametrize("others", [[], [ODD]], ids=["plain", "odd"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], False),
        ([b"100-continue"], True),
        ([b"100-Continue"], True),
        ([b"x, 100-continue ,y"], True),
        ([b"100-continue", b"x"], True),
        ([b"x", b"100-continue"], True),
        ([b"x"], False),
        ([b"100-continued"], False),
        ([b"100-continue;q=1"], False),
    ],
)
def test_body_waits_where_asked_to(values: list[bytes], expected: bool, others: Fields) -> None:
    writer = write(*others, *[(b"Expect", value) for value in values], *others)
    assert writer.expects_continue is expected


@pytest.mark.parametrize("others", [[], [ODD]], ids=["plain", "odd"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], False),
        ([b"close"], True),
        ([b"CLOSE"], True),
        ([b"keep-alive, close"], True),
        ([b"close,TE"], True),
        ([b"close", b"keep-alive"], True),
        ([b"keep-alive", b"close"], True),
        ([b"keep-alive"], False),
        ([b"closed"], False),
        ([b'"close"'], False),
        ([b""], False),
    ],
)
def test_last_request_says_so(values: list[bytes], expected: bool, others: Fields) -> None:
    fields = [(b"Connection", value) for value in values]
    writer = write(*others, *fields)
    assert writer.asks_to_close is expected
    assert writer.notable == fields


@pytest.mark.parametrize("others", [[], [ODD]], ids=["plain", "odd"])
def test_fields_that_bear_on_the_response_are_noted(others: Fields) -> None:
    noted = [(b"upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"UPGRADE", b"h2c")]
    writer = write(*others, noted[0], (b"Accept", b"*/*"), noted[1], (b"TE", b"x"), noted[2])
    assert writer.notable == noted


def test_what_a_declined_head_set_is_set_anew() -> None:
    odd = (b"X-Odd", b"\x01")
    assert write((b"Connection", b"close"), (b"Content-Length", b"3"), odd).notable == [
        (b"Connection", b"close")
    ]
    writer = write((b"Content-Length", b"3"), odd)
    writer.check_length(3)


# -- the body ----------------------------------------------------------------------

BODIES = [[], [b"hello"], [b"h", b"", b"ello"], [b"", b"h", b"e", b"l", b"l", b"o", b""]]


@pytest.mark.parametrize("parts", BODIES[1:])
def test_body_of_known_length_travels_as_it_is(parts: list[bytes]) -> None:
    writer = write((b"Content-Length", b"5"))
    assert [writer.frame(part) for part in parts] == parts
    assert writer.end() == b""


@pytest.mark.parametrize(
    ("parts", "wire"),
    [
        ([], []),
        ([b""], [b""]),
        ([b"hello"], [b"5\r\nhello\r\n"]),
        ([b"h", b"", b"ello"], [b"1\r\nh\r\n", b"", b"4\r\nello\r\n"]),
        ([b"a" * 4096], [b"1000\r\n" + b"a" * 4096 + b"\r\n"]),
        ([b"a" * 26], [b"1a\r\n" + b"a" * 26 + b"\r\n"]),
        ([b"0\r\n\r\n"], [b"5\r\n0\r\n\r\n\r\n"]),
    ],
)
def test_body_of_unknown_length_travels_in_chunks(
    parts: list[bytes], wire: list[bytes]
) -> None:
    writer = write((b"Transfer-Encoding", b"chunked"))
    assert [writer.frame(part) for part in parts] == wire
    assert writer.end() == b"0\r\n\r\n"


def test_request_without_framing_has_no_body() -> None:
    writer = write()
    assert writer.end() == b""
    with pytest.raises(LocalProtocolError, match="Too much data for declared Content-Length"):
        writer.frame(b"x")


TOO_MUCH = r"Too much data for declared Content-Length \(%d bytes were left, %d given\)"
TOO_LITTLE = r"Too little data for declared Content-Length \(%d bytes were left, %d given\)"


@pytest.mark.parametrize(
    ("parts", "left", "given"),
    [([b"hello!"], 5, 6), ([b"hello", b"!"], 0, 1), ([b"hel", b"", b"lo!"], 2, 3)],
)
def test_body_longer_than_announced_is_refused(
    parts: list[bytes], left: int, given: int
) -> None:
    writer = write((b"Content-Length", b"5"))
    for part in parts[:-1]:
        writer.frame(part)
    with pytest.raises(LocalProtocolError, match=TOO_MUCH % (left, given)):
        writer.frame(parts[-1])


@pytest.mark.parametrize(("parts", "left"), [([], 5), ([b"hell"], 1), ([b"h", b"", b"e"], 3)])
def test_body_shorter_than_announced_is_refused(parts: list[bytes], left: int) -> None:
    writer = write((b"Content-Length", b"5"))
    for part in parts:
        writer.frame(part)
    with pytest.raises(LocalProtocolError, match=TOO_LITTLE % (left, 0)):
        writer.end()


@pytest.mark.parametrize(
    ("size", "message"), [(6, TOO_MUCH % (5, 6)), (4, TOO_LITTLE % (5, 4))]
)
def test_length_is_checked_before_anything_is_sent(size: int, message: str) -> None:
    writer = write((b"Content-Length", b"5"))
    with pytest.raises(LocalProtocolError, match=message):
        writer.check_length(size)
    with pytest.raises(LocalProtocolError, match=message):
        writer.whole(bytes(size))


def test_length_that_fits_is_not_spent_by_checking() -> None:
    writer = write((b"Content-Length", b"5"))
    writer.check_length(5)
    writer.check_length(5)
    assert writer.whole(b"hello") == writer.head + b"hello"


def test_length_of_a_chunked_body_is_free() -> None:
    writer = write((b"Transfer-Encoding", b"chunked"))
    writer.check_length(0)
    writer.check_length(10**9)


@pytest.mark.parametrize(
    ("field", "content", "body"),
    [
        ((b"Accept", b"*/*"), b"", b""),
        ((b"Content-Length", b"0"), b"", b""),
        ((b"Content-Length", b"5"), b"hello", b"hello"),
        ((b"Transfer-Encoding", b"chunked"), b"hello", b"5\r\nhello\r\n0\r\n\r\n"),
        ((b"Transfer-Encoding", b"chunked"), b"", b"0\r\n\r\n"),
    ],
)
def test_request_in_one_piece(field: tuple[bytes, bytes], content: bytes, body: bytes) -> None:
    writer = write(field)
    assert writer.whole(content) == writer.head + body


@pytest.mark.parametrize(
    "framing", [(b"Content-Length", b"8"), (b"Transfer-Encoding", b"chunked")]
)
@pytest.mark.parametrize(
    "view",
    [
        memoryview(b"\1\0\0\0\2\0\0\0"),
        memoryview(b"\1\0\0\0\2\0\0\0").cast("I"),
        memoryview(b"\1\0\0\0\2\0\0\0").cast("I", shape=[2, 1]),
        memoryview(array.array("B", b"\1\0\0\0\2\0\0\0")),
    ],
    ids=["bytes", "words", "table", "array"],
)
def test_views_are_measured_in_bytes(
    view: "memoryview[int]", framing: tuple[bytes, bytes]
) -> None:
    writer = write(framing)
    framed = bytes(writer.frame(view)) + writer.end()
    content = b"\1\0\0\0\2\0\0\0"
    assert framed == (b"8\r\n" + content + b"\r\n0\r\n\r\n" if writer.is_chunked else content)


# -- what is remembered ------------------------------------------------------------


def test_made_up_names_are_not_remembered_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = set(request._ordinary_names)
    monkeypatch.setattr(request, "_ordinary_names", known)
    write((b"X" * 5000, b"x"))
    for number in range(3000):
        writer = write((b"X-%d" % number, b"x"), (b"cOnnection", b"close"))
        assert writer.head.endswith(b"\r\nX-%d: x\r\ncOnnection: close\r\n\r\n" % number)
        assert writer.asks_to_close
    assert len(known) < 2000
    assert max(map(len, known)) < 100
    with pytest.raises(LocalProtocolError):
        write((b"X 3001", b"x"))


@pytest.mark.parametrize(
    "name", [b"Authorization", b"cookie", b"Proxy-Authorization", b"Set-Cookie"]
)
@pytest.mark.parametrize("value", [b"s3cr-et\n", b" s3cr-et", b"s3cr-et'\"\0"])
def test_secret_that_is_not_valid_is_not_shown(name: bytes, value: bytes) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        RequestWriter(b"GET", b"/", [(b"Host", b"a"), (name, value)])
    assert str(caught.value) == "Illegal header value"
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cr-et" not in repr(error)
        error = error.__cause__ or error.__context__
