"""Waiting for one thing at a time, with a timeout that costs nothing if unused.

A timer for every read would be made and cancelled thousands of times a second, and
a cancelled timer stays in the loop's heap until its time has come. Here a timer is
left standing: when it goes off, it looks whether somebody still waits, and until
when, and stands again for what is left. A connection in steady use makes one timer
in as many seconds as its timeout has.
"""

import asyncio

from ._deadline import NEVER


class Waiter:
    """Where one task at a time waits to be woken.

    Args:
        loop: The loop that the task runs on.

    Attributes:
        future: What the task awaits; None if none waits.
    """

    __slots__ = ("_deadline", "_loop", "_timer", "future")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._deadline = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self.future: asyncio.Future[bool] | None = None

    def start(self, deadline: float) -> asyncio.Future[bool]:
        """Begins to wait; `stop` has to follow, whatever happens.

        Args:
            deadline: In the time of the loop.

        Returns:
            What to await: False if the deadline came first.
        """
        future = self.future = self._loop.create_future()
        self._deadline = deadline
        timer = self._timer
        if deadline != NEVER and (timer is None or timer.when() > deadline):
            self._stand()
        return future

    def stop(self) -> None:
        """Ends a wait."""
        self.future = None

    def wake(self) -> None:
        """Wakes the task that waits, if one does."""
        future = self.future
        if future is not None and not future.done():
            future.set_result(True)

    def close(self) -> None:
        """Takes the timer down."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stand(self) -> None:
        """Makes a timer that goes off at the deadline."""
        self.close()
        # Never 0 seconds, for which uvloop has no timer.
        seconds = max(self._deadline - self._loop.time(), 0.001)
        self._timer = self._loop.call_later(seconds, self._go_off)

    def _go_off(self) -> None:
        self._timer = None
        future = self.future
        if future is None or future.done() or self._deadline == NEVER:
            return
        if self._loop.time() < self._deadline:
            self._stand()
        else:
            future.set_result(False)
