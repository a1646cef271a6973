"""Event loops in threads of their own, which run what plain test functions ask for.

One for each library and test session: to start one takes longer than most tests.
"""

import abc
import asyncio
import collections.abc
import contextvars
import threading
import typing

import trio

T = typing.TypeVar("T")

# Of a coroutine function, so that nothing is left unawaited if it is never called.
Function = collections.abc.Callable[[], collections.abc.Awaitable[T]]

PATIENCE = 20.0
"""Seconds of real time after which a call that does not come to its end fails."""

cancel_caller: contextvars.ContextVar[collections.abc.Callable[[], object]] = (
    contextvars.ContextVar("cancel_caller")
)
"""Cancels the call that it is looked up in, in the way that the call is guarded."""


class Guard(typing.Protocol):
    """Awaits a function, in a way that it can be cancelled in."""

    async def __call__(self, function: Function[T]) -> T: ...


class Cancelled(BaseException):
    """What a call raises in the end that a guard has cancelled."""


async def unguarded(function: Function[T]) -> T:
    """Awaits a function that nobody cancels."""
    return await function()


class Call(typing.Generic[T]):
    """One function that runs in an event loop, and what came of it."""

    def __init__(self, function: Function[T], guard: Guard) -> None:
        self._function: Function[T] | None = function
        self._guard = guard
        self._result: list[T] = []
        self._failure: BaseException | None = None
        self._is_over = threading.Event()

    async def run(self) -> None:
        """Runs it to its end: nothing that it raises reaches the event loop."""
        function, self._function = self._function, None
        assert function is not None
        try:
            # Nowhere else: who waits may be the only one to hold what comes of it.
            self._result.append(await self._guard(function))
        except BaseException as exc:
            self._failure = exc
        del function
        self._is_over.set()

    def result(self) -> T:
        """Waits for the end, and returns or raises what came of it."""
        assert self._is_over.wait(PATIENCE), "a call has not come to its end"
        if self._failure is not None:
            failure, self._failure = self._failure, None
            try:
                raise failure
            finally:
                del failure
        return self._result.pop()


class Loop(abc.ABC):
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._complaints: list[str] = []
        self._thread = threading.Thread(target=self._main, daemon=True)

    @property
    def is_here(self) -> bool:
        """Whether it is this loop that calls."""
        return threading.current_thread() is self._thread

    def run(self, function: Function[T], guard: Guard = unguarded) -> T:
        """Runs a function in the loop, and returns or raises what came of it."""
        assert not self.is_here, "the event loop itself has to wait"
        call = Call(function, guard)
        self._begin(call.run)
        return call.result()

    def run_soon(self, function: Function[object]) -> None:
        """Runs a function in the loop, as soon as something waits there."""
        self._begin(Call(function, unguarded).run)

    def take_complaints(self) -> list[str]:
        """What went wrong in it since this was asked last, and nobody heard of it."""
        complaints, self._complaints = self._complaints, []
        return complaints

    @abc.abstractmethod
    def _main(self) -> None:
        """What the thread does."""

    @abc.abstractmethod
    def _begin(self, function: Function[None]) -> None:
        """Begins a task in the loop, from any thread."""

    @abc.abstractmethod
    async def checkpoint(self) -> None:
        """Lets every other task go on for a moment."""

    @abc.abstractmethod
    async def in_thread(self, function: collections.abc.Callable[[], object]) -> None:
        """Calls a function in a thread, while the loop goes on."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Ends the loop and its thread."""


class SkippingEventLoop(asyncio.SelectorEventLoop):
    """A loop of asyncio whose time can be moved on."""

    _skipped = 0.0

    def time(self) -> float:
        return super().time() + self._skipped

    def skip(self, seconds: float) -> None:
        """Moves it on: timers end that would have ended in so many seconds."""
        self._skipped += seconds


class AsyncioLoop(Loop):
    """An event loop of asyncio."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = SkippingEventLoop()
        self.loop.set_exception_handler(
            lambda loop, context: self._complaints.append(str(context))
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread.start()

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _begin(self, function: Function[None]) -> None:
        def begin() -> None:
            async def main() -> None:
                await function()

            task = self.loop.create_task(main())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self.loop.call_soon_threadsafe(begin)

    async def checkpoint(self) -> None:
        await asyncio.sleep(0)

    async def in_thread(self, function: collections.abc.Callable[[], object]) -> None:
        failures: list[BaseException] = []
        is_over = asyncio.Event()

        def main() -> None:
            try:
                function()
            except BaseException as exc:
                failures.append(exc)
            self.loop.call_soon_threadsafe(is_over.set)

        threading.Thread(target=main, daemon=True).start()
        await is_over.wait()
        if failures:
            raise failures.pop()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        # Not before: whoever waits for a task's result goes on before the task has ended.
        assert not self._tasks


class TrioLoop(Loop):
    """An event loop of trio."""

    def __init__(self) -> None:
        super().__init__()
        self._nursery: trio.Nursery | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        self._is_ready = threading.Event()
        self._thread.start()
        assert self._is_ready.wait(PATIENCE)

    def _main(self) -> None:
        trio.run(self._serve)

    async def _serve(self) -> None:
        async with trio.open_nursery() as self._nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._is_ready.set()
            await trio.sleep_forever()

    def _begin(self, function: Function[None]) -> None:
        assert self._token is not None
        assert self._nursery is not None
        self._token.run_sync_soon(self._nursery.start_soon, function)

    async def checkpoint(self) -> None:
        await trio.lowlevel.checkpoint()

    async def in_thread(self, function: collections.abc.Callable[[], object]) -> None:
        await trio.to_thread.run_sync(function, abandon_on_cancel=True)

    def stop(self) -> None:
        assert self._token is not None
        assert self._nursery is not None
        self._token.run_sync_soon(self._nursery.cancel_scope.cancel)
        self._thread.join(PATIENCE)
