"""Requests that are cancelled on real sockets, at every stage and in every way.

At once afterwards the books of the pool are clean; whoever waited has the place; and
the connection is closed, by the request itself and not by the garbage collector.
"""

import collections.abc
import contextlib

import anyio
import fresh_loops
import pytest
from cancel_ways import WAYS
from cancelled_stages import (
    Stage,
    Stages,
    answers,
    answers_in_part,
    assert_clean,
    get,
    trusting_nobody,
)
from colours import ASYNC_COLOURS, UVLOOP, AsyncColour
from open_sockets import open_sockets
from peers.blackhole import Blackhole
from peers.deadlines import Signal
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

each_way = pytest.mark.parametrize(
    ("name", "way"),
    [(name, way) for name, colour in ASYNC_COLOURS.items() for way in WAYS[colour.library]],
)
# Where it makes no difference to the pool: the library's own, and anyio's.
some_ways = pytest.mark.parametrize(
    ("name", "way"),
    [
        (name, way)
        for name, colour in ASYNC_COLOURS.items()
        for way in WAYS[colour.library]
        if way in {"task", "scope", "anyio"}
    ],
)
each_colour = pytest.mark.parametrize("name", ASYNC_COLOURS)
each_stage = pytest.mark.parametrize("stage", Stages.names, indirect=True)

SOON = {"timeout": {"connect": 5.0, "read": 5.0, "pool": 5.0}}


@pytest.fixture
def stage(request: pytest.FixtureRequest, start_peer: StartPeer, blackhole: Blackhole) -> Stage:
    return Stages(start_peer, blackhole)(request.param)


def make_pool(colour: AsyncColour, max_connections: int = 1) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=trusting_nobody(),
        network_backend=colour.make_backend(),
        max_connections=max_connections,
    )


@pytest.mark.usefixtures("collector_waits")
@each_way
@each_stage
def test_cancelled_request_leaves_nothing(
    start_peer: StartPeer, stage: Stage, name: str, way: str
) -> None:
    healthy, colour = start_peer(answers), ASYNC_COLOURS[name]

    async def main() -> None:
        before = len(open_sockets())
        async with make_pool(colour) as pool:
            is_cancelled = await WAYS[colour.library][way](
                lambda: stage.send(pool, stage.url),
                lambda: fresh_loops.wait_until(lambda: stage.is_reached(pool), "it hangs"),
            )
            assert is_cancelled
            assert_clean(pool)
            assert pool.connections == []
            stage.release()
            await fresh_loops.wait_until(lambda: stage.is_gone, "the peer notices")
            await fresh_loops.wait_until(
                lambda: len(open_sockets()) == before, "the socket is closed"
            )
            response = await pool.request("GET", healthy.url(), extensions=SOON)
            assert response.content == b"ok"

    fresh_loops.run(colour.library, main)


@some_ways
@each_stage
def test_cancelled_request_makes_room_for_who_waits(
    start_peer: StartPeer, stage: Stage, name: str, way: str
) -> None:
    healthy, colour = start_peer(answers), ASYNC_COLOURS[name]

    async def main() -> None:
        is_cancelled: list[bool] = []

        async def be_cancelled() -> None:
            is_cancelled.append(
                await WAYS[colour.library][way](
                    lambda: stage.send(pool, stage.url),
                    lambda: fresh_loops.wait_until(
                        lambda: stage.is_reached(pool) and pool.stats().requests_queued == 2,
                        "it hangs, and two wait",
                    ),
                )
            )

        async with make_pool(colour) as pool:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(be_cancelled)
                await fresh_loops.wait_until(lambda: stage.is_reached(pool), "it hangs")
                for _ in range(2):
                    tasks.start_soon(get, pool, healthy.url())
            assert is_cancelled == [True]
            assert_clean(pool)
            stage.release()

    fresh_loops.run(colour.library, main)
    assert healthy.accepted == 1
    assert len(healthy.requests) == 2


@each_way
def test_request_that_is_cancelled_while_it_waits_leaves_the_queue(
    start_peer: StartPeer, name: str, way: str
) -> None:
    peer, colour = start_peer(answers), ASYNC_COLOURS[name]

    async def main() -> None:
        async with make_pool(colour) as pool:
            async with pool.stream("GET", peer.url("/first")) as response:
                is_cancelled = await WAYS[colour.library][way](
                    lambda: get(pool, peer.url("/cancelled")),
                    lambda: fresh_loops.wait_until(
                        lambda: pool.stats().requests_queued == 1, "it waits"
                    ),
                )
                assert is_cancelled
                assert (pool.stats().requests_active, pool.stats().requests_queued) == (1, 0)
                await response.aread()
            await get(pool, peer.url("/last"))
            assert_clean(pool)

    fresh_loops.run(colour.library, main)
    assert [request.target for request in peer.requests] == [b"/first", b"/last"]
    assert peer.accepted == 1


@each_way
def test_request_that_is_cancelled_as_it_gets_a_place_passes_it_on(
    start_peer: StartPeer, name: str, way: str
) -> None:
    peer, colour = start_peer(answers), ASYNC_COLOURS[name]

    async def main() -> None:
        is_over = False

        async def let_go_and_cancel() -> None:
            nonlocal is_over
            await fresh_loops.wait_until(
                lambda: pool.stats().requests_queued == 2, "two requests wait"
            )
            # The whole response is there: this gives the connection to who waits, and
            # lets nobody run before that one is cancelled.
            await first.aread()
            is_over = True

        async def patient() -> None:
            await fresh_loops.wait_until(
                lambda: pool.stats().requests_queued == 1, "the other one waits"
            )
            await get(pool, peer.url("/patient"))

        async with make_pool(colour) as pool:
            request = httpcore.Request("GET", peer.url("/first"), headers=HOST)
            first = await pool.handle_async_request(request)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(patient)
                await WAYS[colour.library][way](
                    lambda: get(pool, peer.url("/impatient")), let_go_and_cancel
                )
            assert is_over
            assert_clean(pool)
            assert pool.stats().idle <= 1

    fresh_loops.run(colour.library, main)
    assert b"/patient" in {request.target for request in peer.requests}


