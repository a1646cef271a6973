"""`AsyncSession` of niquests."""

import importlib
from collections.abc import AsyncIterator
from typing import Protocol

from tools.bench.measure_async import AsyncOperation, main
from tools.bench.task import Task

READ = 64 * 1024


class Response(Protocol):
    """As much of a response as is used here."""

    @property
    def content(self) -> bytes | None: ...


class StreamedResponse(Protocol):
    """As much of a response that is read piece by piece as is used here."""

    async def iter_content(self, chunk_size: int) -> AsyncIterator[bytes]: ...

    async def close(self) -> None: ...


class Session(Protocol):
    """As much of a session as is used here; what `get` returns depends on `stream`."""

    async def get(self, url: str, *, timeout: float | None) -> Response: ...

    async def post(self, url: str, *, data: bytes, timeout: float | None) -> Response: ...

    async def close(self) -> None: ...


class StreamingSession(Protocol):
    """The same session, asked for responses that are read piece by piece."""

    async def get(
        self, url: str, *, timeout: float | None, stream: bool
    ) -> StreamedResponse: ...


class SessionClient:
    """One session, which all tasks share."""

    def __init__(self, task: Task) -> None:
        session = importlib.import_module("niquests").AsyncSession(
            pool_connections=1, pool_maxsize=task.connections
        )
        self._session: Session = session
        self._streaming: StreamingSession = session
        self._timeout = task.timeout

    async def get(self, url: str) -> AsyncOperation:
        get, timeout = self._session.get, self._timeout

        async def operation() -> int:
            return len((await get(url, timeout=timeout)).content or b"")

        return operation

    async def download(self, url: str) -> AsyncOperation:
        get, timeout = self._streaming.get, self._timeout

        async def operation() -> int:
            count = 0
            response = await get(url, timeout=timeout, stream=True)
            async for chunk in await response.iter_content(READ):
                count += len(chunk)
            await response.close()
            return count

        return operation

    async def upload(self, url: str, body: bytes) -> AsyncOperation:
        post, timeout = self._session.post, self._timeout

        async def operation() -> int:
            return int((await post(url, data=body, timeout=timeout)).content or b"")

        return operation

    async def aclose(self) -> None:
        await self._session.close()


if __name__ == "__main__":
    main(SessionClient)
