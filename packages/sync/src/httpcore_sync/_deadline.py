"""Deadlines: from a timeout in seconds to the seconds that are left of it."""

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

    Args:
        timeout: Seconds from now; None and infinity are never.
    """

    __slots__ = ("_end", "timeout")

    def __init__(self, timeout: float | None) -> None:
        seconds = seconds_to_wait(timeout)
        self.timeout = timeout
        self._end = None if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float | None:
        """Returns the seconds that are left, at least 0; None when there is no end."""
        if self._end is None:
            return None
        return max(self._end - time.monotonic(), 0.0)
