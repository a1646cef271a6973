"""Tasks that a test starts and cancels one by one, on asyncio and trio alike."""

import asyncio
import collections.abc
import enum
import types
import typing

import anyio
import trio

from httpcore_interface import running_async_library

T = typing.TypeVar("T")


class Outcome(enum.Enum):
    """How a job without a result has ended, or that it has not."""

    PENDING = "pending"
    CANCELLED = "cancelled"


class Job(typing.Generic[T]):
    """One task.

    Attributes:
        outcome: What it returned or raised, or why there is neither.
    """

    def __init__(
        self,
        function: collections.abc.Callable[[], collections.abc.Awaitable[T]],
        *,
        is_native: bool,
    ) -> None:
        self._function = function
        library = running_async_library()
        self._is_native = is_native and library == "asyncio"
        self._scope: anyio.CancelScope | trio.CancelScope = anyio.CancelScope()
        if is_native and library == "trio":
            self._scope = trio.CancelScope()
        self._task: asyncio.Task[object] | None = None
        self.outcome: T | Exception | Outcome = Outcome.PENDING

    async def run(self) -> None:
        """Does it; an error of it is its outcome, and nobody else's business."""
        if self._is_native:
            self._task = asyncio.current_task()
        try:
            with self._scope:
                self.outcome = await self._function()
        except asyncio.CancelledError:
            if not self._is_native:
                raise
        except Exception as exc:
            self.outcome = exc
        if self.outcome is Outcome.PENDING:
            self.outcome = Outcome.CANCELLED

    def cancel(self) -> None:
        """Cancels it."""
        if self._task is not None:
            self._task.cancel()
        else:
            self._scope.cancel()


class Jobs:
    """A group of tasks, which ends when each of them has.

    Args:
        is_native: Whether they are cancelled as the library that runs does it, by
            `task.cancel()` or `trio.CancelScope`; else as anyio does it.
    """

    def __init__(self, *, is_native: bool) -> None:
        self._is_native = is_native
        self._group = anyio.create_task_group()

    def start(
        self, function: collections.abc.Callable[[], collections.abc.Awaitable[T]]
    ) -> Job[T]:
        """Starts a task."""
        job = Job(function, is_native=self._is_native)
        self._group.start_soon(job.run)
        return job

    async def __aenter__(self) -> typing.Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> bool | None:
        return await self._group.__aexit__(exc_type, exc, traceback)
