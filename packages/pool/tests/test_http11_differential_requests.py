"""Requests written beside those of h11: nobody may be able to tell them apart."""

import itertools

import h11
import hypothesis
import hypothesis.strategies as st
import pytest
from example_settings import settings

from httpcore_interface import LocalProtocolError
from httpcore_pool._protocol.http11 import RequestWriter

pytestmark = pytest.mark.exhaustive

Fields = list[tuple[bytes, bytes]]

HOST = (b"Host", b"example.com")


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
