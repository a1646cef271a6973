"""Cancelling a call at each of its suspensions."""

import collections.abc
import contextlib
import enum
import math
import typing

from ._operation import Operation
from ._runner import AsyncRunner, Call
from ._stepping import Stepped

Result = typing.TypeVar("Result")


class Moment(enum.Enum):
    """When a call is cancelled."""

    WAITING = "while it waits"
    LATE = "when what it waits for has just come"
    AGAIN = "while it waits, again and again"


class Cancellation(typing.Generic[Result]):
    """One call that is to be cancelled, and what comes of it.

    Attributes:
        was_cancelled: Whether it was cancelled, as its event loop sees it.
        results: What it has returned; empty if nothing.
        errors: What it has raised, a cancellation, too.
        suspensions: How often it was suspended.
        cancel: Requests the cancellation, within the event loop.
    """

    def __init__(self) -> None:
        self.was_cancelled = False
        self.results: list[Result] = []
        self.errors: list[BaseException] = []
        self.suspensions = 0
        self.cancel: collections.abc.Callable[[], object] = lambda: None

    @property
    def raised(self) -> str:
        """What it has raised, for messages."""
        return ", ".join(map(repr, self.errors)) or "nothing"


class CancelledCall(typing.Generic[Result]):
    """A `Cancellation` that is under way.

    Args:
        operation: What ends when the call has ended.
        record: What is known of it so far.
        runner: Runs it.
    """

    def __init__(
        self, operation: Operation[None], record: Cancellation[Result], runner: AsyncRunner
    ) -> None:
        self._operation = operation
        self._record = record
        self._runner = runner

    def wait_blocked(self) -> None:
        """Waits until the call waits for something, or is over."""
        self._operation.wait_blocked()

    def cancel(
        self, meanwhile: collections.abc.Callable[[], None] = lambda: None
    ) -> Cancellation[Result]:
        """Cancels the call now, and waits for its end.

        Args:
            meanwhile: Done just before, while the event loop can do nothing else.
        """

        def cancel() -> None:
            meanwhile()
            self._record.cancel()

        call: Call[None] = cancel
        self._runner.run("cancel()", call)
        return self.result()

    def result(self) -> Cancellation[Result]:
        """Waits for the end."""
        self._operation.result()
        return self._record


class Canceller:
    """Cancels calls in an event loop.

    Args:
        runner: Runs the event loop.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    def begin(
        self,
        name: str,
        call: collections.abc.Callable[[], collections.abc.Awaitable[Result]],
        at: float = math.inf,
        moment: Moment = Moment.WAITING,
    ) -> CancelledCall[Result]:
        """Begins a call.

        Args:
            name: How to speak of it.
            call: Makes the call.
            at: At which suspension it is cancelled, from 1; 0: before it begins.
            moment: When, there.
        """
        record: Cancellation[Result] = Cancellation()

        async def run(cancel: collections.abc.Callable[[], object]) -> None:
            def suspended(yielded: object) -> None:
                record.suspensions += 1
                _disturb(yielded, record.suspensions - at, moment, cancel)

            record.cancel = cancel
            if at == 0:
                cancel()
            try:
                record.results.append(await Stepped(call(), suspended))
            except BaseException as exc:
                record.errors.append(exc)
                raise

        async def main() -> None:
            # What it has raised is in the record.
            with contextlib.suppress(Exception):
                record.was_cancelled = await self._runner.run_cancellable(run)

        operation: Operation[None] = self._runner.begin(f"{name}, cancelled", main)
        return CancelledCall(operation, record, self._runner)

    def cancel_waiting(
        self, name: str, call: collections.abc.Callable[[], collections.abc.Awaitable[Result]]
    ) -> Cancellation[Result]:
        """Begins a call, and cancels it when it waits for something."""
        cancelled = self.begin(name, call)
        cancelled.wait_blocked()
        return cancelled.cancel()

    def cancel_at(
        self,
        at: int,
        moment: Moment,
        name: str,
        call: collections.abc.Callable[[], collections.abc.Awaitable[Result]],
    ) -> Cancellation[Result]:
        """Runs a call to its end; see `begin`."""
        return self.begin(name, call, at, moment).result()


def _disturb(
    yielded: object,
    since: float,
    moment: Moment,
    cancel: collections.abc.Callable[[], object],
) -> None:
    """Cancels at a suspension, if it is the one.

    Args:
        yielded: What the call has yielded to its event loop.
        since: The number of suspensions since the one where to cancel.
        moment: When to cancel there.
        cancel: Requests the cancellation.
    """
    if since < 0 or (since > 0 and moment is not Moment.AGAIN):
        return
    add_done_callback = getattr(yielded, "add_done_callback", None)
    if moment is Moment.LATE and add_done_callback is not None:
        # A future of asyncio: before the task itself is told. Trio knows no such moment.
        add_done_callback(lambda _: cancel())
    else:
        cancel()
