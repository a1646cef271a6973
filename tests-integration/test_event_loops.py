"""One pool under several event loops: after each other, and in threads at once.

A connection belongs to the loop that made it. Those of a loop that has ended are
dropped by the next request from another one, and their sockets closed.
"""

import asyncio
import collections.abc
import contextlib
import ssl
import sys
import threading
import typing

import anyio
import fresh_loops
import pytest
from colours import ASYNC_COLOURS
from fresh_loops import run
from peers.deadlines import Signal, wait_until
from peers.messages import head, reply
from peers.scripted import Conversation, ScriptedPeer
from peers.starting import StartPeer
from peers.workers import Worker

import httpcore

# uvloop says so of every connection that a loop leaves behind; made an exception in the
# midst of its closing, that would leave the loop half closed.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed resource <TCPTransport:ResourceWarning"
)

LIBRARIES = ["asyncio", "trio"] if sys.platform == "win32" else ["asyncio", "uvloop", "trio"]
each_colour = pytest.mark.parametrize("name", ASYNC_COLOURS)
# The pool finds out by itself what is running.
each_pair = pytest.mark.parametrize("first", LIBRARIES)
each_pair_of = pytest.mark.parametrize("second", LIBRARIES)
# What a response of a loop that has ended may raise.
GONE = (httpcore.NetworkError, httpcore.RemoteProtocolError, RuntimeError)


def answers(conn: Conversation) -> None:
    for request in conn.each_request():
        conn.send(reply(request.target))


def half_answers(conn: Conversation) -> None:
    conn.receive_request()
    conn.send(head(200, b"Content-Length: 10") + b"half.")
    conn.wait_eof()


