"""Which connections are kept when their request is over, and for how long."""

import contextlib
import ssl
import threading

import pytest
from colours import OpenPool
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


def let_pass(seconds: float) -> None:
    """Waits for time itself, which is what these connections age by."""
    threading.Event().wait(seconds)


def test_connection_is_reused_and_counted(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    for _ in range(5):
        assert pool.request("GET", peer.url()).content == b"ok"
    stats = pool.stats()
    assert (stats.opened, stats.reused, stats.closed, stats.idle) == (1, 4, 0, 1)
    assert peer.accepted == 1


def test_connection_used_last_is_taken_first(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    with pool.stream("GET", peer.url("/first")) as first:
        with pool.stream("GET", peer.url("/second")) as second:
            second.read()
        first.read()
    for _ in range(3):
        pool.request("GET", peer.url())
    assert [len(conn.requests) for conn in peer.connections] == [4, 1]


def test_limit_of_kept_connections_counts_the_idle_ones(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool(max_keepalive_connections=1)
    with pool.stream("GET", peer.url()), pool.stream("GET", peer.url()):
        pool.request("GET", peer.url())
        # One is idle, which is the limit; the two busy ones are not counted.
        assert (pool.stats().active, pool.stats().idle) == (2, 1)
        pool.request("GET", peer.url())
        assert peer.accepted == 3


def test_connections_beyond_the_limit_are_closed(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool(max_keepalive_connections=2)
    with contextlib.ExitStack() as stack:
        streams = [pool.stream("GET", peer.url()) for _ in range(5)]
        for response in [stack.enter_context(stream) for stream in streams]:
            response.read()
    assert len(pool.connections) == 2


@pytest.mark.parametrize("tls", [False, True])
def test_limit_of_zero_keeps_nothing(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext, tls: bool
) -> None:
    peer = start_peer(answers, tls=tls)
    pool = open_pool(max_keepalive_connections=0, ssl_context=ssl_context)
    for number in range(1, 4):
        assert pool.request("GET", peer.url()).content == b"ok"
        assert (pool.connections, peer.accepted) == ([], number)


@pytest.mark.parametrize("expiry", [0, 0.0, 0.02])
def test_connection_that_was_idle_too_long_is_replaced(
    start_peer: StartPeer, open_pool: OpenPool, expiry: float
) -> None:
    peer = start_peer(answers)
    pool = open_pool(keepalive_expiry=expiry)
    for number in range(1, 4):
        assert pool.request("GET", peer.url()).content == b"ok"
        assert peer.accepted == number
        let_pass(expiry * 2)


def test_connection_within_its_expiry_is_kept(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool(keepalive_expiry=30.0)
    for _ in range(3):
        pool.request("GET", peer.url())
    assert peer.accepted == 1


def test_connection_that_is_too_old_takes_no_more_requests(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool(max_connection_age=0.02)
    for number in range(1, 4):
        assert pool.request("GET", peer.url()).content == b"ok"
        assert peer.accepted == number
        let_pass(0.03)


def test_connection_that_is_young_enough_is_kept(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool(max_connection_age=30.0)
    for _ in range(3):
        pool.request("GET", peer.url())
    assert peer.accepted == 1


def test_expired_connections_of_other_origins_are_closed_some_time(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peers = [start_peer(answers) for _ in range(4)]
    pool = open_pool(max_connections=2, keepalive_expiry=0.01)
    for peer in peers:
        assert pool.request("GET", peer.url()).content == b"ok"
        assert len(pool.connections) <= 2
        let_pass(0.02)
