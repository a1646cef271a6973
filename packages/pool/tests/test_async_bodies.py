"""Bodies in async code: what costs a wait and what does not, and who may read."""

import collections.abc
import gc
import warnings

import pytest
from driving import HOST, URL_A, Driver, head, reply
from driving_async import AsyncDriver
from event_loops import Function
from script_steps import Give, Hang, TakeRequest
from scripted import Network
from scripted_async_backend import AsyncScriptedBackend
from stepped_by_hand import HandPace, finish

from httpcore_interface import ReadError
from httpcore_pool import AsyncConnectionPool, Request, Response

CHUNKED = (
    head(b"200 OK", (b"Transfer-Encoding", b"chunked")) + b"4\r\nbody\r\n" * 50 + b"0\r\n\r\n"
)
ANSWER = reply(b"0123456789")
REQUEST = Request("GET", URL_A, headers=[(b"Host", HOST)])


# -- what is waited for ------------------------------------------------------------------


@pytest.fixture
def hand() -> tuple[Network, AsyncConnectionPool]:
    """A pool whose coroutines are stepped by hand, so that each wait is seen."""
    network = Network(HandPace())
    return network, AsyncConnectionPool(network_backend=AsyncScriptedBackend(network))


Hand = tuple[Network, AsyncConnectionPool]


def test_request_waits_where_the_network_does_and_nowhere_else(hand: Hand) -> None:
    network, pool = hand
    network.answer(reply(b"first"), reply(b"second"))
    # The scripted network: twice in a connect and in a write, once in a read.
    assert finish(pool.request("GET", URL_A))[1] == 2 + 2 + 1
    assert finish(pool.request("GET", URL_A))[1] == 2 + 1


@pytest.mark.parametrize(
    "answer", [reply(b"body"), reply(b""), CHUNKED], ids=["length", "empty", "chunked"]
)
def test_chunks_that_have_come_cost_no_wait(hand: Hand, answer: bytes) -> None:
    network, pool = hand
    network.answer(answer)
    response, _ = finish(pool.handle_async_request(REQUEST))

    async def rest() -> int:
        return len([chunk async for chunk in response.aiter_stream()])

    _, waits = finish(rest())
    assert waits == 0
    assert finish(response.aclose())[1] == 0
    assert pool.stats().idle == 1
    finish(pool.aclose())


@pytest.mark.parametrize(
    ("answer", "body"),
    [(reply(b"body"), b"body"), (reply(b""), b""), (CHUNKED, b"body" * 50)],
    ids=["length", "empty", "chunked"],
)
def test_whole_body_that_has_come_costs_no_wait(hand: Hand, answer: bytes, body: bytes) -> None:
    network, pool = hand
    network.answer(answer)
    response, _ = finish(pool.handle_async_request(REQUEST))
    assert finish(response.aread()) == (body, 0)
    assert response.content == body
    assert finish(response.aread()) == (body, 0)
    assert pool.stats().idle == 1
    finish(pool.aclose())


def test_whole_body_that_ends_its_connection_closes_it(hand: Hand) -> None:
    network, pool = hand
    network.answer(reply(b"body", (b"Connection", b"close")))
    response, _ = finish(pool.handle_async_request(REQUEST))
    assert finish(response.aread())[0] == b"body"
    assert not network.open_connections
    assert pool.connections == []


def test_chunk_that_has_yet_to_come_is_waited_for(hand: Hand) -> None:
    network, pool = hand
    network.play(TakeRequest(), Give(ANSWER[:-5]), Give(ANSWER[-5:-2]), Give(ANSWER[-2:]))
    response, _ = finish(pool.handle_async_request(REQUEST))
    chunks = response.aiter_stream()
    taken = []
    for _ in range(3):
        taken.append(finish(next_chunk(chunks)))
    assert taken == [(b"01234", 0), (b"567", 1), (b"89", 1)]
    assert finish(next_chunk(chunks)) == (None, 0)
    finish(pool.aclose())


