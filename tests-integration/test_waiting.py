"""Requests that find no connection free wait for one: in turn, and not for ever."""

import socket
import typing

import pytest
from colours import OpenPool, Pool
from peers.deadlines import Signal, Stopwatch, wait_until
from peers.messages import head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer
from peers.workers import Worker, outcomes_together, run_together

import httpcore


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


class SlowServer:
    """A script that answers every request after some seconds, or once it is allowed to."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, conn: Conversation) -> None:
        for _ in conn.each_request():
            # Nothing else comes meanwhile: it is a way to let time pass.
            conn.is_silent(self._seconds)
            conn.send(reply(b"ok"))


class GatedServer:
    """A script that answers no request before the gate is open."""

    def __init__(self) -> None:
        self.gate = Signal("the test has opened the gate")

    def __call__(self, conn: Conversation) -> None:
        for _ in conn.each_request():
            self.gate.wait()
            conn.send(reply(b"ok"))


def queued(pool: Pool, count: int) -> None:
    wait_until(lambda: pool.stats().requests_queued == count, f"{count} requests wait")


def bound(work: typing.Callable[[str], bytes], url: str) -> typing.Callable[[], bytes]:
    return lambda: work(url)


def test_pool_timeout_is_one_deadline_for_the_whole_wait(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(SlowServer(0.3))
    pool = open_pool(max_connections=1)

    def get(_number: int) -> float:
        watch = Stopwatch()
        try:
            pool.request("GET", peer.url(), extensions={"timeout": {"pool": 1.0}})
        except httpcore.PoolTimeout:
            return watch.seconds
        return 0.0

    waits = [seconds for seconds in run_together(8, get) if seconds]
    # Three are through by then, and a fourth has begun; fewer on a slow machine.
    assert 4 <= len(waits) <= 6
    assert all(0.97 < seconds < 2.5 for seconds in waits)
    assert len(pool._requests) == 0
    assert pool.request("GET", peer.url()).content == b"ok"


def test_freed_connection_goes_to_the_request_that_waits_longest(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    server = GatedServer()
    peer = start_peer(server)
    pool = open_pool(max_connections=1)

    def get(url: str) -> bytes:
        return pool.request("GET", url).content

    workers = [Worker(bound(get, peer.url("/0")))]
    wait_until(lambda: len(peer.requests) == 1, "the first request has come")
    for number in range(1, 12):
        workers.append(Worker(bound(get, peer.url(f"/{number}"))))
        queued(pool, number)
    server.gate.set()
    assert [worker.result() for worker in workers] == [b"ok"] * 12
    assert [request.target for request in peer.requests] == [
        b"/%d" % number for number in range(12)
    ]
    assert peer.accepted == 1


def test_request_that_gave_up_waiting_leaves_the_queue(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    server = GatedServer()
    peer = start_peer(server)
    pool = open_pool(max_connections=1)
    first = Worker(lambda: pool.request("GET", peer.url()).content)
    wait_until(lambda: len(peer.requests) == 1, "the first request has come")
    with pytest.raises(httpcore.PoolTimeout):
        pool.request("GET", peer.url(), extensions={"timeout": {"pool": 0.05}})
    assert len(pool._requests) == 1
    assert pool.stats().requests_queued == 0
    server.gate.set()
    assert first.result() == b"ok"
    assert len(pool._requests) == 0


def test_request_that_gave_up_does_not_keep_the_next_one_waiting(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    server = GatedServer()
    peer = start_peer(server)
    pool = open_pool(max_connections=1)
    first = Worker(lambda: pool.request("GET", peer.url()).content)
    wait_until(lambda: len(peer.requests) == 1, "the first request has come")
    impatient = Worker(
        lambda: pool.request("GET", peer.url(), extensions={"timeout": {"pool": 0.2}})
    )
    queued(pool, 1)
    patient = Worker(lambda: pool.request("GET", peer.url()).content)
    queued(pool, 2)
    assert isinstance(impatient.error(), httpcore.PoolTimeout)
    server.gate.set()
    assert (first.result(), patient.result()) == (b"ok", b"ok")


@pytest.mark.parametrize("seconds", [float("inf"), None, 1e12])
def test_waiting_without_a_limit_ends_when_a_connection_is_free(
    start_peer: StartPeer, open_pool: OpenPool, seconds: float | None
) -> None:
    server = GatedServer()
    peer = start_peer(server)
    pool = open_pool(max_connections=1)
    timeout = {"timeout": {"pool": seconds}}
    first = Worker(lambda: pool.request("GET", peer.url()).content)
    wait_until(lambda: len(peer.requests) == 1, "the first request has come")
    second = Worker(lambda: pool.request("GET", peer.url(), extensions=timeout).content)
    queued(pool, 1)
    server.gate.set()
    assert (first.result(), second.result()) == (b"ok", b"ok")


@pytest.mark.parametrize("seconds", [0, 0.0])
def test_pool_timeout_of_zero_takes_what_is_free_and_waits_for_nothing(
    start_peer: StartPeer, open_pool: OpenPool, seconds: float
) -> None:
    peer = start_peer(answers)
    pool = open_pool(max_connections=1)
    extensions = {"timeout": {"pool": seconds}}
    for _ in range(2):
        assert pool.request("GET", peer.url(), extensions=extensions).content == b"ok"
    with pool.stream("GET", peer.url()), pytest.raises(httpcore.PoolTimeout):
        pool.request("GET", peer.url(), extensions=extensions)


def never_ends(conn: Conversation) -> None:
    conn.receive_request()
    conn.send(head(200, b"Content-Length: 10") + b"half.")
    conn.wait_eof()


def test_response_that_is_left_early_makes_room_for_who_waits(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    endless, healthy = start_peer(never_ends), start_peer(answers)
    pool = open_pool(max_connections=1)
    with pool.stream("GET", endless.url()):
        waiting = Worker(lambda: pool.request("GET", healthy.url()).content)
        queued(pool, 1)
    assert waiting.result() == b"ok"


def test_request_that_fails_makes_room_for_who_waits(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    endless, healthy = start_peer(never_ends), start_peer(answers)
    pool = open_pool(max_connections=1)
    # Until then the other one has to wait.
    timeout = {"timeout": {"read": 1.5}}
    failing = Worker(lambda: pool.request("GET", endless.url(), extensions=timeout))
    wait_until(lambda: len(endless.requests) == 1, "the first request has come")
    waiting = Worker(lambda: pool.request("GET", healthy.url()).content)
    queued(pool, 1)
    assert isinstance(failing.error(), httpcore.ReadTimeout)
    assert waiting.result() == b"ok"


def test_connection_to_another_origin_makes_room_when_it_is_idle(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    ours, other = start_peer(answers), start_peer(answers)
    pool = open_pool(max_connections=1)
    for peer in (ours, other, ours, other):
        assert pool.request("GET", peer.url()).content == b"ok"
        assert len(pool.connections) == 1
    assert (ours.accepted, other.accepted) == (2, 2)


def test_limit_per_origin_leaves_the_others_alone(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    server = GatedServer()
    ours, other = start_peer(server), start_peer(answers)
    pool = open_pool(max_connections=5, max_connections_per_origin=1)
    workers = [Worker(lambda: pool.request("GET", ours.url()).content) for _ in range(3)]
    queued(pool, 2)
    assert pool.request("GET", other.url()).content == b"ok"
    server.gate.set()
    assert [worker.result() for worker in workers] == [b"ok"] * 3
    assert (ours.accepted, other.accepted) == (1, 1)


@pytest.fixture
def silent_port(no_socket_is_left: None) -> typing.Iterator[int]:
    """A port that takes a few connections, and never accepts one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4)
        yield listener.getsockname()[1]


