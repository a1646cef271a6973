"""Whether a server that says nothing is still there (RFC 9113, section 6.7)."""

import enum


class Verdict(enum.Enum):
    """What to do about a server that has said nothing for a while."""

    WAIT = enum.auto()
    ASK = enum.auto()
    GIVE_UP = enum.auto()


class Silence:
    """How long a server has said nothing.

    After so many seconds it is asked, by a PING; after as many more it is given up. It is
    judged only by those who have just looked whether something came: what nobody reads
    is no silence.

    Args:
        seconds: Until it is asked; and from then on, until it is given up.
        now: The time, in seconds.
    """

    __slots__ = ("_asked_at", "_heard_at", "_question", "seconds")

    def __init__(self, seconds: float, now: float) -> None:
        self.seconds = seconds
        self._heard_at = now
        # When it was asked, and up to where all has to be written for it to hear that.
        self._asked_at: float | None = None
        self._question: int | None = None

    def end(self, now: float) -> None:
        """Notes that something has come."""
        self._heard_at = now
        self._asked_at = self._question = None

    def within(self, seconds: float | None, now: float) -> float | None:
        """Returns how long to wait for what may take `seconds`; None is no limit.

        Returns:
            `seconds`, or the time until a verdict is due, if that is less.
        """
        since = self._heard_at if self._asked_at is None else self._asked_at
        left = max(since + self.seconds - now, 0.0)
        return seconds if seconds is not None and seconds <= left else left

    def judge(self, now: float) -> Verdict:
        """Says what to do."""
        since = self._heard_at if self._asked_at is None else self._asked_at
        if now - since < self.seconds:
            return Verdict.WAIT
        return Verdict.ASK if self._asked_at is None else Verdict.GIVE_UP

    def ask(self, now: float, position: int) -> None:
        """Notes that a PING is to be written.

        Args:
            now: The time, in seconds.
            position: Where it ends in all that is written.
        """
        self._asked_at = now
        self._question = position

    def note_written(self, now: float, position: int) -> None:
        """Notes how far all is written: the time for an answer begins with the question."""
        if self._question is not None and position >= self._question:
            self._asked_at = now
            self._question = None