HOST = [(b"Host", b"localhost")]


@each_colour
def test_closing_closes_although_the_task_is_cancelled(
    start_peer: StartPeer, name: str
) -> None:
    colour = ASYNC_COLOURS[name]
    peer, halves = start_peer(answers), start_peer(answers_in_part)

    async def main() -> None:
        pool = make_pool(colour, max_connections=5)
        before = len(open_sockets())
        async with contextlib.AsyncExitStack() as stack:
            streams = [pool.stream("GET", peer.url()) for _ in range(3)]
            for response in [await stack.enter_async_context(stream) for stream in streams]:
                await response.aread()
        context = pool.stream("GET", halves.url())
        await context.__aenter__()
        assert (pool.stats().active, pool.stats().idle) == (1, 3)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await context.__aexit__(None, None, None)
        assert (pool.stats().active, pool.stats().idle) == (0, 3)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pool.aclose()
        assert pool.connections == []
        await fresh_loops.wait_until(
            lambda: peer.open_ends == halves.open_ends == 0, "the peers notice"
        )
        await fresh_loops.wait_until(lambda: len(open_sockets()) == before, "all is closed")

    fresh_loops.run(colour.library, main)


@each_colour
def test_generator_that_is_closed_in_the_midst_of_a_response(
    start_peer: StartPeer, name: str
) -> None:
    peer, colour = start_peer(answers_in_part), ASYNC_COLOURS[name]

    async def main() -> None:
        async def pieces() -> collections.abc.AsyncGenerator[bytes, None]:
            async with pool.stream("GET", peer.url()) as response:
                async for piece in response.aiter_stream():
                    yield piece

        async with make_pool(colour) as pool:
            for _ in range(3):
                generator = pieces()
                assert await anext(generator) == b"half."
                assert pool.stats().active == 1
                await generator.aclose()
                assert_clean(pool)
                assert pool.connections == []
            await fresh_loops.wait_until(lambda: peer.open_ends == 0, "the peer notices")

    fresh_loops.run(colour.library, main)


# trio warns of every generator that is abandoned.
@pytest.mark.parametrize("name", ["asyncio", *UVLOOP, "anyio-asyncio"])
def test_generator_that_is_abandoned_in_the_midst_of_a_response(
    start_peer: StartPeer, name: str
) -> None:
    peer, colour = start_peer(answers_in_part), ASYNC_COLOURS[name]

    async def main() -> None:
        async def pieces() -> collections.abc.AsyncGenerator[bytes, None]:
            async with pool.stream("GET", peer.url()) as response:
                async for piece in response.aiter_stream():
                    yield piece

        async with make_pool(colour) as pool:
            for _ in range(3):
                generator = pieces()
                await anext(generator)
                # asyncio closes it in a task of its own.
                del generator
            await fresh_loops.wait_until(lambda: pool.connections == [], "all are closed")
            assert_clean(pool)

    fresh_loops.run(colour.library, main)


@each_colour
def test_response_that_is_abandoned_makes_room_for_who_waits(
    start_peer: StartPeer, name: str
) -> None:
    halves, healthy = start_peer(answers_in_part), start_peer(answers)
    colour = ASYNC_COLOURS[name]

    async def main() -> None:
        async with make_pool(colour) as pool:
            request = httpcore.Request("GET", halves.url(), headers=HOST)
            response = await pool.handle_async_request(request)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(get, pool, healthy.url())
                await fresh_loops.wait_until(
                    lambda: pool.stats().requests_queued == 1, "a request waits"
                )
                del response
            assert_clean(pool)
            await fresh_loops.wait_until(lambda: halves.open_ends == 0, "the peer notices")

    fresh_loops.run(colour.library, main)


@each_way
def test_many_requests_cancelled_together_again_and_again(
    start_peer: StartPeer, name: str, way: str
) -> None:
    colour = ASYNC_COLOURS[name]
    is_over = Signal("the test is over")

    def answers_some(conn: Conversation) -> None:
        for request in conn.each_request():
            # The others hang.
            if int(request.target[1:]) % 4 or is_over.is_set():
                conn.send(reply(request.target))

    peer = start_peer(answers_some)

    async def send_all(pool: httpcore.AsyncConnectionPool) -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(get, pool, peer.url(f"/{number}"))

    async def main() -> None:
        async with make_pool(colour, max_connections=5) as pool:
            for _ in range(5):
                is_cancelled = await WAYS[colour.library][way](
                    lambda: send_all(pool),
                    lambda: fresh_loops.wait_until(
                        lambda: pool.stats().active == 5, "all that can hang do"
                    ),
                )
                assert is_cancelled
                assert_clean(pool)
                response = await pool.request("GET", peer.url("/1"), extensions=SOON)
                assert response.content == b"/1"
            is_over.set()
            await send_all(pool)
            assert_clean(pool)
            assert pool.stats().idle <= 5

    fresh_loops.run(colour.library, main)
