"""An event loop of asyncio, or one like it, in a thread."""

import asyncio
import collections.abc
import threading

from ._runner import AsyncRunner, Cancellable, Main


class AsyncioRunner(AsyncRunner):
    """Runs calls in an event loop of asyncio.

    Args:
        loop_factory: Makes the loop, such as `uvloop.new_event_loop`.
    """

    def __init__(
        self,
        loop_factory: collections.abc.Callable[
            [], asyncio.AbstractEventLoop
        ] = asyncio.new_event_loop,
    ) -> None:
        super().__init__()
        self._loop = loop_factory()
        self._complaints: list[str] = []
        # Here, since a loop may be stopped before it has begun.
        self._stopping = asyncio.Event()
        self._loop.set_exception_handler(self._complain)
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="event loop", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            # As asyncio.Runner has it in the end: cancels what is left, and closes.
            runner.run(self._serve())

    async def _serve(self) -> None:
        await self._stopping.wait()

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        self._complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    def complaints(self) -> collections.abc.Sequence[str]:
        """Returns what the loop's exception handler was told."""
        return self._complaints

    def spawn(self, main: Main) -> None:
        """Begins a task."""

        def begin() -> None:
            task = self._loop.create_task(main())
            self._tasks.add(task)
            task.add_done_callback(self._forget)

        self._loop.call_soon_threadsafe(begin)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def run_cancellable(self, function: Cancellable) -> bool:
        """Awaits a function in a task that can be cancelled."""

        async def main() -> None:
            task = asyncio.current_task()
            assert task is not None
            await function(task.cancel)

        task = asyncio.create_task(main())
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
        return task.cancelled()

    async def go_round(self) -> None:
        """Lets every other task have its turn."""
        await asyncio.sleep(0)

    def stop(self) -> None:
        """Ends the loop and its thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(self.patience)
