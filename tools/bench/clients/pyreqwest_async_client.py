"""`Client` of pyreqwest."""

import importlib
from collections.abc import Sized
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

from tools.bench.clients.pyreqwest_client import configure
from tools.bench.measure_async import AsyncOperation, main
from tools.bench.task import Task


class Reader(Protocol):
    """As much of a body as is used here."""

    async def read_chunk(self) -> Sized | None: ...


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def body_reader(self) -> Reader: ...

    async def bytes(self) -> Sized: ...

    async def text(self) -> str: ...


class Request(Protocol):
    """As much of a request as is used here."""

    async def send(self) -> Response: ...


class RequestBuilder(Protocol):
    """As much of a builder of requests as is used here."""

    def body_bytes(self, body: bytes) -> Self: ...

    def build(self) -> Request: ...

    def build_streamed(self) -> AbstractAsyncContextManager[Response]: ...


class Client(Protocol):
    """As much of a client as is used here."""

    def get(self, url: str) -> RequestBuilder: ...

    def post(self, url: str) -> RequestBuilder: ...

    async def close(self) -> None: ...


class PyreqwestClient:
    """One client, which all tasks share."""

    def __init__(self, task: Task) -> None:
        builder = importlib.import_module("pyreqwest.client").ClientBuilder()
        configure(builder, task)
        self._client: Client = builder.build()

    async def get(self, url: str) -> AsyncOperation:
        get = self._client.get

        async def operation() -> int:
            response = await get(url).build().send()
            return len(await response.bytes())

        return operation

    async def download(self, url: str) -> AsyncOperation:
        get = self._client.get

        async def operation() -> int:
            count = 0
            async with get(url).build_streamed() as response:
                reader = response.body_reader
                while (chunk := await reader.read_chunk()) is not None:
                    count += len(chunk)
            return count

        return operation

    async def upload(self, url: str, body: bytes) -> AsyncOperation:
        post = self._client.post

        async def operation() -> int:
            response = await post(url).body_bytes(body).build().send()
            return int(await response.text())

        return operation

    async def aclose(self) -> None:
        await self._client.close()


if __name__ == "__main__":
    main(PyreqwestClient)
