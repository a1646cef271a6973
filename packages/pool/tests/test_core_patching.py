"""`handle_request` and its async twin: the one door, which programs put their own in."""

import asyncio
import collections.abc
import inspect

import pytest
from driving import URL_A, Driver, reply
from scripted import Network

from httpcore_pool import (
    AsyncConnectionPool,
    AsyncHTTP2Connection,
    AsyncHTTP11Connection,
    AsyncHTTPConnection,
    AsyncRequestInterface,
    ConnectionPool,
    HTTP2Connection,
    HTTP11Connection,
    HTTPConnection,
    Request,
    RequestInterface,
    Response,
)

Method = collections.abc.Callable[[object, Request], object]
Patch = collections.abc.Callable[[Request], Response | None]


@pytest.fixture(params=["class", "instance"])
def patched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> object:
    """Puts something before `handle_request` on a pool's class, or on one pool."""

    def patch(pool: ConnectionPool | AsyncConnectionPool, before: Patch) -> None:
        target = pool if request.param == "instance" else type(pool)
        if isinstance(pool, ConnectionPool):
            handle = ConnectionPool.handle_request

            def handle_request(request: Request) -> Response:
                return before(request) or handle(pool, request=request)

            monkeypatch.setattr(target, "handle_request", bound(handle_request, target))
        else:
            handle_async = AsyncConnectionPool.handle_async_request

            async def handle_async_request(request: Request) -> Response:
                return before(request) or await handle_async(pool, request=request)

            mine = bound(handle_async_request, target)
            monkeypatch.setattr(target, "handle_async_request", mine)

    return patch


def bound(
    function: collections.abc.Callable[[Request], object], target: object
) -> collections.abc.Callable[[Request], object] | Method:
    if not isinstance(target, type):
        return function
    return lambda self, request: function(request)


PatchPool = collections.abc.Callable[[object, Patch], None]


def test_request_and_stream_go_through_handle_request(
    driver: Driver, network: Network, patched: PatchPool
) -> None:
    handled: list[Request] = []
    network.serve(lambda request: reply(request.target))
    pool = driver.pool()
    patched(pool.face, handled.append)
    pool.request("GET", URL_A + "1")
    with pool.stream("GET", URL_A + "2") as response:
        assert response.read() == b"/2"
    assert [request.url.target for request in handled] == [b"/1", b"/2"]


def test_patched_handle_request_answers_for_the_pool(
    driver: Driver, network: Network, patched: PatchPool
) -> None:
    pool = driver.pool()
    patched(pool.face, lambda request: Response(418, content=b"patched"))
    response = pool.request("GET", URL_A)
    assert (response.status, response.body) == (418, b"patched")
    with pool.stream("GET", URL_A) as streamed:
        assert streamed.next_chunk() == b"patched"
        assert streamed.next_chunk() is None
        assert streamed.read() == b"patched"
    assert network.operations == []


EVERY = [
    pytest.param(of, name, id=of.__name__)
    for name, kinds in {
        "handle_request": [
            ConnectionPool,
            HTTPConnection,
            HTTP2Connection,
            HTTP11Connection,
        ],
        "handle_async_request": [
            AsyncConnectionPool,
            AsyncHTTPConnection,
            AsyncHTTP2Connection,
            AsyncHTTP11Connection,
            AsyncRequestInterface,
        ],
    }.items()
    for of in kinds
]


@pytest.mark.parametrize(("of", "name"), EVERY)
def test_handle_request_is_what_mocking_tools_look_for(of: type, name: str) -> None:
    handle = getattr(of, name)
    assert list(inspect.signature(handle).parameters) == ["self", "request"]
    assert inspect.iscoroutinefunction(handle) == ("async" in name)


def test_request_interface_needs_one_method_only() -> None:
    class Echo(RequestInterface):
        def handle_request(self, request: Request) -> Response:
            return Response(200, content=request.method + b" " + bytes(request.url))

    response = Echo().request("GET", "http://example.test/")
    assert response.content == b"GET http://example.test/"
    with Echo().stream("GET", "http://example.test/") as response:
        assert response.read() == b"GET http://example.test/"
    with pytest.raises(NotImplementedError, match="RequestInterface does not implement handle"):
        RequestInterface().request("GET", "http://example.test/")


def test_async_request_interface_needs_one_method_only() -> None:
    class Echo(AsyncRequestInterface):
        async def handle_async_request(self, request: Request) -> Response:
            return Response(200, content=request.method + b" " + bytes(request.url))

    async def main() -> None:
        response = await Echo().request("GET", "http://example.test/")
        assert response.content == b"GET http://example.test/"
        async with Echo().stream("GET", "http://example.test/") as response:
            assert await response.aread() == b"GET http://example.test/"
        with pytest.raises(
            NotImplementedError,
            match=r"AsyncRequestInterface does not implement handle_async_request\(\)",
        ):
            await AsyncRequestInterface().request("GET", "http://example.test/")

    asyncio.run(main())


@pytest.mark.parametrize("name", ["aread", "aclose"])
def test_async_request_closes_a_response_of_anybodys_making(name: str) -> None:
    """Whatever a patched method returns is read, and closed even when that fails."""
    closed: list[str] = []

    class Stream:
        def __aiter__(self) -> "Stream":
            return self

        async def __anext__(self) -> bytes:
            if name == "aread":
                raise ZeroDivisionError
            raise StopAsyncIteration

        async def aclose(self) -> None:
            closed.append("closed")

    class Mine(AsyncRequestInterface):
        async def handle_async_request(self, request: Request) -> Response:
            return Response(200, content=Stream())

    async def main() -> None:
        if name == "aread":
            with pytest.raises(ZeroDivisionError):
                await Mine().request("GET", "http://example.test/")
        else:
            assert (await Mine().request("GET", "http://example.test/")).content == b""

    asyncio.run(main())
    assert closed == ["closed"]
