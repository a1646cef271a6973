"""For httpx-socks, which has one task or thread at a time connect."""

import sys
import threading
import types
import typing

from httpcore_interface import running_async_library


class Lock:
    """A lock for threads, held by a `with` block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> typing.Self:
        self._lock.acquire()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: types.TracebackType | None = None,
    ) -> None:
        self._lock.release()


class AsyncLock:
    """A lock for tasks of asyncio or trio, held by an `async with` block."""

    def __init__(self) -> None:
        # Made when something runs: nobody knows before what it will be.
        self._lock: _LibraryLock | None = None

    async def __aenter__(self) -> typing.Self:
        if self._lock is None:
            # Whoever runs it has imported it.
            self._lock = sys.modules[running_async_library()].Lock()
        await self._lock.acquire()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: types.TracebackType | None = None,
    ) -> None:
        assert self._lock is not None
        self._lock.release()


class _LibraryLock(typing.Protocol):
    """What the locks of both libraries have in common."""

    async def acquire(self) -> object: ...

    def release(self) -> None: ...
