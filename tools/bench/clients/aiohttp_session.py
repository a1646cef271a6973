"""`ClientSession` of aiohttp.

Its timeouts are those of the socket, as the other clients have them, instead of one for
the whole request, as it has by itself: that costs the same, by the microsecond.
"""

import importlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tools.bench.measure_async import AsyncOperation, main
from tools.bench.task import Task


class Body(Protocol):
    """As much of a response's stream as is used here."""

    def iter_any(self) -> AsyncIterator[bytes]: ...


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def content(self) -> Body: ...

    async def read(self) -> bytes: ...


class Session(Protocol):
    """As much of a session as is used here."""

    def get(self, url: str) -> AbstractAsyncContextManager[Response]: ...

    def post(self, url: str, *, data: bytes) -> AbstractAsyncContextManager[Response]: ...

    async def close(self) -> None: ...


class SessionClient:
    """One session, which all tasks share."""

    def __init__(self, task: Task) -> None:
        aiohttp = importlib.import_module("aiohttp")
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=task.timeout, sock_read=task.timeout
        )
        connector = aiohttp.TCPConnector(limit=task.connections)
        self._session: Session = aiohttp.ClientSession(connector=connector, timeout=timeout)

    async def get(self, url: str) -> AsyncOperation:
        get = self._session.get

        async def operation() -> int:
            async with get(url) as response:
                return len(await response.read())

        return operation

    async def download(self, url: str) -> AsyncOperation:
        get = self._session.get

        async def operation() -> int:
            count = 0
            async with get(url) as response:
                async for chunk in response.content.iter_any():
                    count += len(chunk)
            return count

        return operation

    async def upload(self, url: str, body: bytes) -> AsyncOperation:
        post = self._session.post

        async def operation() -> int:
            async with post(url, data=body) as response:
                return int(await response.read())

        return operation

    async def aclose(self) -> None:
        await self._session.close()


if __name__ == "__main__":
    main(SessionClient)
