"""Closing a pool: whoever waits or reads gets an error at once, and nothing stays open."""

import ssl

import pytest
from colours import OpenPool
from peers.blackhole import Blackhole
from peers.deadlines import Signal, Stopwatch, wait_until
from peers.messages import head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer
from peers.workers import Worker

import httpcore

# What ended by closing must end so soon.
AT_ONCE = 2.0


def keeps_silent(conn: Conversation) -> None:
    conn.wait_eof()


def test_close_closes_idle_connections(start_peer: StartPeer, open_pool: OpenPool) -> None:
    gone = Signal("the client has closed the connection")

    def script(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.send(reply(b"ok"))
        gone.set()

    peer = start_peer(script)
    pool = open_pool()
    pool.request("GET", peer.url())
    pool.close()
    gone.wait()
    assert pool.connections == []
    pool.close()


def test_closed_pool_makes_no_connections(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(keeps_silent)
    pool = open_pool()
    pool.close()
    with pytest.raises((httpcore.NetworkError, RuntimeError), match="clos"):
        pool.request("GET", peer.url())
    assert (peer.accepted, len(pool._requests)) == (0, 0)


def test_close_ends_requests_that_wait_for_a_connection(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(keeps_silent)
    pool = open_pool(max_connections=1)
    workers = [Worker(lambda: pool.request("GET", peer.url())) for _ in range(5)]
    wait_until(lambda: pool.stats().requests_queued == 4, "four requests wait")
    wait_until(lambda: peer.accepted == 1, "one request is under way")
    watch = Stopwatch()
    pool.close()
    errors = [worker.error() for worker in workers]
    assert watch.seconds < AT_ONCE
    for error in errors:
        assert isinstance(error, httpcore.NetworkError | RuntimeError)
        assert "clos" in str(error)
    assert (pool.connections, len(pool._requests), peer.accepted) == ([], 0, 1)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    "response",
    [
        pytest.param(b"", id="head"),
        pytest.param(head(200, b"Content-Length: 10") + b"half", id="body"),
    ],
)
def test_close_ends_reads_in_other_threads(
    start_peer: StartPeer,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
    response: bytes,
    tls: bool,
) -> None:
    asked = Signal("the request has come")

    def answers_in_part(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(response)
        asked.set()
        conn.wait_eof()

    peer = start_peer(answers_in_part, tls=tls)
    pool = open_pool(ssl_context=ssl_context)
    reader = Worker(lambda: pool.request("GET", peer.url()))
    asked.wait()
    watch = Stopwatch()
    pool.close()
    error = reader.error()
    assert watch.seconds < AT_ONCE
    assert isinstance(error, httpcore.NetworkError | httpcore.RemoteProtocolError)
    assert str(error)
    assert pool.connections == []


def test_close_ends_writes_in_other_threads(start_peer: StartPeer, open_pool: OpenPool) -> None:
    asked, over = Signal("the request has come"), Signal("the test is over")

    def does_not_read(conn: Conversation) -> None:
        conn.receive_head()
        asked.set()
        over.wait()
        conn.wait_eof()

    peer = start_peer(does_not_read)
    pool = open_pool()
    writer = Worker(lambda: pool.request("POST", peer.url(), content=b"w" * 30_000_000))
    asked.wait()
    watch = Stopwatch()
    pool.close()
    error = writer.error()
    assert watch.seconds < AT_ONCE
    over.set()
    assert isinstance(error, httpcore.NetworkError | httpcore.RemoteProtocolError)


def test_close_ends_connecting_in_other_threads(
    open_pool: OpenPool, blackhole: Blackhole
) -> None:
    pool = open_pool()
    connecting = Worker(lambda: pool.request("GET", f"http://127.0.0.1:{blackhole.port}/"))
    wait_until(lambda: pool.stats().dialling == 1, "the request connects")
    watch = Stopwatch()
    pool.close()
    assert isinstance(connecting.error(), httpcore.NetworkError | RuntimeError)
    assert watch.seconds < AT_ONCE
    assert (pool.connections, len(pool._requests)) == ([], 0)


def test_close_ends_handshakes_in_other_threads(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(keeps_silent)
    pool = open_pool(ssl_context=ssl_context)
    connecting = Worker(lambda: pool.request("GET", peer.url(scheme="https")))
    wait_until(lambda: peer.accepted == 1, "the handshake is under way")
    watch = Stopwatch()
    pool.close()
    assert isinstance(connecting.error(), httpcore.NetworkError | RuntimeError)
    assert watch.seconds < AT_ONCE
    assert (pool.connections, len(pool._requests)) == ([], 0)


def test_close_ends_pauses_between_attempts_to_connect(
    open_pool: OpenPool, refusing_port: int
) -> None:
    pool = open_pool(retries=50)
    connecting = Worker(lambda: pool.request("GET", f"http://127.0.0.1:{refusing_port}/"))
    wait_until(lambda: pool.stats().dialling == 1, "the request connects")
    pool.close()
    # The pause that is under way is short; the later ones would not be.
    assert isinstance(connecting.error(AT_ONCE), httpcore.NetworkError | RuntimeError)
    assert (pool.connections, len(pool._requests)) == ([], 0)


def test_leaving_the_with_block_closes(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(keeps_silent)
    with open_pool() as pool:
        reader = Worker(lambda: pool.request("GET", peer.url()))
        wait_until(lambda: peer.accepted == 1, "the request is under way")
    assert isinstance(reader.error(), Exception)
    assert pool.connections == []


def test_response_of_a_closed_pool_can_still_be_closed(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def answers_in_part(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(head(200, b"Content-Length: 10") + b"half")
        conn.wait_eof()

    peer = start_peer(answers_in_part)
    pool = open_pool()
    with pool.stream("GET", peer.url()) as response:
        pool.close()
        with pytest.raises((httpcore.NetworkError, httpcore.RemoteProtocolError)):
            response.read()
    assert (pool.connections, len(pool._requests)) == ([], 0)
