"""The fast lane beside h11 alone: nobody may be able to tell them apart.

Both read the same bytes in the same segments. Where the product is stricter on
purpose, or says what h11 does not, the reference is told so here, in `in_our_words`
and `may_continue_by_h11`, and nowhere else.
"""

import dataclasses
import itertools
import typing

import h11
import hypothesis
import hypothesis.strategies as st
import pytest

from httpcore_interface import LocalProtocolError, RemoteProtocolError
from httpcore_pool._protocol.http11 import Head, RequestWriter, ResponseReader

Fields = list[tuple[bytes, bytes]]

HEAD_LIMIT = 100 * 1024

HOST = (b"Host", b"example.com")


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request, as far as its response depends on it."""

    method: bytes
    fields: Fields

    def writer(self) -> RequestWriter:
        return RequestWriter(self.method, b"/", self.fields)

    def reference(self) -> h11.Connection:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        connection.send(h11.Request(method=self.method, target="/", headers=self.fields))
        for name, value in self.fields:
            if name == b"Content-Length":
                connection.send(h11.Data(data=bytes(int(value))))
        connection.send(h11.EndOfMessage())
        return connection


@dataclasses.dataclass
class Account:
    """What became of a response.

    `progress` has a pair for each segment: how many heads and how many bytes of the
    body were known behind it. Nothing is held back, and nothing comes too early.
    """

    heads: list[Head] = dataclasses.field(default_factory=list)
    body: bytes = b""
    trailers: Fields = dataclasses.field(default_factory=list)
    progress: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    end: typing.Literal["open", "complete", "switched", "error"] = "open"
    message: str = ""
    may_continue: bool = False
    unread: bytes = b""

    @property
    def is_in_body(self) -> bool:
        return bool(self.heads) and (self.heads[-1][1] >= 200 or self.heads[-1][1] == 101)

    def note_progress(self) -> None:
        self.progress.append((len(self.heads), len(self.body)))


def read_with_product(asked: Asked, segments: list[bytes]) -> tuple[Account, ResponseReader]:
    reader = ResponseReader(asked.writer())
    account = Account()
    for segment in segments:
        reader.feed(segment)
        if account.end == "open":
            try:
                advance_product(account, reader)
            except RemoteProtocolError as exc:
                account.end, account.message = "error", str(exc)
        account.note_progress()
    account.may_continue = reader.may_continue
    if account.end == "complete":
        account.trailers = reader.trailers
    elif account.end == "switched":
        account.unread = reader.unread
    assert reader.received == sum(map(len, segments))
    return account, reader


def advance_product(account: Account, reader: ResponseReader) -> None:
    while not account.is_in_body:
        head = reader.next_head()
        if head is None:
            return
        account.heads.append(head)
    while chunk := reader.next_chunk():
        account.body += chunk
    if chunk is not None:
        account.end = "switched" if reader.has_switched else "complete"


def read_with_h11(asked: Asked, segments: list[bytes]) -> Account:
    connection = asked.reference()
    account = Account()
    for segment in segments:
        connection.receive_data(segment)
        if account.end == "open":
            try:
                advance_h11(account, connection)
            except h11.RemoteProtocolError as exc:
                account.end = "error"
                account.message = in_our_words(str(exc), account, connection)
        account.note_progress()
    if account.end == "complete":
        account.may_continue = may_continue_by_h11(account, connection)
    elif account.end == "switched":
        account.unread = bytes(connection.trailing_data[0])
    return account


def advance_h11(account: Account, connection: h11.Connection) -> None:
    while account.end == "open":
        event = connection.next_event()
        if isinstance(event, h11.InformationalResponse | h11.Response):
            version = b"HTTP/" + event.http_version
            fields = as_pairs(event.headers)
            account.heads.append((version, event.status_code, bytes(event.reason), fields))
        elif isinstance(event, h11.Data):
            account.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            account.end = "complete"
            account.trailers = as_pairs(event.headers)
        elif event is h11.PAUSED:
            account.end = "switched"
        else:
            assert event is h11.NEED_DATA
            break


def as_pairs(headers: h11._headers.Headers) -> Fields:
    return [(bytes(name), bytes(value)) for name, value in headers.raw_items()]


def in_our_words(message: str, account: Account, connection: h11.Connection) -> str:
    """Returns what the product says where h11 says `message`."""
    if message.startswith("malformed chunk footer"):
        # h11 quotes what is left of the footer in this segment.
        return "malformed chunk footer"
    is_cut_short = message == "peer unexpectedly closed connection"
    if account.is_in_body:
        return INCOMPLETE_CHUNKED if is_cut_short else message
    if message == "Receive buffer too long":
        return f"the response head is longer than {HEAD_LIMIT} bytes"
    if is_cut_short or "ConnectionClosed" in message:
        pending = len(connection.trailing_data[0])
        if not pending:
            return "Server disconnected without sending a response."
        return f"Server disconnected after {pending} bytes of an incomplete response head."
    return message


INCOMPLETE_CHUNKED = (
    "peer closed connection without sending complete message body (incomplete chunked read)"
)


def may_continue_by_h11(account: Account, connection: h11.Connection) -> bool:
    """Returns what h11 would do next; the product asks for more.

    Bytes beyond the end, and two framings in one head (RFC 9112, section 6.3), are a
    reason to part.
    """
    if connection.trailing_data[0]:
        return False
    connection.next_event()  # The end of the stream, if it has come.
    names = {name.lower() for name, _ in account.heads[-1][3]}
    return (
        connection.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
        and not {b"content-length", b"transfer-encoding"} <= names
    )


def compare(asked: Asked, segments: list[bytes]) -> ResponseReader:
    account, reader = read_with_product(asked, segments)
    if account.message.startswith("malformed chunk footer"):
        account.message = "malformed chunk footer"
    assert account == read_with_h11(asked, segments)
    return reader


# -- responses ---------------------------------------------------------------------

GET = Asked(b"GET", [HOST])

asked = st.builds(
    Asked,
    st.sampled_from([b"GET", b"GET", b"GET", b"POST", b"OPTIONS", b"HEAD", b"CONNECT"]),
    st.lists(
        st.sampled_from(
            [
                (b"Connection", b"close"),
                (b"Connection", b"keep-alive"),
                (b"connection", b"Upgrade, HTTP2-Settings"),
                (b"Connection", b"TE, Close"),
                (b"Upgrade", b"websocket"),
                (b"Upgrade", b""),
                (b"Expect", b"100-continue"),
                (b"Content-Length", b"3"),
            ]
        ),
        max_size=3,
        unique_by=lambda field: field[0],
    ).map(lambda fields: [HOST, *fields]),
)

plain_status_lines = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 404 Not Found",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 304 Not Modified",
    ]
)
odd_status_lines = st.sampled_from(
    [
        b"HTTP/1.1 101 Switching Protocols",
        b"HTTP/1.1 500 caf\xc3\xa9 \t ",
        b"HTTP/1.1 999 Odd",
        b"HTTP/1.1 099 Odd",
        b"HTTP/1.1 0200 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1 200 a\x01b",
        b"HTTP/1.0 200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/1.1",
        b"http/1.1 200 OK",
        b"\x16\x03\x01",
    ]
)
any_status_lines = st.one_of(plain_status_lines, odd_status_lines)

plain_lines = st.sampled_from(
    [
        b"Server: nginx/1.22.1",
        b"Date: Tue, 03 Nov 2026 10:00:00 GMT",
        b"Content-Type: text/html; charset=utf-8",
        b"Connection: keep-alive",
        b"Connection: close",
        b"Vary:",
        b"X-No-Space:value",
        b"X-Latin: caf\xe9\xa0\x85",
    ]
)
odd_lines = st.sampled_from(
    [
        b"Connection: Keep-Alive, CLOSE",
        b"Connection: upgrade",
        b"connection: clos e",
        b"X-Tab:\tvalue\t",
        b"X-Inner-Tab: two\twords",
        b"X-Spaces:   two  words  ",
        b"X-Control: a\x01b",
        b"X-Delete: a\x7fb",
        b"X-Nul: a\x00b",
        b"X-Vertical: a\x0bb\x0c",
        b"X-Return: a\rb",
        b"X-Folded: a\r\n b\r\n\tc",
        b"X-Empty: ",
        b"Bad Name: x",
        b": x",
        b"X-No-Colon",
        b"X-Spaced : x",
        b" X-Indented: x",
        b"Content-Length: 3",
        b"Content-Length: 3, 3",
        b"content-length: 4",
        b"Content-Length: +3",
        b"Content-Length: 00000000000000000003",
        b"Content-Length: 000000000000000000003",
        b"Content-Length:",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: Chunked",
        b"Transfer-Encoding: gzip, chunked",
    ]
)
any_lines = st.one_of(plain_lines, odd_lines)

line_ends = st.sampled_from([b"\r\n"] * 6 + [b"\n", b"\r\r\n", b"\n\r", b"\r"])

contents = st.one_of(st.sampled_from([b"", b"x", b"hello", b"a" * 300]), st.binary(max_size=20))


@st.composite
def heads(
    draw: st.DrawFn, status_line: bytes, framing: list[bytes], *, is_plain: bool
) -> bytes:
    lines = draw(st.lists(plain_lines if is_plain else any_lines, max_size=4))
    lines[len(lines) // 2 : len(lines) // 2] = framing
    end, last_end = (b"\r\n", b"\r\n") if is_plain else draw(st.tuples(line_ends, line_ends))
    return b"".join([line + end for line in [status_line, *lines]]) + last_end


sizes = st.sampled_from([b"%x", b"%X", b"%04x"])
odd_sizes = st.sampled_from([b"%09x", b"%020x", b"%021x", b"+%x", b"0x%x", b" %x"])
extensions = st.sampled_from([b"", b";a", b";a=b", b"  ", b" ;a", b";a\nb"])
last_chunks = st.sampled_from([b"0\r\n", b"000\r\n", b"0;x\r\n", b"", b"0\n"])
trailer_sections = st.sampled_from(
    [b"", b"X-Sum: 1\r\n", b"a:\r\nA: b\r\n", b"Bad name:\r\n", b"X: a\n b\n"]
)


@st.composite
def chunked_bodies(draw: st.DrawFn, *, is_plain: bool) -> bytes:
    parts = []
    for content in draw(st.lists(contents.filter(bool), max_size=3)):
        if is_plain:
            parts += [draw(sizes) % len(content), b"\r\n", content, b"\r\n"]
        else:
            size = draw(st.one_of(sizes, odd_sizes)) % len(content)
            end, last_end = draw(st.tuples(line_ends, line_ends))
            parts += [size, draw(extensions), end, content, last_end]
    if is_plain:
        return b"".join([*parts, b"0\r\n\r\n"])
    return b"".join([*parts, draw(last_chunks), draw(trailer_sections), draw(line_ends)])


leftovers = st.sampled_from([b"", b"", b"", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n", b"!"])


framings = st.sampled_from(["length", "length", "chunked", "close"])
odd_framings = st.sampled_from(["length", "chunked", "close", "both", "wrong length"])


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Builds a response, valid or nearly, behind interim ones or not."""
    parts = []
    is_plain = draw(st.sampled_from([True, True, True, False]))
    for status in draw(st.sampled_from([(), (), (), (100,), (103,), (100, 103)])):
        parts.append(draw(heads(b"HTTP/1.1 %d Yes" % status, [], is_plain=is_plain)))
    status_line = draw(plain_status_lines if is_plain else any_status_lines)
    framing = draw(framings if is_plain else odd_framings)
    content = draw(contents)
    if framing == "chunked":
        lines = [b"Transfer-Encoding: chunked"]
        content = draw(chunked_bodies(is_plain=is_plain))
    elif framing == "close":
        lines = []
    else:
        size = len(content) + (2 if framing == "wrong length" else 0)
        lines = [b"Content-Length: %d" % size]
        if framing == "both":
            lines.append(b"Transfer-Encoding: chunked")
    parts.append(draw(heads(status_line, lines, is_plain=is_plain)))
    return b"".join([*parts, content, draw(leftovers)])


