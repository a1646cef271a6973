"""Event loops in threads of their own, which run what plain test functions ask for.

One of each for all tests: to start one takes longer than most of them.
"""

import abc
import asyncio
import collections.abc
import sys
import threading
import traceback
import typing

import trio
from peers.deadlines import wait_until

if sys.platform != "win32":
    import uvloop

T = typing.TypeVar("T")

# Of a coroutine function, so that nothing is left unawaited if it is never called.
Function = collections.abc.Callable[[], collections.abc.Awaitable[T]]

PATIENCE = 45.0
"""Seconds after which a call that does not come to its end fails: a little less than
the time limit of a test."""


class Call(typing.Generic[T]):
    """One function that runs in an event loop, and what came of it."""

    def __init__(self, function: Function[T]) -> None:
        self._function: Function[T] | None = function
        self._result: list[T] = []
        self._failure: BaseException | None = None
        self._is_over = threading.Event()

    async def run(self) -> None:
        """Runs it to its end: nothing that it raises reaches the event loop."""
        function, self._function = self._function, None
        assert function is not None
        try:
            # Nowhere else: who waits may be the only one to hold what comes of it.
            self._result.append(await function())
        except BaseException as exc:
            self._failure = exc
        del function
        self._is_over.set()

    def result(self, complaints: list[str]) -> T:
        """Waits for the end, and returns or raises what came of it.

        Args:
            complaints: What went wrong in the loop: why the end may not come.
        """
        assert self._is_over.wait(PATIENCE), f"a call has not come to its end; {complaints}"
        if self._failure is not None:
            failure, self._failure = self._failure, None
            try:
                raise failure
            finally:
                del failure
        return self._result.pop()


class LoopThread(abc.ABC):
    """An event loop in a thread of its own.

    Attributes:
        complaints: What went wrong in it, and nobody was there to hear of it.
    """

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._thread = threading.Thread(target=self._main, daemon=True)

    @property
    def is_here(self) -> bool:
        """Whether it is this loop that calls."""
        return threading.current_thread() is self._thread

    def run(self, function: Function[T]) -> T:
        """Runs a function in the loop, and returns or raises what came of it."""
        assert not self.is_here, "the event loop itself has to wait"
        assert self._thread.is_alive(), f"the event loop has ended; {self.complaints}"
        call = Call(function)
        self._begin(call.run)
        return call.result(self.complaints)

    def check(self) -> None:
        """Makes sure that nothing goes on in the loop, and that nothing went wrong."""
        # What has just told its result may take another moment to end.
        wait_until(lambda: self.run(self._count_tasks) == 0, "all tasks have ended")
        assert not self.complaints

    @abc.abstractmethod
    def _main(self) -> None:
        """What the thread does."""

    @abc.abstractmethod
    def _begin(self, function: Function[None]) -> None:
        """Begins a task in the loop, from any thread."""

    @abc.abstractmethod
    async def _count_tasks(self) -> int:
        """Counts the tasks there are beside the one that counts."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Ends the loop and its thread."""


class AsyncioThread(LoopThread):
    """A loop of asyncio, or one like it.

    Args:
        make_loop: Makes the loop.
    """

    def __init__(
        self,
        make_loop: collections.abc.Callable[[], asyncio.AbstractEventLoop],
    ) -> None:
        super().__init__()
        self._loop = make_loop()
        self._loop.set_exception_handler(
            lambda loop, context: self.complaints.append(str(context))
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread.start()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _begin(self, function: Function[None]) -> None:
        def begin() -> None:
            async def main() -> None:
                await function()

            task = self._loop.create_task(main())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._loop.call_soon_threadsafe(begin)

    async def _count_tasks(self) -> int:
        return len(asyncio.all_tasks()) - 1

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)


class TrioThread(LoopThread):
    """A run of trio."""

    def __init__(self) -> None:
        super().__init__()
        self._nursery: trio.Nursery | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        self._is_ready = threading.Event()
        self._thread.start()
        assert self._is_ready.wait(PATIENCE)

    def _main(self) -> None:
        try:
            trio.run(self._serve)
        except BaseException:
            self.complaints.append(traceback.format_exc())

    async def _serve(self) -> None:
        async with trio.open_nursery() as self._nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._is_ready.set()
            await trio.sleep_forever()

    def _begin(self, function: Function[None]) -> None:
        assert self._token is not None
        assert self._nursery is not None
        self._token.run_sync_soon(self._nursery.start_soon, function)

    async def _count_tasks(self) -> int:
        # Every task is a child of one of these, or of a child that is still there.
        assert self._nursery is not None
        return len(self._nursery.child_tasks) - 1

    def stop(self) -> None:
        assert self._token is not None
        assert self._nursery is not None
        self._token.run_sync_soon(self._nursery.cancel_scope.cancel)
        self._thread.join(PATIENCE)


def start_loops() -> dict[str, LoopThread]:
    """Starts a loop of every library that there is."""
    loops: dict[str, LoopThread] = {
        "asyncio": AsyncioThread(asyncio.new_event_loop),
        "trio": TrioThread(),
    }
    if sys.platform != "win32":
        loops["uvloop"] = AsyncioThread(uvloop.new_event_loop)
    return loops
