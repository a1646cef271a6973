"""Bodies of requests: how they are framed, and what is refused."""

import collections.abc
import ssl

import pytest
from colours import OpenPool
from peers.deadlines import Stopwatch
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

SIZE = 64_000_000


def answers(conn: Conversation) -> None:
    for request in conn.each_request():
        conn.send(reply(request.body))


def pieces() -> collections.abc.Iterator[bytes]:
    yield b"one, "
    yield b""
    yield b"two"


def test_bytes_are_sent_with_their_length(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    assert open_pool().request("POST", peer.url(), content=b"one, two").content == b"one, two"
    assert peer.requests[0].header(b"content-length") == b"8"
    assert peer.requests[0].header(b"transfer-encoding") is None


def test_pieces_are_sent_in_chunks(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    assert open_pool().request("POST", peer.url(), content=pieces()).content == b"one, two"
    assert peer.requests[0].is_chunked
    assert peer.requests[0].header(b"content-length") is None


def test_pieces_of_an_announced_length_are_sent_as_they_are(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    headers = [(b"Content-Length", b"8")]
    response = open_pool().request("POST", peer.url(), headers=headers, content=pieces())
    assert response.content == b"one, two"
    assert not peer.requests[0].is_chunked


@pytest.mark.parametrize("content", [b"", iter([])])
def test_empty_body_is_a_body(
    start_peer: StartPeer, open_pool: OpenPool, content: collections.abc.Iterator[bytes]
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    for _ in range(2):
        assert pool.request("POST", peer.url(), content=content).content == b""
    assert peer.accepted == 1


def test_request_without_content_announces_none(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    open_pool().request("GET", peer.url())
    assert peer.requests[0].header(b"content-length") is None
    assert peer.requests[0].header(b"transfer-encoding") is None


@pytest.mark.parametrize("announced", [0, 7, 9])
def test_body_of_another_length_is_refused_before_it_is_sent(
    start_peer: StartPeer, open_pool: OpenPool, announced: int
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    headers = [(b"Content-Length", b"%d" % announced)]
    with pytest.raises(httpcore.LocalProtocolError):
        pool.request("POST", peer.url(), headers=headers, content=b"one, two")
    assert pool.request("GET", peer.url()).status == 200
    assert [request.method for request in peer.requests] == [b"GET"]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_large_body_in_one_piece_is_not_copied_again_and_again(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext, tls: bool
) -> None:
    def takes(conn: Conversation) -> None:
        conn.discard(conn.receive_head().content_length)
        conn.send(reply(b"taken"))

    peer = start_peer(takes, tls=tls)
    pool = open_pool(ssl_context=ssl_context)
    watch = Stopwatch()
    assert pool.request("PUT", peer.url(), content=b"u" * SIZE).content == b"taken"
    # Copying what is left after each write would take a minute.
    assert watch.seconds < 8


@pytest.mark.colours("blocking", reason="the reverse is refused by the pool's own tests")
def test_blocking_pool_refuses_an_async_body(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    async def body() -> collections.abc.AsyncIterator[bytes]:
        yield b"never"

    peer = start_peer(answers)
    pool = open_pool()
    with pytest.raises((TypeError, RuntimeError)):
        # The type is wrong, too.
        pool.request("POST", peer.url(), content=body())  # type: ignore[arg-type]
    assert len(pool._requests) == 0
    assert pool.request("GET", peer.url()).status == 200


@pytest.mark.parametrize("scheme", ["ftp", "about", ""])
def test_scheme_that_nobody_speaks(open_pool: OpenPool, scheme: str) -> None:
    pool = open_pool()
    with pytest.raises(httpcore.UnsupportedProtocol):
        pool.request("GET", f"{scheme}://localhost/")
    assert len(pool._requests) == 0
