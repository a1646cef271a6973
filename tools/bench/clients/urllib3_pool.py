"""`PoolManager` of urllib3."""

import importlib
from collections.abc import Iterator
from typing import Protocol

from tools.bench.measure import Operation, main
from tools.bench.task import Task

READ = 64 * 1024


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def data(self) -> bytes: ...

    def stream(self, amt: int) -> Iterator[bytes]: ...

    def release_conn(self) -> None: ...


class Pool(Protocol):
    """As much of a pool as is used here."""

    def request(
        self, method: str, url: str, *, body: bytes | None = None, preload_content: bool = True
    ) -> Response: ...

    def clear(self) -> None: ...


class PoolClient:
    """One pool of pools, which all threads share."""

    def __init__(self, task: Task) -> None:
        # A pool of its own for each origin; to wait for a connection rather than to open
        # one more takes `block`.
        self._pool: Pool = importlib.import_module("urllib3").PoolManager(
            num_pools=len(task.idle_urls) + 1,
            maxsize=task.at_once,
            block=True,
            timeout=task.timeout,
        )

    def get(self, url: str) -> Operation:
        request = self._pool.request
        return lambda: len(request("GET", url).data)

    def download(self, url: str) -> Operation:
        request = self._pool.request

        def operation() -> int:
            count = 0
            response = request("GET", url, preload_content=False)
            for chunk in response.stream(READ):
                count += len(chunk)
            response.release_conn()
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        request = self._pool.request
        return lambda: int(request("POST", url, body=body).data)

    def close(self) -> None:
        self._pool.clear()


if __name__ == "__main__":
    main(PoolClient)