fragments = st.sampled_from(
    [
        *[b"HTTP/1.1", b" ", b"200", b"\r\n", b"\n", b"\r", b":", b";", b"0", b"5", b"a"],
        *[b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Connection: close"],
        *[b"\t", b"\x00", b"\xff"],
    ]
)

mutations = st.tuples(
    st.sampled_from(["replace", "insert", "delete", "double", "cut"]),
    st.integers(0, 2000),
    st.one_of(fragments, st.binary(min_size=1, max_size=2)),
)


def mutate(wire: bytes, kind: str, place: int, piece: bytes) -> bytes:
    # From the end, where the bytes that decide most are: the head is long.
    place = place % (len(wire) + 1)
    before, after = wire[:place], wire[place:]
    if kind == "replace":
        return before + piece + after[len(piece) :]
    if kind == "insert":
        return before + piece + after
    if kind == "delete":
        return before + after[len(piece) :]
    if kind == "double":
        return before + after[:8] + after
    return before


@st.composite
def mutated_responses(draw: st.DrawFn) -> bytes:
    wire = draw(responses())
    for kind, place, piece in draw(st.lists(mutations, min_size=1, max_size=3)):
        wire = mutate(wire, kind, place, piece)
    return wire


@st.composite
def segmented(draw: st.DrawFn, wires: st.SearchStrategy[bytes]) -> list[bytes]:
    """Cuts what is sent into segments, with or without an end of the stream."""
    wire = draw(wires)
    how = draw(
        st.sampled_from(
            ["whole", "whole head", "whole head", "whole head", "anywhere", "bytes"]
        )
    )
    if how == "whole":
        places = []
    elif how == "bytes":
        places = list(range(len(wire)))
    else:
        # The lane takes heads that come in one piece.
        first = wire.find(b"\r\n\r\n") + 4 if how == "whole head" else 0
        places = sorted(
            draw(st.sets(st.integers(min(first, len(wire)), len(wire)), max_size=4))
        )
    segments = [wire[i:j] for i, j in itertools.pairwise([0, *places, len(wire)]) if i < j]
    return [*segments, b""] if draw(st.booleans()) else segments


def settings(examples: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.data_too_large,
        ],
    )


