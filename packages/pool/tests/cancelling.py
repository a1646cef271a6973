"""The ways in which a call can be cancelled, each as a guard that it is awaited in.

The libraries' own, and those that programs use: a task is cancelled, a timeout ends,
a scope is left. Cancelled once more, a call is cancelled natively where its own way
works only once.
"""

import asyncio
import collections.abc
import typing

import anyio
import trio
from event_loops import (
    Cancelled,
    Function,
    Guard,
    SkippingEventLoop,
    cancel_caller,
)

T = typing.TypeVar("T")

# Seconds of a timeout that ends when the loop's clock is moved on.
_LIMIT = 1.0


def _task() -> asyncio.Task[object]:
    task: asyncio.Task[object] | None = asyncio.current_task()
    assert task is not None
    return task


def first_then(
    first: collections.abc.Callable[[], object], then: collections.abc.Callable[[], object]
) -> collections.abc.Callable[[], object]:
    """Does one thing when it is called first, and another from then on."""
    left = [first]
    return lambda: left.pop()() if left else then()


async def by_task(function: Function[T]) -> T:
    """`task.cancel()`."""
    cancel_caller.set(_task().cancel)
    try:
        return await function()
    except asyncio.CancelledError as exc:
        raise Cancelled from exc


async def by_timeout(function: Function[T]) -> T:
    """`async with asyncio.timeout(...)`."""
    try:
        async with asyncio.timeout(None) as scope:
            now = asyncio.get_running_loop().time()
            cancel_caller.set(first_then(lambda: scope.reschedule(now), _task().cancel))
            return await function()
    except (TimeoutError, asyncio.CancelledError) as exc:
        raise Cancelled from exc


async def by_wait_for(function: Function[T]) -> T:
    """`asyncio.wait_for(...)`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingEventLoop)

    async def inner() -> T:
        # The task of its own that wait_for makes in Python 3.11.
        cancel_caller.set(first_then(lambda: loop.skip(_LIMIT), _task().cancel))
        return await function()

    try:
        return await asyncio.wait_for(inner(), _LIMIT)
    except (TimeoutError, asyncio.CancelledError) as exc:
        raise Cancelled from exc


async def by_trio_scope(function: Function[T]) -> T:
    """`with trio.CancelScope()`, which trio's timeouts are made of."""
    with trio.CancelScope() as scope:
        cancel_caller.set(scope.cancel)
        return await function()
    raise Cancelled


async def by_anyio_scope(function: Function[T]) -> T:
    """`with anyio.CancelScope()`, which anyio's timeouts and task groups are made of."""
    with anyio.CancelScope() as scope:
        cancel_caller.set(scope.cancel)
        return await function()
    raise Cancelled


async def by_sibling(function: Function[T]) -> T:
    """A task group whose other task fails."""
    results: list[T] = []

    async def main() -> None:
        cancel_caller.set(first_then(fail.set, _task().cancel))
        results.append(await function())
        fail.set()

    async def sibling() -> None:
        await fail.wait()
        if not results:
            raise ZeroDivisionError

    fail = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(main())
            group.create_task(sibling())
    except ExceptionGroup as exc:
        if exc.subgroup(ZeroDivisionError) is None:
            raise exc.exceptions[0] from None
        raise Cancelled from exc
    except asyncio.CancelledError as exc:
        raise Cancelled from exc
    if not results:
        raise Cancelled
    return results.pop()


WAYS: dict[str, dict[str, Guard]] = {
    "asyncio": {
        "task": by_task,
        "timeout": by_timeout,
        "wait_for": by_wait_for,
        "sibling": by_sibling,
        "anyio": by_anyio_scope,
    },
    "trio": {"scope": by_trio_scope, "anyio": by_anyio_scope},
}
"""By the library, and by a name."""
