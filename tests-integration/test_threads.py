"""One pool, many threads, and a garbage collector that comes at the worst moment."""

import gc
import threading
import typing

import pytest
from backends import WatchedBackend
from colours import OpenPool, Pool, Response
from peers.deadlines import Signal, wait_until
from peers.hypercorn import Hypercorn
from peers.messages import head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer
from peers.workers import Worker, run_together

import httpcore

HOST = [(b"Host", b"localhost")]


def answers(conn: Conversation) -> None:
    for request in conn.each_request():
        conn.send(reply(request.target))


def half_answers(conn: Conversation) -> None:
    """Sends half a body and waits for the end; without a body where none is due."""
    conn.receive_request()
    conn.send(head(200, b"Content-Length: 10") + b"half.")
    conn.wait_eof()


def test_fifty_threads_share_ten_connections(hypercorn: Hypercorn, open_pool: OpenPool) -> None:
    pool = open_pool(max_connections=10)

    def get(number: int) -> int:
        for count in range(30):
            size = number * 100 + count
            response = pool.request("GET", f"{hypercorn.plain}/bytes/{size}")
            assert response.content == b"x" * size
        return 30

    assert sum(run_together(50, get)) == 1500
    stats = pool.stats()
    assert stats.opened - stats.closed == stats.idle <= 10
    assert (stats.requests_active, stats.requests_queued) == (0, 0)
    assert stats.opened < 200


def test_each_thread_gets_its_own_answer(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    pool = open_pool(max_connections=3)

    def get(number: int) -> None:
        for count in range(150):
            target = f"/{number}/{count}"
            assert pool.request("GET", peer.url(target)).content == target.encode()

    run_together(8, get)
    assert peer.accepted <= 3


def test_threads_and_origins_beyond_every_limit(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peers = [start_peer(answers) for _ in range(4)]
    pool = open_pool(
        max_connections=3,
        max_keepalive_connections=1,
        keepalive_expiry=0.001,
        max_connections_per_origin=2,
    )

    def get(number: int) -> None:
        for count in range(40):
            peer = peers[(number + count) % 4]
            assert pool.request("GET", peer.url("/x")).content == b"/x"
            assert len(pool.connections) <= 3

    run_together(12, get)
    assert len(pool._requests) == 0


@pytest.mark.colours("blocking", reason="no other task runs between the assignment and the use")
def test_idle_connection_is_not_closed_once_it_is_assigned(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    ours, other = start_peer(answers), start_peer(answers)
    armed = Signal("the connection is assigned")

    def while_assigned() -> None:
        if armed.is_set() or not pool.stats().reused:
            return
        armed.set()
        # A whole request of someone else's, which makes the pool look for what
        # is to be closed: the limit of idle connections is reached.
        worker = Worker(lambda: pool.request("GET", other.url("/other")).content)
        assert worker.result() == b"/other"

    backend = WatchedBackend(before_look=while_assigned)
    pool = open_pool(max_connections=2, max_keepalive_connections=1, network_backend=backend)
    pool.request("GET", ours.url())
    assert pool.request("GET", ours.url("/mine")).content == b"/mine"
    assert armed.is_set()
    assert (ours.accepted, other.accepted) == (1, 1)


class Cycle:
    """Holds a response, and itself: only the collector finds it."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.pieces = iter(response.iter_stream())
        self.myself = self
        assert next(self.pieces) == b"half."


def abandon(pool: Pool, url: str) -> None:
    Cycle(pool.handle_request(httpcore.Request("GET", url, headers=HOST)))


@pytest.fixture
def collector_waits() -> typing.Iterator[None]:
    """Leaves it to the test when garbage is collected."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("collector_waits")
def test_response_collected_while_a_connection_is_made(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    abandoned, healthy = start_peer(half_answers), start_peer(answers)
    pool = open_pool(max_connections=2, before_create=gc.collect)
    for _ in range(5):
        abandon(pool, abandoned.url())
        worker = Worker(lambda: pool.request("GET", healthy.url("/x")).content)
        assert worker.result() == b"/x"
    assert pool.stats().requests_active == 0
    assert len(pool._requests) == 0


@pytest.mark.usefixtures("collector_waits")
def test_response_collected_while_another_request_connects(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    abandoned, healthy = start_peer(half_answers), start_peer(answers)
    backend = WatchedBackend(before_connect=gc.collect)
    pool = open_pool(max_connections=2, max_keepalive_connections=0, network_backend=backend)
    for _ in range(5):
        abandon(pool, abandoned.url())
        worker = Worker(lambda: pool.request("GET", healthy.url("/x")).content)
        assert worker.result() == b"/x"
    assert pool.stats().requests_active == 0


@pytest.mark.usefixtures("collector_waits")
def test_response_collected_while_others_wait_frees_its_slot_for_them(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    abandoned, healthy = start_peer(half_answers), start_peer(answers)
    pool = open_pool(max_connections=1)
    abandon(pool, abandoned.url())
    waiting = Worker(lambda: pool.request("GET", healthy.url("/x")).content)
    wait_until(lambda: pool.stats().requests_queued == 1, "a request waits")
    gc.collect()
    assert waiting.result() == b"/x"


@pytest.mark.usefixtures("collector_waits")
def test_response_collected_while_the_pool_is_asked_about_itself(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(half_answers)
    pool = open_pool(max_connections=4)
    for _ in range(4):
        abandon(pool, peer.url())
    gc.collect()
    assert pool.stats().requests_active == 0
    assert repr(pool) == (
        f"<{open_pool.prefix}ConnectionPool "
        "[Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>"
    )


def test_threads_that_abandon_responses_under_a_busy_collector(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    abandoned, healthy = start_peer(half_answers), start_peer(answers)
    pool = open_pool(max_connections=4)
    thresholds = gc.get_threshold()
    # The collector comes all the time, in the middle of everything.
    gc.set_threshold(20)

    def work(_number: int) -> None:
        for _ in range(10):
            abandon(pool, abandoned.url())
            gc.collect()
            assert pool.request("GET", healthy.url("/x")).content == b"/x"

    try:
        run_together(6, work)
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    assert pool.stats().requests_active == 0


def test_pool_that_is_closed_under_many_threads(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool(max_connections=5)
    begun = threading.Barrier(11)

    def get(_number: int) -> int:
        begun.wait(10)
        for count in range(10_000):
            try:
                assert pool.request("GET", peer.url("/x")).content == b"/x"
            except (httpcore.NetworkError, httpcore.RemoteProtocolError, RuntimeError):
                return count
        raise AssertionError("closing the pool was not noticed")

    def close() -> list[int]:
        begun.wait(10)
        wait_until(lambda: pool.stats().reused > 200, "requests are under way")
        pool.close()
        return []

    closer = Worker(close)
    run_together(10, get)
    closer.result()
    assert (pool.connections, len(pool._requests)) == ([], 0)


def test_thread_that_reads_a_response_of_another(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool(max_connections=1)
    for _ in range(3):
        with pool.stream("GET", peer.url("/x")) as response:
            assert Worker(response.read).result() == b"/x"
    assert threading.active_count() < 50
    assert peer.accepted == 1
