"""Event loops that last for one function, in the thread that calls.

What is left of it in the end is an error: a task, or something that went wrong and
nobody was there to hear of it.
"""

import asyncio
import collections.abc
import gc
import sys
import typing

import anyio
import trio
from peers.deadlines import DEADLINE

if sys.platform != "win32":
    import uvloop

T = typing.TypeVar("T")
Main = collections.abc.Callable[[], collections.abc.Coroutine[object, object, T]]
Condition = collections.abc.Callable[[], bool]


def run(library: str, main: Main[T]) -> T:
    """Runs an async function to its end.

    Args:
        library: "asyncio", "uvloop" or "trio".
        main: The function.
    """
    if library == "trio":
        return trio.run(_checked_on_trio, main)
    complaints: list[str] = []
    make_loop = asyncio.new_event_loop if library == "asyncio" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.get_loop().set_exception_handler(
            lambda loop, context: complaints.append(str(context))
        )
        result = runner.run(_checked_on_asyncio(main))
        # What nobody retrieved is told when it is collected, to a loop that is open.
        gc.collect()
    assert not complaints
    return result


async def _checked_on_asyncio(main: Main[T]) -> T:
    result = await main()
    await wait_until(lambda: len(asyncio.all_tasks()) == 1, "no task is left")
    return result


async def _checked_on_trio(main: Main[T]) -> T:
    before = trio.lowlevel.current_statistics().tasks_living
    result = await main()
    await wait_until(
        lambda: trio.lowlevel.current_statistics().tasks_living == before, "no task is left"
    )
    return result


async def wait_until(condition: Condition, meaning: str) -> None:
    """Looks again and again, while the loop goes on."""
    end = anyio.current_time() + DEADLINE
    while not condition():
        if anyio.current_time() > end:
            raise AssertionError(f"not within {DEADLINE} s: {meaning}")
        await anyio.sleep(0.001)
