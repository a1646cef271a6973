"""How long each operation of one exchange may take."""

import collections.abc
import time

from httpcore_interface import (
    ConnectTimeout,
    PoolTimeout,
    ReadTimeout,
    TimeoutException,
    WriteTimeout,
)

from .._messages import Extensions


class Timeouts:
    """The timeouts of one exchange, in seconds; None is no limit.

    `total` is a deadline over the exchange as a whole, from the moment that this is
    made until the last byte of the body. What remains of it bounds each operation;
    once nothing remains, the operation times out without being begun.

    Attributes:
        connect: For establishing a connection, its TLS handshake included.
        read: For waiting for bytes.
        write: For waiting until the peer takes bytes.
        pool: For waiting for a connection of the pool.
        deadline: When the total is over, on the clock `time.monotonic`; where it is
            None, the others may be read directly, and a call is saved.
    """

    __slots__ = ("_total", "connect", "deadline", "pool", "read", "write")

    def __init__(self, timeout: collections.abc.Mapping[str, float | None]) -> None:
        self.connect = timeout.get("connect")
        self.read = timeout.get("read")
        self.write = timeout.get("write")
        self.pool = timeout.get("pool")
        self._total = total = timeout.get("total")
        self.deadline: float | None = None
        for seconds in (self.connect, self.read, self.write, self.pool, total):
            # "not >=" also refuses NaN, which compares with nothing.
            if seconds is not None and not seconds >= 0:
                raise ValueError(
                    f"a timeout must be None or at least 0 seconds, but is {seconds!r}"
                )
        if total is not None:
            self.deadline = time.monotonic() + total

    @classmethod
    def of(cls, extensions: Extensions) -> "Timeouts":
        """Returns the timeouts that a request asks for.

        Raises:
            TypeError: The extension is no mapping.
            ValueError: One of them is negative, or no number.
        """
        timeout = extensions.get("timeout")
        if not timeout:
            return NO_TIMEOUTS
        if not hasattr(timeout, "get"):
            raise TypeError(
                "the 'timeout' extension must be a mapping of seconds, such as "
                f"{{'read': 5.0}}, but is {timeout!r}"
            )
        return cls(timeout)

    def for_connect(self) -> float | None:
        """Returns the seconds for a connect.

        Raises:
            ConnectTimeout: Nothing is left of the total.
        """
        if self.deadline is None:
            return self.connect
        return self._within_total(self.connect, ConnectTimeout)

    def for_pause(self, seconds: float) -> float:
        """Returns the seconds for a pause between two attempts to connect.

        Raises:
            ConnectTimeout: Nothing is left of the total.
        """
        if self.deadline is None:
            return seconds
        return self._within_total(seconds, ConnectTimeout) or seconds

    def for_read(self) -> float | None:
        """Returns the seconds for a read.

        Raises:
            ReadTimeout: Nothing is left of the total.
        """
        if self.deadline is None:
            return self.read
        return self._within_total(self.read, ReadTimeout)

    def for_write(self) -> float | None:
        """Returns the seconds for a write.

        Raises:
            WriteTimeout: Nothing is left of the total.
        """
        if self.deadline is None:
            return self.write
        return self._within_total(self.write, WriteTimeout)

    def for_pool(self) -> float | None:
        """Returns the seconds for the wait for a connection.

        Raises:
            PoolTimeout: Nothing is left of the total.
        """
        if self.deadline is None:
            return self.pool
        return self._within_total(self.pool, PoolTimeout)

    def _within_total(
        self, seconds: float | None, expired: type[TimeoutException]
    ) -> float | None:
        assert self.deadline is not None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise expired(f"the total timeout of {self._total} seconds is over")
        return left if seconds is None or left < seconds else seconds


NO_TIMEOUTS = Timeouts({})
"""The timeouts of an exchange that has none."""


class Deadline:
    """One deadline over several steps.

    Args:
        seconds: From now on; None is no limit.
    """

    __slots__ = ("_ends_at",)

    def __init__(self, seconds: float | None) -> None:
        self._ends_at = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Returns the seconds that are left, 0 or less when none are."""
        return None if self._ends_at is None else self._ends_at - time.monotonic()
