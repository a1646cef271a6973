"""`Session` of requests and of niquests: one API, one script.

Which module it is comes with the task, so both are measured by the same lines.
"""

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from tools.bench.measure import Operation, main
from tools.bench.task import Task

READ = 64 * 1024


class Response(AbstractContextManager["Response"], Protocol):
    """As much of a response as is used here."""

    @property
    def content(self) -> bytes: ...

    def iter_content(self, chunk_size: int) -> Iterator[bytes]: ...


class Session(Protocol):
    """As much of a session as is used here."""

    def get(self, url: str, *, timeout: float | None, stream: bool) -> Response: ...

    def post(self, url: str, *, data: bytes, timeout: float | None) -> Response: ...

    def mount(self, prefix: str, adapter: object) -> None: ...

    def close(self) -> None: ...


class SessionClient:
    """One session, which all threads share."""

    def __init__(self, task: Task) -> None:
        module = importlib.import_module(task.module)
        adapter = module.adapters.HTTPAdapter(
            # A pool of its own for each origin.
            pool_connections=len(task.idle_urls) + 1,
            pool_maxsize=task.at_once,
            pool_block=True,
        )
        self._session: Session = module.Session()
        self._session.mount("http://", adapter)
        self._timeout = task.timeout

    def get(self, url: str) -> Operation:
        get, timeout = self._session.get, self._timeout
        return lambda: len(get(url, timeout=timeout, stream=False).content)

    def download(self, url: str) -> Operation:
        get, timeout = self._session.get, self._timeout

        def operation() -> int:
            count = 0
            with get(url, timeout=timeout, stream=True) as response:
                for chunk in response.iter_content(READ):
                    count += len(chunk)
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        post, timeout = self._session.post, self._timeout
        return lambda: int(post(url, data=body, timeout=timeout).content)

    def close(self) -> None:
        self._session.close()


if __name__ == "__main__":
    main(SessionClient)
