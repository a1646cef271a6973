"""How long somebody waits for a connection that others use as well."""

import math
import time

from httpcore_interface import ReadTimeout, TimeoutException, WriteTimeout

from .timeouts import NO_TIMEOUTS, Timeouts

# Seconds after which whoever gives an answer no time looks whether the request has left.
_MOMENT = 0.02


class Patience:
    """So many seconds, for one thing.

    Args:
        seconds: From now on; None is no limit.
        expired: What to raise when they are over.
    """

    __slots__ = ("_ends_at", "_expired", "_seconds")

    def __init__(self, seconds: float | None, expired: type[TimeoutException]) -> None:
        self._seconds = seconds
        self._expired = expired
        self._ends_at = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Returns for how many seconds to wait, and then to ask again; None is no limit."""
        return None if self._ends_at is None else self._ends_at - time.monotonic()

    def error(self) -> TimeoutException:
        """Returns what to raise when none are left."""
        return _expired(self._expired, self._seconds)


class Progress:
    """How the writing goes, for all who wait for it.

    Attributes:
        moved_at: When the server last took anything, in seconds.
    """

    __slots__ = ("moved_at",)

    def __init__(self) -> None:
        self.moved_at = -math.inf


class Departure:
    """Bytes that are on their way out.

    Args:
        position: Where they end in all that is written.
        progress: How that goes.

    Attributes:
        left_at: When they had been written, in seconds; None until then.
    """

    __slots__ = ("left_at", "position", "progress")

    def __init__(self, position: int, progress: Progress) -> None:
        self.position = position
        self.progress = progress
        self.left_at: float | None = None


class WritePatience:
    """For bytes to leave.

    Each time that the server takes something, the wait begins anew, as that of a write
    does: what is queued before them has to leave first.

    Args:
        seconds: For the server to take something; None is no limit.
        progress: What it takes.
        timeouts: `total`.
    """

    __slots__ = ("_began_at", "_progress", "_seconds", "_timeouts")

    def __init__(
        self, seconds: float | None, progress: Progress, timeouts: Timeouts = NO_TIMEOUTS
    ) -> None:
        self._seconds = seconds
        self._progress = progress
        self._timeouts = timeouts
        self._began_at = time.monotonic()

    def left(self) -> float | None:
        """Returns for how many seconds to wait, and then to ask again; None is no limit."""
        ends_at = math.inf
        if self._seconds is not None:
            ends_at = max(self._began_at, self._progress.moved_at) + self._seconds
        if self._timeouts.deadline is not None:
            ends_at = min(ends_at, self._timeouts.deadline)
        return None if ends_at == math.inf else ends_at - time.monotonic()

    def error(self) -> TimeoutException:
        """Returns what to raise when none are left."""
        try:
            # It says so if it is the total that is over.
            self._timeouts.for_write()
        except TimeoutException as exc:
            return exc
        return _expired(WriteTimeout, self._seconds)


class HeadPatience:
    """For a request to leave, and then for the head of its response.

    One wait for both: who sleeps through the first need not be woken for it.

    Args:
        timeouts: `write`, `read` and `total`.
        departure: The request.
    """

    __slots__ = ("_began_at", "_departure", "_timeouts")

    def __init__(self, timeouts: Timeouts, departure: Departure) -> None:
        self._timeouts = timeouts
        self._departure = departure
        self._began_at = time.monotonic()

    def left(self) -> float | None:
        """Returns for how many seconds to wait, and then to ask again; None is no limit."""
        timeouts = self._timeouts
        if timeouts.write is None and timeouts.read is None and timeouts.deadline is None:
            return None
        now = time.monotonic()
        ends_at = self._ends_at()
        if self._departure.left_at is None and timeouts.read is not None:
            # Whoever sleeps does not see it leave.
            ends_at = min(ends_at, now + max(timeouts.read, _MOMENT))
        return None if ends_at == math.inf else ends_at - now

    def _ends_at(self) -> float:
        timeouts, left_at = self._timeouts, self._departure.left_at
        seconds = timeouts.write if left_at is None else timeouts.read
        ends_at = math.inf
        if seconds is not None:
            if left_at is None:
                # See `WritePatience`.
                left_at = max(self._began_at, self._departure.progress.moved_at)
            ends_at = left_at + seconds
        if timeouts.deadline is not None:
            ends_at = min(ends_at, timeouts.deadline)
        return ends_at

    def error(self) -> TimeoutException:
        """Returns what to raise when none are left."""
        timeouts, has_left = self._timeouts, self._departure.left_at is not None
        expired: type[TimeoutException] = ReadTimeout if has_left else WriteTimeout
        try:
            # It says so if it is the total that is over.
            seconds = timeouts.for_read() if has_left else timeouts.for_write()
        except TimeoutException as exc:
            return exc
        return _expired(expired, seconds)


def _expired(expired: type[TimeoutException], seconds: float | None) -> TimeoutException:
    what = "took nothing" if issubclass(expired, WriteTimeout) else "sent nothing"
    return expired(f"the server {what} for this request within {seconds} seconds")
