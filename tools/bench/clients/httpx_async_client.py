"""`AsyncClient` of httpx."""

import importlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tools.bench.measure_async import AsyncOperation, main
from tools.bench.task import Task, make_ssl_context


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def content(self) -> bytes: ...

    def aiter_bytes(self) -> AsyncIterator[bytes]: ...


class Client(Protocol):
    """As much of a client as is used here."""

    async def get(self, url: str) -> Response: ...

    async def post(self, url: str, *, content: bytes) -> Response: ...

    def stream(self, method: str, url: str) -> AbstractAsyncContextManager[Response]: ...

    async def aclose(self) -> None: ...


class HttpxClient:
    """One client, which all tasks share."""

    def __init__(self, task: Task) -> None:
        httpx = importlib.import_module("httpx")
        most = task.connections
        limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
        self._client: Client = httpx.AsyncClient(
            limits=limits,
            timeout=task.timeout,
            verify=make_ssl_context(task) or True,
            http2=task.http2,
        )

    async def get(self, url: str) -> AsyncOperation:
        get = self._client.get

        async def operation() -> int:
            return len((await get(url)).content)

        return operation

    async def download(self, url: str) -> AsyncOperation:
        stream = self._client.stream

        async def operation() -> int:
            count = 0
            async with stream("GET", url) as response:
                async for chunk in response.aiter_bytes():
                    count += len(chunk)
            return count

        return operation

    async def upload(self, url: str, body: bytes) -> AsyncOperation:
        post = self._client.post

        async def operation() -> int:
            return int((await post(url, content=body)).content)

        return operation

    async def aclose(self) -> None:
        await self._client.aclose()


if __name__ == "__main__":
    main(HttpxClient)
