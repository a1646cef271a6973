"""Coroutines that nobody resumes: thrown away at any moment, they leave nothing behind.

They must not wait, as a closed coroutine cannot; and the pool must be as good as new.
"""

import collections.abc

import pytest
from driving import URL_A, URL_B, URL_TLS, plain_context, reply
from scripted import Network
from scripted_async_backend import AsyncScriptedBackend
from stepped_by_hand import HandPace, finish, step

from httpcore_pool import AsyncConnectionPool

pytestmark = pytest.mark.exhaustive

LARGE = bytes(300_000)

Scenario = collections.abc.Callable[
    [AsyncConnectionPool], collections.abc.Coroutine[object, None, None]
]


async def request(pool: AsyncConnectionPool) -> None:
    assert (await pool.request("GET", URL_A)).content == b"/"


async def reused(pool: AsyncConnectionPool) -> None:
    await pool.request("GET", URL_A)
    await pool.request("GET", URL_A)


async def https(pool: AsyncConnectionPool) -> None:
    await pool.request("GET", URL_TLS)


async def upload(pool: AsyncConnectionPool) -> None:
    await pool.request("PUT", URL_A, content=LARGE)


async def chunked_upload(pool: AsyncConnectionPool) -> None:
    async def body() -> collections.abc.AsyncGenerator[bytes, None]:
        yield b"one"
        yield b"two"

    content = body()
    try:
        await pool.request("POST", URL_A, content=content)
    finally:
        # The generator is the caller's, and so is its end.
        finish(content.aclose())


async def streamed(pool: AsyncConnectionPool) -> None:
    async with pool.stream("GET", URL_A) as response:
        async for chunk in response.aiter_stream():
            assert chunk


async def left_early(pool: AsyncConnectionPool) -> None:
    async with pool.stream("GET", URL_A) as response:
        assert response.status == 200


async def eviction(pool: AsyncConnectionPool) -> None:
    await pool.request("GET", URL_A)
    await pool.request("GET", URL_B)


async def pool_block(pool: AsyncConnectionPool) -> None:
    async with pool:
        await pool.request("GET", URL_A)


async def traced(pool: AsyncConnectionPool) -> None:
    async def trace(name: str, info: dict[str, object]) -> None:
        await HandPace().checkpoint()

    await pool.request("GET", URL_A, extensions={"trace": trace})


SCENARIOS: list[Scenario] = [
    request,
    reused,
    https,
    upload,
    chunked_upload,
    streamed,
    left_early,
    eviction,
    pool_block,
    traced,
]


def begin() -> tuple[Network, AsyncConnectionPool]:
    network = Network(HandPace())
    network.serve(lambda request: reply(request.target))
    pool = AsyncConnectionPool(
        ssl_context=plain_context(),
        max_connections=1,
        network_backend=AsyncScriptedBackend(network),
    )
    return network, pool


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.__name__))
def test_coroutine_that_is_closed_anywhere_leaves_nothing(scenario: Scenario) -> None:
    _, pool = begin()
    _, count = finish(scenario(pool))
    assert count > 4
    for steps in range(1, count + 1):
        network, pool = begin()
        coroutine = scenario(pool)
        step(coroutine, steps)
        # Raises RuntimeError if it waits for anything on its way out.
        coroutine.close()
        stats = pool.stats()
        assert (stats.requests_active, stats.requests_queued) == (0, 0)
        assert stats.dialling + stats.reserved + stats.active == 0
        assert len(network.open_connections) == stats.idle
        pool._core.reopen()
        response, _ = finish(pool.request("GET", URL_A))
        assert response.content == b"/"
        finish(pool.aclose())
