"""The floor on trio: a loop over one stream, each operation under a timeout.

A request that was built beforehand, `send_all`, then `receive_some` until as much has
come as the first response had. Whoever wants timeouts from trio pays for a cancel scope
at each, so they belong to the floor.
"""

import math

import trio

from tools.bench.framing import RECEIVE, RawRequest, ResponseCounter
from tools.bench.measure_async import AsyncOperation, main
from tools.bench.task import Task


class RawClient:
    """Streams without a client."""

    def __init__(self, task: Task) -> None:
        self._timeout = math.inf if task.timeout is None else task.timeout
        self._streams: list[trio.SocketStream] = []

    async def get(self, url: str) -> AsyncOperation:
        request, counter = RawRequest.of("GET", url), ResponseCounter()
        stream = await self._open(request)

        async def operation() -> int:
            await self._exchange(stream, counter, request.head)
            return counter.body

        return operation

    download = get

    async def upload(self, url: str, body: bytes) -> AsyncOperation:
        request, counter = RawRequest.of("POST", url, body), ResponseCounter()
        stream = await self._open(request)

        async def operation() -> int:
            await self._exchange(stream, counter, request.head, body)
            return counter.read_number()

        return operation

    async def aclose(self) -> None:
        for stream in self._streams:
            await trio.aclose_forcefully(stream)

    async def _open(self, request: RawRequest) -> trio.SocketStream:
        stream = await trio.open_tcp_stream(request.host, request.port)
        self._streams.append(stream)
        return stream

    async def _exchange(
        self, stream: trio.SocketStream, counter: ResponseCounter, *pieces: bytes
    ) -> None:
        timeout = self._timeout
        for piece in pieces:
            with trio.fail_after(timeout):
                await stream.send_all(piece)
        while True:
            with trio.fail_after(timeout):
                received = await stream.receive_some(RECEIVE)
            if not received:
                raise ConnectionError("the server closed the connection")
            if counter.is_over(received):
                return


if __name__ == "__main__":
    main(RawClient)
