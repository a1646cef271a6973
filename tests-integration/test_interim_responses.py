"""Interim responses (1xx) come before the one that counts; 100 answers an expectation."""

import collections.abc

import pytest
from colours import OpenPool
from peers.deadlines import Signal, Stopwatch
from peers.messages import head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

EXPECTING = [(b"Expect", b"100-continue")]


@pytest.mark.parametrize("in_one_segment", [True, False])
@pytest.mark.parametrize("statuses", [(100,), (102,), (103,), (100, 102, 103), (103,) * 20])
def test_interim_responses_are_passed_over(
    start_peer: StartPeer,
    open_pool: OpenPool,
    statuses: tuple[int, ...],
    in_one_segment: bool,
) -> None:
    def script(conn: Conversation) -> None:
        for _ in conn.each_request():
            parts = [head(status, b"Link: </style.css>; rel=preload") for status in statuses]
            parts.append(reply(b"at last"))
            for part in [b"".join(parts)] if in_one_segment else parts:
                conn.send(part)

    peer = start_peer(script)
    pool = open_pool()
    for _ in range(2):
        response = pool.request("GET", peer.url())
        assert (response.status, response.content) == (200, b"at last")
        assert b"Link" not in dict(response.headers)
    assert peer.accepted == 1


def test_interim_responses_that_end_in_nothing_are_an_error(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def script(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(head(103))

    peer = start_peer(script)
    pool = open_pool()
    with pytest.raises(httpcore.RemoteProtocolError):
        pool.request("GET", peer.url())
    assert pool.connections == []


def test_body_waits_until_the_server_says_continue(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def script(conn: Conversation) -> None:
        request = conn.receive_head()
        assert request.header(b"expect") == b"100-continue"
        assert conn.is_silent(0.1)
        conn.send(head(100))
        assert conn.receive_body(request).body == b"the body"
        conn.send(reply(b"thanks"))

    peer = start_peer(script)
    response = open_pool().request("PUT", peer.url(), headers=EXPECTING, content=b"the body")
    assert response.content == b"thanks"


@pytest.mark.parametrize("status", [417, 401, 200])
def test_body_stays_here_when_the_server_answers_instead(
    start_peer: StartPeer, open_pool: OpenPool, status: int
) -> None:
    discarded: list[int] = []
    gone = Signal("the client has closed the connection")

    def script(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(reply(b"no need", status, b"Connection: close"))
        discarded.append(conn.wait_eof())
        gone.set()

    def body() -> collections.abc.Iterator[bytes]:
        raise AssertionError("nobody wants the body")
        yield b""

    peer = start_peer(script)
    headers = [*EXPECTING, (b"Content-Length", b"10")]
    response = open_pool().request("PUT", peer.url(), headers=headers, content=body())
    assert (response.status, response.content) == (status, b"no need")
    gone.wait()
    assert discarded == [0]


@pytest.mark.colours("blocking", "asyncio", "trio", reason="each waits for a second")
def test_body_follows_after_a_second_without_an_answer(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def script(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(b"never heard of it"))

    peer = start_peer(script)
    watch = Stopwatch()
    response = open_pool().request("PUT", peer.url(), headers=EXPECTING, content=b"the body")
    assert response.content == b"never heard of it"
    assert peer.requests[0].body == b"the body"
    assert 0.5 < watch.seconds < 3
