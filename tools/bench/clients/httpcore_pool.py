"""`ConnectionPool` of ours, of httpcore 1.x and of httpcore2: one API, one script.

Which module it is comes with the task, so all three are measured by the same
lines.
"""

import importlib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from tools.bench.measure import Operation, main
from tools.bench.task import Task, make_ssl_context

Extensions = Mapping[str, Mapping[str, float]]


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def content(self) -> bytes: ...

    def iter_stream(self) -> Iterator[bytes]: ...


class Pool(Protocol):
    """As much of a pool as is used here."""

    def request(
        self, method: str, url: str, *, content: bytes | None, extensions: Extensions | None
    ) -> Response: ...

    def stream(
        self, method: str, url: str, *, extensions: Extensions | None
    ) -> AbstractContextManager[Response]: ...

    def close(self) -> None: ...


class PoolFactory(Protocol):
    """The class `ConnectionPool`."""

    def __call__(
        self, *, max_connections: int, ssl_context: ssl.SSLContext | None, http2: bool
    ) -> Pool: ...


class PoolClient:
    """One pool, which all threads share."""

    def __init__(self, task: Task) -> None:
        factory: PoolFactory = importlib.import_module(task.module).ConnectionPool
        self._pool = factory(
            max_connections=task.connections,
            ssl_context=make_ssl_context(task),
            http2=task.http2,
        )
        self._extensions = make_extensions(task.timeout)

    def get(self, url: str) -> Operation:
        request, extensions = self._pool.request, self._extensions
        return lambda: len(request("GET", url, content=None, extensions=extensions).content)

    def download(self, url: str) -> Operation:
        stream, extensions = self._pool.stream, self._extensions

        def operation() -> int:
            count = 0
            with stream("GET", url, extensions=extensions) as response:
                for chunk in response.iter_stream():
                    count += len(chunk)
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        request, extensions = self._pool.request, self._extensions
        return lambda: int(request("POST", url, content=body, extensions=extensions).content)

    def close(self) -> None:
        self._pool.close()


def make_extensions(timeout: float | None) -> Extensions | None:
    """Build what sets the timeouts of a request; None where there are none to set."""
    if timeout is None:
        return None
    return {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), timeout)}


if __name__ == "__main__":
    main(PoolClient)
