"""`Client` of httpx."""

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from tools.bench.measure import Operation, main
from tools.bench.task import Task, make_ssl_context


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def content(self) -> bytes: ...

    def iter_bytes(self) -> Iterator[bytes]: ...


class Client(Protocol):
    """As much of a client as is used here."""

    def get(self, url: str) -> Response: ...

    def post(self, url: str, *, content: bytes) -> Response: ...

    def stream(self, method: str, url: str) -> AbstractContextManager[Response]: ...

    def close(self) -> None: ...


class HttpxClient:
    """One client, which all threads share."""

    def __init__(self, task: Task) -> None:
        httpx = importlib.import_module("httpx")
        most = task.connections
        limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
        self._client: Client = httpx.Client(
            limits=limits,
            timeout=task.timeout,
            verify=make_ssl_context(task) or True,
            http2=task.http2,
        )

    def get(self, url: str) -> Operation:
        get = self._client.get
        return lambda: len(get(url).content)

    def download(self, url: str) -> Operation:
        stream = self._client.stream

        def operation() -> int:
            count = 0
            with stream("GET", url) as response:
                for chunk in response.iter_bytes():
                    count += len(chunk)
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        post = self._client.post
        return lambda: int(post(url, content=body).content)

    def close(self) -> None:
        self._client.close()


if __name__ == "__main__":
    main(HttpxClient)
