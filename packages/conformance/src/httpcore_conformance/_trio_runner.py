"""A run of trio in a thread. Trio is imported when one is made, and not before."""

import threading
import typing

from ._runner import AsyncRunner, Cancellable, Main

if typing.TYPE_CHECKING:
    import trio


class TrioRunner(AsyncRunner):
    """Runs calls in a run of trio."""

    def __init__(self) -> None:
        super().__init__()
        self._is_ready = threading.Event()
        self._nursery: trio.Nursery | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        self._thread = threading.Thread(target=self._run, name="event loop", daemon=True)
        self._thread.start()
        assert self._is_ready.wait(self.patience), "trio does not start"

    def _run(self) -> None:
        import trio

        trio.run(self._serve)

    async def _serve(self) -> None:
        import trio

        async with trio.open_nursery() as self._nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._is_ready.set()
            await trio.sleep_forever()

    def spawn(self, main: Main) -> None:
        """Begins a task."""
        import trio

        async def guarded() -> None:
            try:
                await main()
            except trio.Cancelled:
                raise
            # Told to the operation already: it must not end the other tasks.
            except BaseException:  # noqa: BLE001, S110
                pass

        assert self._token is not None
        assert self._nursery is not None
        self._token.run_sync_soon(self._nursery.start_soon, guarded)

    async def run_cancellable(self, function: Cancellable) -> bool:
        """Awaits a function in a cancel scope."""
        import trio

        with trio.CancelScope() as scope:
            await function(scope.cancel)
        return scope.cancelled_caught

    async def go_round(self) -> None:
        """Lets every other task have its turn."""
        import trio

        await trio.lowlevel.checkpoint()

    def stop(self) -> None:
        """Ends the run and its thread."""
        assert self._token is not None
        assert self._nursery is not None
        self._token.run_sync_soon(self._nursery.cancel_scope.cancel)
        self._thread.join(self.patience)