class Open(typing.Protocol):
    """Makes a pool."""

    def __call__(
        self,
        *,
        max_connections: int = 10,
        ssl_context: ssl.SSLContext | None = None,
        network_backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> httpcore.AsyncConnectionPool: ...


@pytest.fixture
def open_once() -> collections.abc.Iterator[Open]:
    """Makes pools that are closed in a loop of their own when the test ends."""
    pools: list[httpcore.AsyncConnectionPool] = []

    def make(
        *,
        max_connections: int = 10,
        ssl_context: ssl.SSLContext | None = None,
        network_backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> httpcore.AsyncConnectionPool:
        pool = httpcore.AsyncConnectionPool(
            max_connections=max_connections,
            ssl_context=ssl_context,
            network_backend=network_backend,
        )
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        run("asyncio", pool.aclose)


async def get(pool: httpcore.AsyncConnectionPool, peer: ScriptedPeer, target: str) -> None:
    response = await pool.request("GET", peer.url(target))
    assert response.content == target.encode()


async def get_at_once(
    pool: httpcore.AsyncConnectionPool, peer: ScriptedPeer, count: int
) -> None:
    """Leaves `count` idle connections."""
    async with contextlib.AsyncExitStack() as stack:
        streams = [pool.stream("GET", peer.url(f"/{number}")) for number in range(count)]
        for response in [await stack.enter_async_context(stream) for stream in streams]:
            await response.aread()


@each_colour
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_connections_of_a_loop_that_ended_are_closed_and_replaced(
    start_peer: StartPeer, open_once: Open, ssl_context: ssl.SSLContext, name: str, tls: bool
) -> None:
    colour = ASYNC_COLOURS[name]
    gone = 0

    def counts(conn: Conversation) -> None:
        nonlocal gone
        answers(conn)
        gone += 1

    async def hold() -> None:
        async with contextlib.AsyncExitStack() as stack:
            for number in range(3):
                url = peer.url(f"/{number}")
                await stack.enter_async_context(pool.stream("GET", url))

    async def again() -> None:
        await get(pool, peer, "/again")
        await fresh_loops.wait_until(lambda: gone == 3, "the old connections are closed")

    peer = start_peer(counts, tls=tls)
    pool = open_once(network_backend=colour.make_backend(), ssl_context=ssl_context)
    run(colour.library, hold)
    assert pool.stats().idle == 3
    run(colour.library, again)
    stats = pool.stats()
    assert (stats.opened, stats.closed, stats.idle) == (4, 3, 1)
    assert (stats.requests_active, stats.requests_queued) == (0, 0)
    assert peer.accepted == 4


@each_pair
@each_pair_of
def test_loop_of_another_library_may_follow(
    start_peer: StartPeer, open_once: Open, first: str, second: str
) -> None:
    peer = start_peer(answers)
    pool = open_once(max_connections=2)
    for library in (first, second, first):
        run(library, lambda: get_at_once(pool, peer, 2))
        assert pool.stats().idle == 2
    assert peer.accepted == 6
    # uvloop closes the last two together with itself.
    wait_until(lambda: peer.open_ends <= 2, "the connections of the first two are closed")


@pytest.mark.parametrize("name", ["asyncio", "anyio-asyncio"])
def test_loop_that_runs_again_keeps_its_connections(
    start_peer: StartPeer, open_once: Open, name: str
) -> None:
    peer = start_peer(answers)
    pool = open_once(network_backend=ASYNC_COLOURS[name].make_backend())
    with asyncio.Runner() as runner:
        for _ in range(3):
            runner.run(get(pool, peer, "/x"))
        runner.run(pool.aclose())
    assert peer.accepted == 1


@each_pair
@each_pair_of
def test_pool_can_be_closed_in_another_loop_than_it_was_used_in(
    start_peer: StartPeer, first: str, second: str
) -> None:
    peer = start_peer(answers)
    pool = httpcore.AsyncConnectionPool()
    run(first, lambda: get_at_once(pool, peer, 2))
    run(second, pool.aclose)
    wait_until(lambda: peer.open_ends == 0, "all connections are closed")
    assert pool.connections == []


@each_colour
def test_response_that_outlives_its_loop_disturbs_nobody(
    start_peer: StartPeer, open_once: Open, name: str
) -> None:
    colour = ASYNC_COLOURS[name]
    halves, healthy = start_peer(half_answers), start_peer(answers)
    pool = open_once(network_backend=colour.make_backend(), max_connections=1)

    async def begin() -> httpcore.Response:
        request = httpcore.Request("GET", halves.url(), headers=[(b"Host", b"localhost")])
        return await pool.handle_async_request(request)

    response = run(colour.library, begin)

    async def go_on() -> None:
        # The one connection that is allowed was the dead loop's.
        await get(pool, healthy, "/x")
        with pytest.raises(GONE):
            await response.aread()
        await response.aclose()
        await get(pool, healthy, "/y")

    run(colour.library, go_on)
    assert healthy.accepted == 1
    assert pool.stats().requests_active == 0


@each_colour
def test_loop_may_end_with_requests_under_way(
    start_peer: StartPeer, open_once: Open, name: str
) -> None:
    colour = ASYNC_COLOURS[name]
    halves, healthy = start_peer(half_answers), start_peer(answers)
    pool = open_once(network_backend=colour.make_backend(), max_connections=2)

    async def leave() -> None:
        async def read() -> None:
            await pool.request("GET", halves.url())

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(read)
            await fresh_loops.wait_until(lambda: len(halves.requests) == 2, "two read")
            await fresh_loops.wait_until(
                lambda: pool.stats().requests_queued == 3, "three wait"
            )
            tasks.cancel_scope.cancel()

    run(colour.library, leave)
    assert (pool.connections, len(pool._requests)) == ([], 0)
    run(colour.library, lambda: get(pool, healthy, "/x"))


# -- at once ---------------------------------------------------------------------


@each_pair
@each_pair_of
def test_loops_in_two_threads_share_a_pool(
    start_peer: StartPeer, open_once: Open, first: str, second: str
) -> None:
    peer = start_peer(answers)
    pool = open_once(max_connections=4)
    together = threading.Barrier(2)

    async def use(name: str) -> None:
        async def get_many(number: int) -> None:
            for count in range(15):
                await get(pool, peer, f"/{name}/{number}/{count}")

        await anyio.to_thread.run_sync(together.wait, 10.0)
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(get_many, number)
        # As long as the other one needs it.
        await anyio.to_thread.run_sync(together.wait, 10.0)

    workers = [
        Worker(lambda: run(first, lambda: use("first"))),
        Worker(lambda: run(second, lambda: use("second"))),
    ]
    for worker in workers:
        worker.result(30)
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued) == (0, 0)
    assert stats.opened - stats.closed == stats.idle <= 4
    assert stats.opened + stats.reused == 120


@each_pair
@each_pair_of
def test_connection_that_one_loop_gives_up_makes_room_for_another_ones_request(
    start_peer: StartPeer, open_once: Open, first: str, second: str
) -> None:
    peer = start_peer(answers)
    pool = open_once(max_connections=1)
    is_held, is_over = Signal("the first loop has the connection"), Signal("the test is over")

    async def hold() -> None:
        async with pool.stream("GET", peer.url("/held")) as response:
            is_held.set()
            await fresh_loops.wait_until(
                lambda: pool.stats().requests_queued == 1, "the other loop waits"
            )
            assert await response.aread() == b"/held"
        # The loop goes on: what is the other one's now, was closed in it.
        await anyio.to_thread.run_sync(is_over.wait)

    holding = Worker(lambda: run(first, hold))
    is_held.wait()
    Worker(lambda: run(second, lambda: get(pool, peer, "/other"))).result()
    is_over.set()
    holding.result()
    assert peer.accepted == 2
    assert [len(conn.requests) for conn in peer.connections] == [1, 1]


@pytest.mark.parametrize("name", ASYNC_COLOURS)
@each_pair_of
def test_closing_in_one_loop_ends_what_another_one_does(
    start_peer: StartPeer, name: str, second: str
) -> None:
    colour = ASYNC_COLOURS[name]
    peer = start_peer(half_answers)
    pool = httpcore.AsyncConnectionPool(
        max_connections=1, network_backend=colour.make_backend()
    )

    async def read() -> None:
        await pool.request("GET", peer.url())

    workers = [Worker(lambda: run(colour.library, read)) for _ in range(2)]
    wait_until(lambda: pool.stats().requests_queued == 1, "one request waits")
    wait_until(lambda: len(peer.requests) == 1, "one request is under way")
    run(second, pool.aclose)
    for worker in workers:
        error = worker.error()
        assert isinstance(error, GONE), repr(error)
    assert (pool.connections, len(pool._requests)) == ([], 0)
