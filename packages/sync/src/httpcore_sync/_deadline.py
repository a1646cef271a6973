"""Deadlines: from a timeout in seconds to the seconds that are left of it."""

import collections.abc
import time

LONGEST_WAIT = 24 * 86_400.0
"""Seconds that poll(2), which counts milliseconds in an int, is sure to take: 24 days."""


def seconds_to_wait(timeout: float | None) -> float | None:
    """Returns what a socket may be told: None to wait for ever, else 0 or more."""
    if timeout is None or timeout > LONGEST_WAIT:
        return None
    return timeout if timeout > 0 else 0.0


class Deadline:
    """The moment at which an operation of several steps has to be done.

    Another thread may cut it short. Whoever waits therefore sets `alarm` first, and
    asks for what remains after that: either the cut is seen there, or the alarm goes
    off.

    Args:
        timeout: Seconds from now; None and infinity are never.

    Attributes:
        timeout: As given.
        is_cut: Whether it was cut short.
        alarm: What ends the wait that is under way.
    """

    __slots__ = ("_end", "alarm", "is_cut", "timeout")

    def __init__(self, timeout: float | None) -> None:
        seconds = seconds_to_wait(timeout)
        self.timeout = timeout
        self.is_cut = False
        self.alarm: collections.abc.Callable[[], object] | None = None
        self._end = None if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float | None:
        """Returns the seconds that are left, at least 0; None when there is no end."""
        if self.is_cut:
            return 0.0
        if self._end is None:
            return None
        return max(self._end - time.monotonic(), 0.0)

    def cut(self) -> None:
        """Ends it now, from another thread."""
        self.is_cut = True
        alarm = self.alarm
        if alarm is not None:
            alarm()
