"""One timeout for several waits."""

import time

from httpcore_interface import seconds_to_wait


class Deadline:
    """The moment when a timeout is over.

    Args:
        timeout: As the caller gave it.
    """

    def __init__(self, timeout: float | None) -> None:
        seconds = seconds_to_wait(timeout)
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Returns the seconds that are left, 0 or more; None without an end."""
        return None if self._end is None else max(self._end - time.monotonic(), 0.0)
