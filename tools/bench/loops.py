"""The event loops: how each runs a program, and many tasks at once.

Each library is imported where it is needed: a client's environment has only those
that the client runs on.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

from tools.bench.task import Loop

T = TypeVar("T")
A = TypeVar("A")


def run(loop: Loop, main: Callable[[], Coroutine[object, None, T]]) -> T:
    """Run `main` to its end and return what it returned.

    Raises:
        BaseException: What `main` raised; of a group, the first exception in it, which
            says more than the group.
    """
    try:
        return _run(loop, main)
    except BaseExceptionGroup as group:
        raise _first_of(group) from None


def _run(loop: Loop, main: Callable[[], Coroutine[object, None, T]]) -> T:
    if loop == "asyncio":
        return asyncio.run(main())
    if loop == "uvloop":
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())
    if loop == "trio":
        import trio

        return trio.run(main)
    import anyio

    return anyio.run(main, backend="trio" if loop == "anyio-trio" else "asyncio")


async def run_together(
    loop: Loop, work: Callable[[A], Coroutine[object, None, None]], arguments: Iterable[A]
) -> None:
    """Do `work` with each argument, in tasks of their own, until all are done.

    No task begins before all are made.

    Raises:
        BaseExceptionGroup: What tasks raised; it ended the others.
    """
    if loop in ("asyncio", "uvloop"):
        async with asyncio.TaskGroup() as tasks:
            for argument in arguments:
                tasks.create_task(work(argument))
    elif loop == "trio":
        import trio

        async with trio.open_nursery() as nursery:
            for argument in arguments:
                nursery.start_soon(work, argument)
    else:
        import anyio

        async with anyio.create_task_group() as group:
            for argument in arguments:
                group.start_soon(work, argument)


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
