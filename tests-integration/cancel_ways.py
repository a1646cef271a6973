"""The ways in which something that is awaited can be cancelled.

The libraries' own, and those that programs use: a task is cancelled, a timeout ends, a
scope is left, a sibling fails. Each awaits a function, cancels it once `until` has
returned, and returns whether it has.
"""

import asyncio
import collections.abc
import contextlib
import typing

import anyio
import trio

Function = collections.abc.Callable[[], collections.abc.Coroutine[object, object, object]]

# Seconds of a timeout that a test ends by itself.
_LONG = 60.0


class Way(typing.Protocol):
    """Awaits a function, and cancels it."""

    async def __call__(self, function: Function, until: Function) -> bool: ...


@contextlib.asynccontextmanager
async def _then(
    until: Function, cancel: collections.abc.Callable[[], object]
) -> collections.abc.AsyncIterator[None]:
    async def watch() -> None:
        await until()
        cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()
        await asyncio.wait({watcher})


async def by_task(function: Function, until: Function) -> bool:
    """`task.cancel()`."""
    task = asyncio.create_task(function())
    async with _then(until, task.cancel):
        await asyncio.wait({task})
    return _was_cancelled(task)


def _was_cancelled(task: asyncio.Task[object]) -> bool:
    if task.cancelled():
        return True
    task.result()
    return False


async def by_timeout(function: Function, until: Function) -> bool:
    """`async with asyncio.timeout(...)`."""
    scope = asyncio.timeout(_LONG)
    now = asyncio.get_running_loop().time()
    async with _then(until, lambda: scope.reschedule(now)):
        try:
            async with scope:
                await function()
        except TimeoutError:
            return True
    return False


async def by_wait_for(function: Function, until: Function) -> bool:
    """`asyncio.wait_for(...)`, which has a task of its own in Python 3.11."""
    task = asyncio.create_task(asyncio.wait_for(function(), _LONG))
    async with _then(until, task.cancel):
        await asyncio.wait({task})
    return _was_cancelled(task)


async def by_sibling(function: Function, until: Function) -> bool:
    """A task group whose other task fails."""
    is_cancelled = False

    async def fail() -> None:
        await until()
        raise ZeroDivisionError

    try:
        async with asyncio.TaskGroup() as group:
            sibling = group.create_task(fail())
            await function()
            sibling.cancel()
    except* ZeroDivisionError:
        is_cancelled = True
    return is_cancelled


async def by_trio_scope(function: Function, until: Function) -> bool:
    """`with trio.move_on_after(...)`."""

    async def watch() -> None:
        await until()
        scope.deadline = trio.current_time()

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(_LONG) as scope:
            nursery.start_soon(watch)
            await function()
        nursery.cancel_scope.cancel()
    return scope.cancelled_caught


async def by_nursery(function: Function, until: Function) -> bool:
    """A nursery whose other task fails."""

    is_cancelled = False

    async def fail() -> None:
        await until()
        raise ZeroDivisionError

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            await function()
            nursery.cancel_scope.cancel()
    except* ZeroDivisionError:
        is_cancelled = True
    return is_cancelled


async def by_anyio_scope(function: Function, until: Function) -> bool:
    """`with anyio.move_on_after(...)`, on either loop."""

    async def watch() -> None:
        await until()
        scope.deadline = anyio.current_time()

    async with anyio.create_task_group() as tasks:
        with anyio.move_on_after(_LONG) as scope:
            tasks.start_soon(watch)
            await function()
        tasks.cancel_scope.cancel()
    return scope.cancelled_caught


_ON_ASYNCIO: dict[str, Way] = {
    "task": by_task,
    "timeout": by_timeout,
    "wait_for": by_wait_for,
    "sibling": by_sibling,
    "anyio": by_anyio_scope,
}
WAYS: dict[str, dict[str, Way]] = {
    "asyncio": _ON_ASYNCIO,
    "uvloop": _ON_ASYNCIO,
    "trio": {"scope": by_trio_scope, "nursery": by_nursery, "anyio": by_anyio_scope},
}
"""By the library, and by a name."""
