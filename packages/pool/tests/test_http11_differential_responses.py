"""The fast lane beside h11 alone: nobody may be able to tell them apart.

Both read the same bytes in the same segments. Where the product is stricter on
purpose, or says what h11 does not, the reference is told so here, in `in_our_words`
and `may_continue_by_h11`, and nowhere else.
"""

import dataclasses
import re
import typing

import h11
import hypothesis
import hypothesis.strategies as st
import pytest
from example_settings import settings
from generated_responses import fragments, mutated_responses, responses, segmented

from httpcore_interface import RemoteProtocolError
from httpcore_pool._protocol.http11 import Head, RequestWriter, ResponseReader

pytestmark = pytest.mark.exhaustive

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
                account.message = in_our_words(
                    str(exc), account, connection, is_by_proxy=asked.method == b"CONNECT"
                )
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


def in_our_words(
    message: str, account: Account, connection: h11.Connection, *, is_by_proxy: bool
) -> str:
    """Returns what the product says where h11 says `message`."""
    if message.startswith("malformed chunk footer"):
        # h11 quotes what is left of the footer in this segment.
        return "malformed chunk footer"
    # What h11 quotes may be secret.
    if is_by_proxy or re.search("cookie|authorization", message.lower()):
        message = message.partition(": bytearray(b")[0].partition(": b'")[0]
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
    reference = read_with_h11(asked, segments)
    if account.end == "switched" and reference.message in FRAMING_FAULTS:
        # RFC 9110, section 9.3.6: to be ignored; h11 minds.
        assert asked.method == b"CONNECT"
        assert 200 <= account.heads[-1][1] <= 299
        return reader
    assert account == reference
    return reader


FRAMING_FAULTS = (
    "bad Content-Length",
    "conflicting Content-Length headers",
    "multiple Transfer-Encoding headers",
    "Only Transfer-Encoding: chunked is supported",
)


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
