"""How long somebody waits for a connection that others use as well."""

import math
import time

from httpcore_interface import ReadTimeout, TimeoutException, WriteTimeout

from .timeouts import Timeouts


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


class Departure:
    """Bytes that are on their way out.

    Args:
        position: Where they end in all that is written.

    Attributes:
        left_at: When they had been written, in seconds; None until then.
    """

    __slots__ = ("left_at", "position")

    def __init__(self, position: int) -> None:
        self.position = position
        self.left_at: float | None = None


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
            ends_at = min(ends_at, now + timeouts.read)
        return None if ends_at == math.inf else ends_at - now

    def _ends_at(self) -> float:
        timeouts, left_at = self._timeouts, self._departure.left_at
        seconds = timeouts.write if left_at is None else timeouts.read
        ends_at = math.inf
        if seconds is not None:
            ends_at = (self._began_at if left_at is None else left_at) + seconds
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
