"""`AsyncConnectionPool` of ours, of httpcore 1.x and of httpcore2: one API, one script.

Which module it is comes with the task, so all three are measured by the same lines. Each
is given the backend that belongs to the loop; on asyncio that of 1.x and httpcore2 is
anyio's, which is what they take by themselves.
"""

import importlib
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tools.bench.clients.httpcore_pool import Extensions, make_extensions
from tools.bench.measure_async import AsyncOperation, main
from tools.bench.task import Loop, Task, make_ssl_context

BACKENDS: dict[Loop | None, str] = {
    "asyncio": "AsyncioBackend",
    "uvloop": "AsyncioBackend",
    "trio": "TrioBackend",
}
ANY_LOOP = "AnyIOBackend"


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def content(self) -> bytes: ...

    def aiter_stream(self) -> AsyncIterator[bytes]: ...


class Pool(Protocol):
    """As much of a pool as is used here."""

    async def request(
        self, method: str, url: str, *, content: bytes | None, extensions: Extensions | None
    ) -> Response: ...

    def stream(
        self, method: str, url: str, *, extensions: Extensions | None
    ) -> AbstractAsyncContextManager[Response]: ...

    async def aclose(self) -> None: ...


class PoolFactory(Protocol):
    """The class `AsyncConnectionPool`."""

    def __call__(
        self,
        *,
        max_connections: int,
        ssl_context: ssl.SSLContext | None,
        http2: bool,
        network_backend: object,
    ) -> Pool: ...


class PoolClient:
    """One pool, which all tasks share."""

    def __init__(self, task: Task) -> None:
        module = importlib.import_module(task.module)
        factory: PoolFactory = module.AsyncConnectionPool
        name = BACKENDS.get(task.loop, ANY_LOOP)
        backend = getattr(module, name if hasattr(module, name) else ANY_LOOP)
        self._pool = factory(
            max_connections=task.connections,
            ssl_context=make_ssl_context(task),
            http2=task.http2,
            network_backend=backend(),
        )
        self._extensions = make_extensions(task.timeout)

    async def get(self, url: str) -> AsyncOperation:
        request, extensions = self._pool.request, self._extensions

        async def operation() -> int:
            response = await request("GET", url, content=None, extensions=extensions)
            return len(response.content)

        return operation

    async def download(self, url: str) -> AsyncOperation:
        stream, extensions = self._pool.stream, self._extensions

        async def operation() -> int:
            count = 0
            async with stream("GET", url, extensions=extensions) as response:
                async for chunk in response.aiter_stream():
                    count += len(chunk)
            return count

        return operation

    async def upload(self, url: str, body: bytes) -> AsyncOperation:
        request, extensions = self._pool.request, self._extensions

        async def operation() -> int:
            response = await request("POST", url, content=body, extensions=extensions)
            return int(response.content)

        return operation

    async def aclose(self) -> None:
        await self._pool.aclose()


if __name__ == "__main__":
    main(PoolClient)
