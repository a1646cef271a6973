"""One task that does several things with a pool, cancelled at any of them.

Within one scope, everything that follows the cancellation is cancelled, too, on trio
even what cleans up: leaving the blocks, closing the response and the pool.
"""

import collections.abc
import functools

import pytest
from driving import HOST, URL_A, URL_B, URL_TLS, Driver, head, plain_context, reply
from driving_async import AsyncDriver
from event_loops import Cancelled, Guard, Loop
from injected_faults import cancellations_of
from scenarios import whole
from script_steps import Give, Serve, TakeBytes, TakeRequest
from scripted import Network

from httpcore_interface import AsyncNetworkStream
from httpcore_pool import AsyncConnectionPool, AsyncHTTPConnection, Origin, Request

pytestmark = pytest.mark.exhaustive

Scenario = collections.abc.Callable[
    [AsyncConnectionPool, Network, Loop], collections.abc.Coroutine[object, None, None]
]

REQUEST = [(b"Host", HOST)]
ANSWER = reply(b"0123456789")


def play_in_parts(network: Network) -> None:
    network.play(
        TakeRequest(), Give(ANSWER[:-6]), Give(ANSWER[-6:-3]), Give(ANSWER[-3:]), Serve(whole)
    )


async def streamed(pool: AsyncConnectionPool, network: Network, loop: Loop) -> None:
    play_in_parts(network)
    async with pool.stream("GET", URL_A) as response:
        received = [chunk async for chunk in response.aiter_stream()]
    assert received == [b"0123", b"456", b"789"]


async def left_early(pool: AsyncConnectionPool, network: Network, loop: Loop) -> None:
    play_in_parts(network)
    async with pool.stream("GET", URL_A) as response:
        async for _ in response.aiter_stream():
            break


async def closed_while_open(pool: AsyncConnectionPool, network: Network, loop: Loop) -> None:
    play_in_parts(network)
    async with pool, pool.stream("GET", URL_A):
        await pool.request("GET", URL_B)
    async with pool:
        await pool.request("GET", URL_TLS)


async def not_in_a_block(pool: AsyncConnectionPool, network: Network, loop: Loop) -> None:
    play_in_parts(network)
    response = await pool.handle_async_request(Request("GET", URL_A, headers=REQUEST))
    try:
        async for _ in response.aiter_stream():
            await loop.checkpoint()
    finally:
        await response.aclose()


async def never_closed(pool: AsyncConnectionPool, network: Network, loop: Loop) -> None:
    play_in_parts(network)
    response = await pool.handle_async_request(Request("GET", URL_A, headers=REQUEST))
    async for _ in response.aiter_stream():
        await loop.checkpoint()


async def upgraded(pool: AsyncConnectionPool, network: Network, loop: Loop) -> None:
    fields = ((b"Connection", b"Upgrade"), (b"Upgrade", b"echo"))
    network.play(
        TakeRequest(),
        Give(head(b"101 Switching Protocols", *fields) + b"welcome"),
        TakeBytes(4),
        Give(b"pong"),
    )
    async with pool.stream("GET", URL_A, headers=[*REQUEST, *fields]) as response:
        stream: object = response.extensions["network_stream"]
        assert isinstance(stream, AsyncNetworkStream)
        assert await stream.read(100) == b"welcome"
        await stream.write(b"ping")
        assert await stream.read(100) == b"pong"


async def in_generator(pool: AsyncConnectionPool, network: Network, loop: Loop) -> None:
    async def parts() -> collections.abc.AsyncGenerator[bytes, None]:
        async with pool.stream("GET", URL_A) as response:
            async for chunk in response.aiter_stream():
                yield chunk

    play_in_parts(network)
    generator = parts()
    try:
        assert [part async for part in generator] == [b"0123", b"456", b"789"]
    finally:
        await generator.aclose()


async def after_another(pool: AsyncConnectionPool, network: Network, loop: Loop) -> None:
    network.serve(whole)
    for url in (URL_A, URL_A, URL_B, URL_TLS):
        async with pool.stream("GET", url) as response:
            await response.aread()
        await loop.checkpoint()


SCENARIOS = [
    streamed,
    left_early,
    closed_while_open,
    not_in_a_block,
    never_closed,
    upgraded,
    in_generator,
    after_another,
]


def begin(driver: AsyncDriver) -> tuple[Network, AsyncConnectionPool]:
    network = driver.renew_network()
    network.serve(whole)
    pool = driver.pool(max_connections=2, ssl_context=plain_context()).face
    assert isinstance(pool, AsyncConnectionPool)
    return network, pool


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.__name__))
def test_task_that_is_cancelled_anywhere_leaves_nothing(
    driver: Driver, way: Guard, scenario: Scenario
) -> None:
    assert isinstance(driver, AsyncDriver)
    loop = driver.loop
    network, pool = begin(driver)
    loop.run(lambda: scenario(pool, network, loop), way)
    operations = list(network.operations)
    assert len(operations) >= 4
    for fault in cancellations_of(operations):
        network, pool = begin(driver)
        network.fault = fault
        try:
            with pytest.raises(Cancelled):
                loop.run(functools.partial(scenario, pool, network, loop), way)
            network.fault = None
            assert_whole(network, pool, loop)
        except BaseException as exc:
            exc.add_note(f"after {fault} ({operations[fault.at]} of {operations})")
            raise


def assert_whole(network: Network, pool: AsyncConnectionPool, loop: Loop) -> None:
    assert not network.complaints
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued) == (0, 0), repr(pool)
    assert stats.dialling + stats.reserved + stats.active == 0, repr(pool)
    assert len(pool.connections) == stats.idle
    network.forget_scripts()
    network.serve(whole)

    async def again() -> None:
        async with pool:
            for url in (URL_A, URL_B, URL_TLS):
                response = await pool.request("GET", url)
                assert response.content == b"as good as new /"
            assert len(network.open_connections) == pool.stats().idle

    for connection in network.open_connections:
        assert not connection.inbox
        connection.steps[:] = [Serve(whole)]
    loop.run(again)
    assert not network.open_connections


@pytest.mark.parametrize("steps", ["request", "stream", "block"])
def test_connection_without_a_pool_is_closed_when_its_task_is_cancelled(
    driver: Driver, way: Guard, steps: str
) -> None:
    assert isinstance(driver, AsyncDriver)
    loop = driver.loop

    async def main(connection: AsyncHTTPConnection) -> None:
        if steps == "request":
            await connection.request("GET", URL_TLS)
        elif steps == "stream":
            async with connection.stream("GET", URL_TLS) as response:
                await response.aread()
        else:
            async with connection:
                await connection.request("GET", URL_TLS)

    def begin() -> tuple[Network, AsyncHTTPConnection]:
        network = driver.renew_network()
        network.serve(whole)
        face = driver.connection(Origin(b"https", HOST, 443), ssl_context=plain_context()).face
        assert isinstance(face, AsyncHTTPConnection)
        return network, face

    network, connection = begin()
    loop.run(lambda: main(connection), way)
    for fault in cancellations_of(list(network.operations)):
        network, connection = begin()
        network.fault = fault
        with pytest.raises(Cancelled):
            loop.run(functools.partial(main, connection), way)
        network.fault = None
        assert connection.is_closed()
        assert not network.open_connections
