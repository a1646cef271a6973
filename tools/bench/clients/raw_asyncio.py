"""The floor on asyncio and uvloop: a loop over one connection's protocol.

A request that was built beforehand is given to the transport; what comes back is
counted until as much has come as the first response had. There are no timeouts: an
upload aside, the protocol's callbacks and one future are all there is.
"""

import asyncio
from typing import cast

from tools.bench.framing import RawRequest, ResponseCounter
from tools.bench.measure_async import AsyncOperation, main
from tools.bench.task import Task

# Bytes of an upload that the transport is given at once. Of what the system does not
# take of them the transport makes a copy: with all at once, up to four times the time.
PIECE = 1024 * 1024


class Exchange(asyncio.Protocol):
    """One connection, and the response that is under way on it."""

    __slots__ = ("_loop", "_over", "_writable", "counter", "transport")

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._writable: asyncio.Future[None] | None = None
        self.counter = ResponseCounter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.counter.is_over(data):
            self._over.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self._over, self._writable):
            if future is not None and not future.done():
                future.set_exception(exc or ConnectionError("the server closed the connection"))

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def begin(self) -> asyncio.Future[None]:
        """Return what is done when the next response is over.

        Raises:
            ConnectionError: The server has closed the connection meanwhile.
        """
        if self.transport.is_closing():
            raise ConnectionError("the server closed the connection")
        self._over = self._loop.create_future()
        return self._over

    async def send(self, body: memoryview) -> None:
        """Write a body as fast as the system takes it."""
        for start in range(0, len(body), PIECE):
            self.transport.write(body[start : start + PIECE])
            if self._writable is not None:
                await self._writable


class RawClient:
    """Protocols without a client."""

    def __init__(self, task: Task) -> None:
        self._exchanges: list[Exchange] = []

    async def get(self, url: str) -> AsyncOperation:
        request = RawRequest.of("GET", url)
        exchange = await self._open(request)
        begin, counter = exchange.begin, exchange.counter
        write, head = exchange.transport.write, request.head

        async def operation() -> int:
            over = begin()
            write(head)
            await over
            return counter.body

        return operation

    download = get

    async def upload(self, url: str, body: bytes) -> AsyncOperation:
        request = RawRequest.of("POST", url, body)
        exchange = await self._open(request)
        view = memoryview(body)

        async def operation() -> int:
            over = exchange.begin()
            exchange.transport.write(request.head)
            await exchange.send(view)
            await over
            return exchange.counter.read_number()

        return operation

    async def aclose(self) -> None:
        for exchange in self._exchanges:
            exchange.transport.abort()

    async def _open(self, request: RawRequest) -> Exchange:
        loop = asyncio.get_running_loop()
        _, exchange = await loop.create_connection(Exchange, request.host, request.port)
        self._exchanges.append(exchange)
        return exchange


if __name__ == "__main__":
    main(RawClient)
