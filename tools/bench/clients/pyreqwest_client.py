"""`SyncClient` of pyreqwest."""

import importlib
from collections.abc import Sized
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Protocol, Self

from tools.bench.measure import Operation, main
from tools.bench.task import Task


class Reader(Protocol):
    """As much of a body as is used here."""

    def read_chunk(self) -> Sized | None: ...


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def body_reader(self) -> Reader: ...

    def bytes(self) -> Sized: ...

    def text(self) -> str: ...


class Request(Protocol):
    """As much of a request as is used here."""

    def send(self) -> Response: ...


class RequestBuilder(Protocol):
    """As much of a builder of requests as is used here."""

    def body_bytes(self, body: bytes) -> Self: ...

    def build(self) -> Request: ...

    def build_streamed(self) -> AbstractContextManager[Response]: ...


class Client(Protocol):
    """As much of a client as is used here."""

    def get(self, url: str) -> RequestBuilder: ...

    def post(self, url: str) -> RequestBuilder: ...

    def close(self) -> None: ...


class ClientBuilder(Protocol):
    """As much of a builder of clients as is used here, of either colour."""

    def max_connections(self, max_connections: int) -> Self: ...

    def pool_max_idle_per_host(self, max_idle: int) -> Self: ...

    def connect_timeout(self, timeout: timedelta) -> Self: ...

    def read_timeout(self, timeout: timedelta) -> Self: ...

    def pool_timeout(self, timeout: timedelta) -> Self: ...


def configure(builder: ClientBuilder, task: Task) -> None:
    """Set limits and timeouts."""
    builder.max_connections(task.connections)
    builder.pool_max_idle_per_host(task.connections)
    if task.timeout is not None:
        timeout = timedelta(seconds=task.timeout)
        builder.connect_timeout(timeout)
        builder.read_timeout(timeout)
        builder.pool_timeout(timeout)


class PyreqwestClient:
    """One client, which all threads share."""

    def __init__(self, task: Task) -> None:
        builder = importlib.import_module("pyreqwest.client").SyncClientBuilder()
        configure(builder, task)
        self._client: Client = builder.build()

    def get(self, url: str) -> Operation:
        get = self._client.get
        return lambda: len(get(url).build().send().bytes())

    def download(self, url: str) -> Operation:
        get = self._client.get

        def operation() -> int:
            count = 0
            with get(url).build_streamed() as response:
                reader = response.body_reader
                while (chunk := reader.read_chunk()) is not None:
                    count += len(chunk)
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        post = self._client.post
        return lambda: int(post(url).body_bytes(body).build().send().text())

    def close(self) -> None:
        self._client.close()


if __name__ == "__main__":
    main(PyreqwestClient)
