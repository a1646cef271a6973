"""Which event loop runs: the one thing of a connection that cannot be moved.

A connection of an event loop is of no use in another one, and of none at all when
its own has ended. Neither asyncio nor trio is imported here before it is found
running.
"""

import collections.abc
import contextlib
import sys

Function = collections.abc.Callable[[], collections.abc.Awaitable[None]]

# What loops of asyncio have been given to do: they hold their tasks by weak references.
_tasks: set[object] = set()


def current_runner() -> object:
    """Returns what runs the calling task: a loop of asyncio or a run of trio.

    Returns:
        An object that is equal to no other's; None if nothing runs.
    """
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        # Of trio's guest mode this is the host: one run of trio for each loop.
        loop: object = asyncio._get_running_loop()
        if loop is not None:
            return loop
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            run: object = trio.lowlevel.current_trio_token()
        except RuntimeError:
            return None
        return run
    return None


def has_ended(runner: object) -> bool:
    """Returns whether an event loop will never run anything again."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and isinstance(runner, asyncio.AbstractEventLoop):
        return bool(runner.is_closed())
    trio = sys.modules.get("trio")
    if trio is not None and isinstance(runner, trio.lowlevel.TrioToken):
        try:
            runner.run_sync_soon(_nothing, idempotent=True)
        except trio.RunFinishedError:
            return True
    return False


def run_elsewhere(runner: object, function: Function) -> bool:
    """Has an event loop, such as that of another thread, call a function, and await it.

    Of what it raises nobody hears.

    Returns:
        False if the loop is not running now.
    """

    async def call() -> None:
        with contextlib.suppress(Exception):
            await function()

    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and isinstance(runner, asyncio.AbstractEventLoop):

        def begin() -> None:
            task = runner.create_task(call())
            _tasks.add(task)
            task.add_done_callback(_tasks.discard)

        # RuntimeError: it has been closed just now.
        with contextlib.suppress(RuntimeError):
            if runner.is_running():
                runner.call_soon_threadsafe(begin)
                return True
        return False
    trio = sys.modules.get("trio")
    if trio is not None and isinstance(runner, trio.lowlevel.TrioToken):
        with contextlib.suppress(trio.RunFinishedError):
            runner.run_sync_soon(trio.lowlevel.spawn_system_task, call)
            return True
    return False


def _nothing() -> None:
    """What a run of trio is asked to do, to see whether it still can."""
