"""The floor on anyio: a loop over one stream, each operation under a `fail_after`.

A request that was built beforehand, `send`, then `receive` until as much has come as the
first response had. Whoever wants timeouts from anyio pays for a cancel scope at each, so
they belong to the floor.
"""

import anyio
import anyio.abc

from tools.bench.framing import RECEIVE, RawRequest, ResponseCounter
from tools.bench.measure_async import AsyncOperation, main
from tools.bench.task import Task


class RawClient:
    """Streams without a client."""

    def __init__(self, task: Task) -> None:
        self._timeout = task.timeout
        self._streams: list[anyio.abc.SocketStream] = []

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
            await anyio.aclose_forcefully(stream)

    async def _open(self, request: RawRequest) -> anyio.abc.SocketStream:
        stream = await anyio.connect_tcp(request.host, request.port)
        self._streams.append(stream)
        return stream

    async def _exchange(
        self, stream: anyio.abc.SocketStream, counter: ResponseCounter, *pieces: bytes
    ) -> None:
        timeout = self._timeout
        for piece in pieces:
            with anyio.fail_after(timeout):
                await stream.send(piece)
        while True:
            with anyio.fail_after(timeout):
                received = await stream.receive(RECEIVE)
            if counter.is_over(received):
                return


if __name__ == "__main__":
    main(RawClient)