@settings(700)
@hypothesis.given(asked, segmented(responses()))
def test_responses_read_as_by_h11(asked: Asked, segments: list[bytes]) -> None:
    compare(asked, segments)


@settings(700)
@hypothesis.given(asked, segmented(mutated_responses()))
def test_mutated_responses_read_as_by_h11(asked: Asked, segments: list[bytes]) -> None:
    compare(asked, segments)


@settings(300)
@hypothesis.given(
    asked, segmented(st.one_of(st.binary(), st.lists(fragments, max_size=30).map(b"".join)))
)
def test_noise_reads_as_by_h11(asked: Asked, segments: list[bytes]) -> None:
    compare(asked, segments)


PLAIN = {
    "length": (
        b"HTTP/1.1 200 OK\r\nA-b: c d\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    ),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0b\r\n"
        b"hello world\r\n0\r\n\r\n"
    ),
    "close": b"HTTP/1.1 404 Not Found\r\nConnection: keep-alive\r\nServer:x\r\n\r\nabc",
    "interim": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"
    ),
}
TELLING_BYTES = [bytes([byte]) for byte in b"\x00\t\n\x0b\r +,.:;0139ACKaz\x7f\x80\xa0\xff"]


@pytest.mark.parametrize("wire", PLAIN.values(), ids=PLAIN)
def test_plain_responses_are_not_left_to_h11(wire: bytes) -> None:
    assert compare(GET, [wire]).fallback is None
    assert compare(GET, [wire, b""]).fallback is None