def test_server_that_never_answers_does_not_poison_the_pool(
    start_peer: StartPeer, open_pool: OpenPool, silent_port: int
) -> None:
    healthy = start_peer(answers)
    pool = open_pool(max_connections=1, max_keepalive_connections=0)
    timeout = {"timeout": {"connect": 0.01, "read": 0.01, "write": 0.01, "pool": 0.01}}

    def hammer(_number: int) -> int:
        timeouts = 0
        for _ in range(10):
            try:
                pool.request("GET", f"http://127.0.0.1:{silent_port}/", extensions=timeout)
            except httpcore.TimeoutException:
                timeouts += 1
        return timeouts

    assert sum(run_together(20, hammer)) == 200
    soon = {"timeout": {"pool": 1.0}}
    assert pool.request("GET", healthy.url(), extensions=soon).content == b"ok"
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued) == (0, 0)
    assert pool.connections == []


def test_failing_connects_leave_nothing_behind(
    start_peer: StartPeer, open_pool: OpenPool, refusing_port: int
) -> None:
    peer = start_peer(answers)
    url = f"http://127.0.0.1:{refusing_port}/"
    pool = open_pool(max_connections=2)
    outcomes = outcomes_together(8, lambda _number: pool.request("GET", url))
    assert all(isinstance(outcome, httpcore.ConnectError) for outcome in outcomes)
    assert (pool.connections, len(pool._requests)) == ([], 0)
    assert pool.request("GET", peer.url()).content == b"ok"