async def next_chunk(chunks: collections.abc.AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


# -- who may read ------------------------------------------------------------------------


def test_calls_of_the_other_colour_are_refused(driver: Driver, network: Network) -> None:
    network.answer(ANSWER[:-3])
    response = driver.pool().open("GET").response
    if driver.prefix:
        with pytest.raises(RuntimeError, match="belongs to async code: call 'aread'"):
            response.read()
        with pytest.raises(RuntimeError, match="belongs to async code: call 'aiter_stream'"):
            response.iter_stream()
        with pytest.raises(RuntimeError, match="belongs to async code: call 'aclose'"):
            response.close()
        return
    with pytest.raises(RuntimeError, match="belongs to blocking code: call 'iter_stream'"):
        response.aiter_stream()
    for call, twin in ((response.aread, "read"), (response.aclose, "close")):
        with pytest.raises(RuntimeError, match=f"belongs to blocking code: call '{twin}'"):
            call().send(None)


@pytest.fixture
def face(driver: Driver) -> AsyncConnectionPool:
    face = driver.pool(max_connections=1).face
    assert isinstance(face, AsyncConnectionPool)
    return face


def run(driver: Driver, function: Function[None]) -> None:
    assert isinstance(driver, AsyncDriver)
    driver.loop.run(function)


async_only = pytest.mark.colours("asyncio", "trio", reason="this is about async generators")


async def parts(
    pool: AsyncConnectionPool,
) -> collections.abc.AsyncGenerator[bytes, None]:
    async with pool.stream("GET", URL_A) as response:
        async for chunk in response.aiter_stream():
            yield chunk


@async_only
def test_generator_that_is_closed_gives_its_connection_back(
    driver: Driver, network: Network, face: AsyncConnectionPool
) -> None:
    network.play(TakeRequest(), Give(ANSWER[:-5]))
    network.answer(reply(b"next"))

    async def main() -> None:
        generator = parts(face)
        assert await anext(generator) == b"01234"
        await generator.aclose()
        assert face.connections == []
        assert not network.open_connections
        assert (await face.request("GET", URL_A)).content == b"next"

    run(driver, main)


@pytest.mark.colours("asyncio", reason="trio warns of generators that are collected")
def test_generator_that_is_left_to_the_collector_gives_its_connection_back(
    driver: Driver, network: Network, face: AsyncConnectionPool
) -> None:
    network.play(TakeRequest(), Give(ANSWER[:-5]))
    network.answer(reply(b"next"))

    async def main() -> None:
        assert isinstance(driver, AsyncDriver)
        generator = parts(face)
        assert await anext(generator) == b"01234"
        del generator
        gc.collect()
        assert (await face.request("GET", URL_A)).content == b"next"
        assert len(network.open_connections) == 1

    run(driver, main)


@async_only
def test_response_that_is_left_by_break_can_be_read_on(
    driver: Driver, network: Network, face: AsyncConnectionPool
) -> None:
    """The body is no generator, which would be closed behind the caller's back."""
    network.play(TakeRequest(), Give(ANSWER[:-5]), Give(ANSWER[-5:]))

    async def main() -> None:
        async with face.stream("GET", URL_A) as response:
            async for chunk in response.aiter_stream():
                assert chunk == b"01234"
                break
            gc.collect()
            assert await response.aread() == b"56789"

    run(driver, main)


@async_only
def test_response_that_was_closed_cannot_be_read(
    driver: Driver, network: Network, face: AsyncConnectionPool
) -> None:
    network.play(TakeRequest(), Give(ANSWER[:-5]))

    async def main() -> None:
        async with face.stream("GET", URL_A) as response:
            pass
        with pytest.raises(RuntimeError, match="closed before its body had been read"):
            await response.aread()

    run(driver, main)


@async_only
def test_body_may_be_an_async_generator(
    driver: Driver, network: Network, face: AsyncConnectionPool
) -> None:
    ended: list[str] = []

    async def content() -> collections.abc.AsyncIterator[bytes]:
        try:
            for part in (b"one", b"", b"two"):
                await driver.network.pace.checkpoint()
                yield part
        finally:
            ended.append("ended")

    network.answer(reply(b"thanks"))

    async def main() -> None:
        response = await face.request("POST", URL_A, content=content())
        assert response.content == b"thanks"

    run(driver, main)
    assert network.connections[0].requests[0].body == b"onetwo"
    assert ended == ["ended"]


@async_only
def test_part_that_is_not_bytes_is_refused(
    driver: Driver, network: Network, face: AsyncConnectionPool
) -> None:
    class Parts:
        def __aiter__(self) -> "Parts":
            return self

        async def __anext__(self) -> bytes:
            return None  # type: ignore[return-value]  # that is the point

    network.serve(lambda request: reply(b"fine"))

    async def main() -> None:
        with pytest.raises(TypeError, match="must be made of bytes, but got NoneType"):
            await face.request("POST", URL_A, content=Parts())
        assert (await face.request("GET", URL_A)).content == b"fine"

    run(driver, main)


# -- coroutines --------------------------------------------------------------------------


def test_call_that_is_never_awaited_says_so_and_touches_nothing(hand: Hand) -> None:
    network, pool = hand
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coroutine: object = pool.request("GET", URL_A)
        del coroutine
        gc.collect()
    assert ["was never awaited" in str(warning.message) for warning in caught] == [True]
    assert network.operations == []
    assert pool.stats().requests_active == 0


@async_only
def test_close_ends_a_read_of_another_task(
    driver: Driver, network: Network, face: AsyncConnectionPool
) -> None:
    replies: list[Response] = []

    async def close() -> None:
        await replies[0].aclose()

    async def main() -> None:
        async with face.stream("GET", URL_A) as response:
            replies.append(response)
            assert isinstance(driver, AsyncDriver)
            driver.loop.run_soon(close)
            with pytest.raises(ReadError):
                await response.aread()

    network.play(TakeRequest(), Give(ANSWER[:-5]), Hang())
    run(driver, main)
    assert face.connections == []
