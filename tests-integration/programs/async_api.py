"""All that async code may use: `python -m programs.async_api URL`. See `blocking_api`."""

import asyncio
import collections.abc
import ssl
import sys
import typing

import httpcore
from httpcore_mock import http2_response

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
ORIGIN = httpcore.Origin(b"http", b"example.com", 80)
Options = collections.abc.Iterable[httpcore.SOCKET_OPTION]


async def parts() -> collections.abc.AsyncIterator[bytes]:
    yield b"par"
    yield b"ts"


async def use_pools(url: str) -> None:
    told: list[str] = []

    async def trace(name: str, info: dict[str, object]) -> None:
        told.append(name)

    backends: list[httpcore.AsyncNetworkBackend | None] = [
        *(None, httpcore.AsyncioBackend(), httpcore.AnyIOBackend())
    ]
    for backend in backends:
        async with httpcore.AsyncConnectionPool(
            ssl_context=None,
            proxy=None,
            max_connections=10,
            max_keepalive_connections=None,
            keepalive_expiry=5.0,
            http1=True,
            http2=False,
            retries=1,
            local_address=None,
            uds=None,
            network_backend=backend,
            socket_options=[(6, 1, 1)],
        ) as pool:
            typing.assert_type(pool, httpcore.AsyncConnectionPool)
            response = await pool.request(
                "PUT", url, content=parts(), extensions={"trace": trace}
            )
            typing.assert_type(response, httpcore.Response)
            assert (response.status, response.content) == (200, b"ok")
            assert told[0] == "connection.connect_tcp.started"
            async with pool.stream("GET", httpcore.URL(url)) as streamed:
                typing.assert_type(streamed, httpcore.Response)
                async for part in streamed.aiter_stream():
                    typing.assert_type(part, bytes)
            request = httpcore.Request("GET", url, headers={"Host": "a"})
            bare = await pool.handle_async_request(request)
            typing.assert_type(await bare.aread(), bytes)
            await bare.aclose()
            typing.assert_type(pool.connections, list[httpcore.AsyncConnectionInterface])
            typing.assert_type(pool.stats(), httpcore.PoolStats)
    proxies: list[httpcore.AsyncConnectionPool] = [
        httpcore.AsyncHTTPProxy(
            proxy_url="http://127.0.0.1:1",
            proxy_auth=("user", "password"),
            proxy_headers={"A": "b"},
            ssl_context=None,
            proxy_ssl_context=None,
            max_connections=1,
        ),
        httpcore.AsyncSOCKSProxy("socks5://127.0.0.1:1", proxy_auth=("user", "password")),
    ]
    for proxy in proxies:
        await proxy.aclose()
    # Where trio runs: there, a backend as any other.
    unused: httpcore.AsyncNetworkBackend = httpcore.TrioBackend()
    assert unused.connect_tcp is not None


class Stream(httpcore.AsyncNetworkStream):
    """A stream of the user's own, without what it does not need."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout=timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout=timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    # As the interface has it.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return self._stream.get_extra_info(info)


class Backend(httpcore.AsyncNetworkBackend):
    """A backend of the user's own."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return Stream(
            await self._backend.connect_tcp(
                host=host,
                port=port,
                timeout=timeout,
                local_address=local_address,
                socket_options=socket_options,
            )
        )

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class Wrapping(httpcore.AsyncConnectionInterface):
    """A connection of the user's own, around another."""

    def __init__(self, connection: httpcore.AsyncConnectionInterface) -> None:
        self._connection = connection

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        return await self._connection.handle_async_request(request)

    async def aclose(self) -> None:
        await self._connection.aclose()

    def info(self) -> str:
        return self._connection.info()

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        return self._connection.can_handle_request(origin)

    def is_available(self) -> bool:
        return self._connection.is_available()

    def has_expired(self) -> bool:
        return self._connection.has_expired()

    def is_idle(self) -> bool:
        return self._connection.is_idle()

    def is_closed(self) -> bool:
        return self._connection.is_closed()


class Pool(httpcore.AsyncConnectionPool):
    """A pool of the user's own, as httpx-socks has."""

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        backend = Backend(httpcore.AsyncioBackend())
        return Wrapping(httpcore.AsyncHTTPConnection(origin, network_backend=backend))


async def use_connections(url: str) -> None:
    async with Pool() as pool:
        typing.assert_type(pool, Pool)
        assert (await pool.request("GET", url)).content == b"ok"
    async with httpcore.AsyncHTTPConnection(
        origin=httpcore.URL(url).origin,
        ssl_context=None,
        keepalive_expiry=None,
        http1=True,
        http2=False,
        retries=0,
        local_address=None,
        uds=None,
        network_backend=None,
        socket_options=None,
    ) as connection:
        typing.assert_type(connection, httpcore.AsyncHTTPConnection)
        assert (await connection.request("GET", url)).content == b"ok"
    stream = httpcore.AsyncMockStream([HEAD, b"ok"])
    async with httpcore.AsyncHTTP11Connection(ORIGIN, stream, keepalive_expiry=1.0) as http1:
        assert (await http1.request("GET", "http://example.com/")).content == b"ok"
    stream = httpcore.AsyncMockStream([http2_response(body=b"ok")], http2=True)
    async with httpcore.AsyncHTTP2Connection(ORIGIN, stream, keepalive_expiry=1.0) as http2:
        assert (await http2.request("GET", "http://example.com/")).content == b"ok"
    mock: httpcore.AsyncNetworkBackend = httpcore.AsyncMockBackend([HEAD, b"ok"], http2=False)
    async with httpcore.AsyncConnectionPool(network_backend=mock) as mocked:
        assert (await mocked.request("GET", "https://example.com/")).content == b"ok"


async def main(url: str) -> None:
    await use_pools(url)
    await use_connections(url)
    sys.stdout.write(f"httpcore {httpcore.__version__}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
