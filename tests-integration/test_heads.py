"""Heads of requests and responses: what is sent, what is taken, what is refused.

Reading and writing them has no colour: one async colour stands for all.
"""

import socket

import pytest
from colours import OpenPool
from peers.messages import head, reply
from peers.scripted import Conversation, Script
from peers.starting import StartPeer

import httpcore

pytestmark = pytest.mark.colours("blocking", "asyncio", reason="heads have no colour")


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


def sends(response: bytes) -> Script:
    """A script that answers every request with these bytes, and then closes."""

    def script(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(response)

    return script


# Requests


def test_host_comes_first_and_names_the_port(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    open_pool().request("GET", peer.url("/a?b"), headers=[(b"X-First", b"1")])
    request = peer.requests[0]
    assert request.target == b"/a?b"
    assert request.headers[0] == (b"Host", b"127.0.0.1:%d" % peer.port)


def test_host_of_the_caller_is_left_alone(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    open_pool().request(
        "GET", peer.url(), headers=[(b"X-First", b"1"), (b"host", b"elsewhere")]
    )
    assert sorted(peer.requests[0].headers) == [(b"X-First", b"1"), (b"host", b"elsewhere")]


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_address_literal_keeps_its_brackets_in_host(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    try:
        peer = start_peer(answers, host="::1")
    except OSError:
        pytest.skip("::1 cannot be listened on here")
    assert open_pool().request("GET", peer.url()).content == b"ok"
    assert peer.requests[0].header(b"host") == b"[::1]:%d" % peer.port


def test_header_names_keep_their_case_in_both_directions(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(sends(head(200, b"X-cAsE: Kept", b"x-low: too", b"Content-Length: 0")))
    response = open_pool().request("GET", peer.url(), headers=[(b"x-MiXeD", b"1")])
    assert (b"x-MiXeD", b"1") in peer.requests[0].headers
    assert response.headers[:2] == [(b"X-cAsE", b"Kept"), (b"x-low", b"too")]


@pytest.mark.parametrize("target", [b"*", b"//double//slash", b"/a b".replace(b" ", b"%20")])
def test_target_extension_replaces_the_target_only(
    start_peer: StartPeer, open_pool: OpenPool, target: bytes
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    pool.request("OPTIONS", peer.url("/ignored"), extensions={"target": target})
    assert peer.requests[0].target == target
    assert peer.requests[0].header(b"host") == b"127.0.0.1:%d" % peer.port


def test_path_of_two_slashes_is_a_path(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    open_pool().request("GET", peer.url("//evil.test/x"))
    assert peer.requests[0].target == b"//evil.test/x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X-Evil", b"a\r\nX-Injected: 1"),
        (b"X-Evil", b"a\nX-Injected: 1"),
        (b"X-Evil", b"a\x00"),
        (b"X Evil", b"a"),
        (b"X-Evil:", b"a"),
        (b"X-Evil\r\nX-Injected", b"a"),
        (b"", b"a"),
    ],
)
def test_header_that_would_split_the_request_is_never_written(
    start_peer: StartPeer, open_pool: OpenPool, name: bytes, value: bytes
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    with pytest.raises(httpcore.LocalProtocolError):
        pool.request("GET", peer.url(), headers=[(name, value)])
    assert pool.request("GET", peer.url()).content == b"ok"
    assert [request.target for request in peer.requests] == [b"/"]
    assert not any(b"X-Injected" in conn.received for conn in peer.connections)


def test_illegal_header_value_is_named(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    # Dependents match this message.
    with pytest.raises(httpcore.LocalProtocolError, match=r"Illegal header value b'\\x00'"):
        open_pool().request("GET", peer.url(), headers=[(b"X-Evil", b"\x00")])


@pytest.mark.parametrize("method", ["GE T", "GET\r\nX-Injected: 1", "", "GET\x00"])
def test_method_that_would_split_the_request_is_never_written(
    start_peer: StartPeer, open_pool: OpenPool, method: str
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    with pytest.raises((httpcore.LocalProtocolError, ValueError)):
        pool.request(method, peer.url())
    assert pool.request("GET", peer.url()).content == b"ok"
    assert len(peer.requests) == 1


@pytest.mark.parametrize("target", [b"/a b", b"/a\r\nX-Injected: 1", b"/\x00", b"/\n", b""])
def test_target_that_would_split_the_request_is_never_written(
    start_peer: StartPeer, open_pool: OpenPool, target: bytes
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    with pytest.raises((httpcore.LocalProtocolError, ValueError)):
        pool.request("GET", peer.url(), extensions={"target": target})
    assert pool.request("GET", peer.url()).content == b"ok"
    assert len(peer.requests) == 1


# Responses


def long_head(size: int, lines: int) -> bytes:
    """A head whose header lines have `size` bytes together."""
    line = b"X-Long: " + b"v" * (size // lines - 10)
    return head(200, *[line] * lines, b"Content-Length: 2") + b"ok"


@pytest.mark.parametrize("lines", [1, 60])
def test_head_of_90_kilobytes_is_taken(
    start_peer: StartPeer, open_pool: OpenPool, lines: int
) -> None:
    peer = start_peer(sends(long_head(90_000, lines)))
    response = open_pool().request("GET", peer.url())
    assert response.content == b"ok"
    assert sum(len(name + value) for name, value in response.headers) > 88_000


@pytest.mark.parametrize("lines", [1, 60])
def test_head_of_110_kilobytes_is_refused(
    start_peer: StartPeer, open_pool: OpenPool, lines: int
) -> None:
    peer = start_peer(sends(long_head(110_000, lines)))
    pool = open_pool()
    with pytest.raises(httpcore.RemoteProtocolError):
        pool.request("GET", peer.url())
    assert pool.connections == []


def test_head_without_an_end_is_given_up(start_peer: StartPeer, open_pool: OpenPool) -> None:
    def endless(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(b"HTTP/1.1 200 OK\r\n")
        conn.send_until_gone(b"X-More: and more\r\n" * 500)

    peer = start_peer(endless)
    with pytest.raises(httpcore.RemoteProtocolError):
        open_pool().request("GET", peer.url())


@pytest.mark.parametrize(
    ("response", "status", "reason"),
    [
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b""),
        (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, b""),
        (b"HTTP/1.1 299 So So\r\nContent-Length: 2\r\n\r\nok", 299, b"So So"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length:2\r\n\r\nok", 200, b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length:   2  \r\n\r\nok", 200, b"OK"),
        (b"HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok", 200, b"OK"),
        (b"HTTP/1.1 200 OK\r\nX-Bytes: \xe4\xff\r\nContent-Length: 2\r\n\r\nok", 200, b"OK"),
        (b"HTTP/1.1 200 OK\r\nX-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\nok", 200, b"OK"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nCONTENT-LENGTH: 2\r\n\r\nok", 200, b"OK"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"OK"),
    ],
)
@pytest.mark.parametrize("singly", [False, True], ids=["whole", "byte by byte"])
def test_odd_but_legal_heads_are_taken(
    start_peer: StartPeer,
    open_pool: OpenPool,
    response: bytes,
    status: int,
    reason: bytes,
    singly: bool,
) -> None:
    def script(conn: Conversation) -> None:
        conn.receive_request()
        (conn.send_singly if singly else conn.send)(response)

    answer = open_pool().request("GET", start_peer(script).url())
    assert (answer.status, answer.content) == (status, b"ok")
    assert answer.extensions["reason_phrase"] == reason
    assert answer.extensions["http_version"] == response[:8]


@pytest.mark.parametrize(
    "response",
    [
        b"\x16\x03\x01 not HTTP at all\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/3.7 200 OK\r\nContent-Length: 2\r\n\r\nok"[5:],
        b"<html>hello</html>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname : 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Null: \x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(
    start_peer: StartPeer, open_pool: OpenPool, response: bytes
) -> None:
    peer = start_peer(sends(response), answers)
    pool = open_pool()
    with pytest.raises(httpcore.RemoteProtocolError):
        pool.request("GET", peer.url())
    assert pool.connections == []
    assert pool.request("GET", peer.url()).content == b"ok"
