"""A backend of ten lines, as a user may write it, serves an async pool on real sockets."""

import asyncio
import collections.abc

from httpcore_interface import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream
from httpcore_pool import AsyncConnectionPool


class Stream(AsyncNetworkStream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._writer.write(buffer)
        await self._writer.drain()

    async def aclose(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class Backend(AsyncNetworkBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> Stream:
        return Stream(*await asyncio.open_connection(host, port))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        target = head.split(b" ")[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))
        await writer.drain()


async def refuse_rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await serve(reader, writer)
    except asyncio.IncompleteReadError:
        writer.close()


def test_requests_share_connections_that_a_backend_of_ones_own_makes() -> None:
    async def main() -> None:
        async with await asyncio.start_server(refuse_rest, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            url = f"http://{host}:{port}/"
            pool = AsyncConnectionPool(network_backend=Backend(), max_connections=3)
            async with pool:
                responses = await asyncio.gather(
                    *(pool.request("GET", f"{url}{number}") for number in range(20))
                )
                async with pool.stream("GET", url) as response:
                    assert [chunk async for chunk in response.aiter_stream()] == [b"/"]
                stats = pool.stats()
            expected = [b"/%d" % number for number in range(20)]
            assert [response.content for response in responses] == expected
            assert (stats.opened, stats.idle, stats.reused) == (3, 3, 18)
            assert pool.connections == []

    asyncio.run(main())