@pytest.mark.parametrize("wire", PLAIN.values(), ids=PLAIN)
def test_plain_responses_read_as_by_h11_whatever_byte_is_changed(wire: bytes) -> None:
    for place in range(len(wire) + 1):
        before, after = wire[:place], wire[place:]
        for piece in TELLING_BYTES:
            compare(GET, [before + piece + after])
            compare(GET, [before + piece + after[1:]])
        compare(GET, [before + after[1:], b""])


# -- requests ----------------------------------------------------------------------


def compare_requests(method: bytes, target: bytes, fields: Fields, sizes: list[int]) -> None:
    """Makes one request both ways, and sends a body of such parts."""
    connection = h11.Connection(h11.CLIENT)
    refusal = head = None
    try:
        head = connection.send(h11.Request(method=method, target=target, headers=fields))
    except h11.LocalProtocolError as exc:
        refusal = str(exc)
    if refusal is not None:
        with pytest.raises(LocalProtocolError) as caught:
            RequestWriter(method, target, fields)
        assert str(caught.value) == refusal
        return
    if {b"content-length", b"transfer-encoding"} <= {name.lower() for name, _ in fields}:
        # RFC 9112, section 6.2: forbidden; h11 does not mind.
        with pytest.raises(LocalProtocolError, match="both Content-Length and Transfer"):
            RequestWriter(method, target, fields)
        return
    writer = RequestWriter(method, target, fields)
    assert writer.head == head
    assert writer.method == method
    assert writer.expects_continue == connection.client_is_waiting_for_100_continue
    compare_bodies(writer, connection, sizes)
    if connection.our_state in (h11.DONE, h11.MUST_CLOSE):
        assert writer.asks_to_close == (connection.our_state is h11.MUST_CLOSE)


