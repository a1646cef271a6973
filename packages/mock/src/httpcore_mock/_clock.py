"""Virtual time: it passes when a script says that somebody waits."""

import threading


class Clock:
    """Counts the seconds that everybody has waited, whoever it was.

    Waits of several threads or tasks at the same time add up.
    """

    __slots__ = ("_elapsed", "_lock")

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._lock = threading.Lock()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        with self._lock:
            self._elapsed += seconds