def compare_bodies(writer: RequestWriter, connection: h11.Connection, sizes: list[int]) -> None:
    for size in sizes:
        content = bytes(size)
        try:
            framed = connection.send(h11.Data(data=content))
        except h11.LocalProtocolError as exc:
            with pytest.raises(LocalProtocolError, match=str(exc)):
                writer.frame(content)
            return
        assert bytes(writer.frame(content)) == framed
    try:
        end = connection.send(h11.EndOfMessage())
    except h11.LocalProtocolError as exc:
        with pytest.raises(LocalProtocolError, match=str(exc)):
            writer.end()
        return
    assert writer.end() == end


HOST_NAMES = [b"Host", b"host", b"HOST"]

sent_fields = st.sampled_from(
    [
        (b"Accept", b"*/*"),
        (b"User-Agent", b"test/1.0 (x; y)"),
        (b"cookie", b"a=b; c=d"),
        (b"Connection", b"close"),
        (b"connection", b"keep-alive, Close"),
        (b"Connection", b"Upgrade"),
        (b"Upgrade", b"websocket"),
        (b"Expect", b"100-continue"),
        (b"expect", b"something, 100-Continue"),
        (b"Expect", b"else"),
        (b"Content-Length", b"3"),
        (b"content-length", b"3, 3"),
        (b"Content-Length", b"0"),
        (b"Content-Length", b"03"),
        (b"Content-Length", b"+3"),
        (b"Content-Length", b"-1"),
        (b"Content-Length", b""),
        (b"Content-Length", b"00000000000000000003"),
        (b"Content-Length", b"000000000000000000003"),
        (b"Transfer-Encoding", b"chunked"),
        (b"transfer-encoding", b"Chunked"),
        (b"Transfer-Encoding", b"gzip"),
        (b"X-Empty", b""),
        (b"X-Spaces", b" a"),
        (b"X-Spaces", b"a "),
        (b"X-Tab", b"a\tb"),
        (b"X-Latin", b"caf\xe9"),
        (b"X-Control", b"a\x01\x7fb"),
        (b"X-Split", b"a\r\nX-More: b"),
        (b"X-Split", b"a\nb"),
        (b"X-Split", b"a\rb"),
        (b"X-Nul", b"\x00"),
        (b"X: y\r\nX", b"z"),
        (b"X Y", b"z"),
        (b"", b"z"),
    ]
)
tokens = st.one_of(st.sampled_from([b"X-A", b"x", b"a b", b"a\r\n"]), st.binary(max_size=4))
hosts = st.sampled_from(HOST_NAMES).map(lambda name: (name, b"example.com"))
header_lists = st.builds(
    lambda host, rest, more: [*host, *rest, *more],
    st.lists(hosts, min_size=1, max_size=1),
    st.lists(sent_fields, max_size=5),
    st.lists(st.one_of(hosts, st.tuples(tokens, st.binary(max_size=4))), max_size=1),
)
methods = st.one_of(
    st.sampled_from([b"GET", b"POST", b"CONNECT", b"get", b"M-SEARCH"]), st.binary(max_size=4)
)
targets = st.one_of(
    st.sampled_from([b"/", b"*", b"/a?b#c", b"http://a/", b"/a b", b"/\xe9", b"/\r\n", b""]),
    st.binary(max_size=4),
)
part_sizes = st.lists(st.integers(0, 20), max_size=4)


@settings(700)
@hypothesis.given(methods, targets, header_lists | header_lists.map(sorted), part_sizes)
def test_requests_are_written_as_by_h11(
    method: bytes, target: bytes, fields: Fields, sizes: list[int]
) -> None:
    compare_requests(method, target, fields, sizes)


@settings(300)
@hypothesis.given(header_lists | header_lists.map(sorted), part_sizes)
def test_header_lists_are_written_as_by_h11(fields: Fields, sizes: list[int]) -> None:
    compare_requests(b"POST", b"/", fields, sizes)


EVERY_BYTE = [bytes([byte]) for byte in range(256)]


@pytest.mark.parametrize("changed", ["method", "target", "name", "value"])
def test_requests_are_written_as_by_h11_whatever_byte_is_added(changed: str) -> None:
    parts = {"method": b"GET", "target": b"/a?b", "name": b"X-Ab", "value": b"a b"}
    sound = parts[changed]
    for place, byte in itertools.product(range(len(sound) + 1), EVERY_BYTE):
        parts[changed] = sound[:place] + byte + sound[place:]
        fields = [HOST, (parts["name"], parts["value"]), (b"Accept", b"*/*")]
        compare_requests(parts["method"], parts["target"], fields, [])
