"""One script, and how far it has been played."""

import collections.abc

from ._cues import Cue, Step, Unsolicited


class Script:
    """The steps of a server on one connection, played one after the other.

    Args:
        steps: Bytes and cues. It is not copied, so a list may grow while it is played.
        may_end: Whether a script of nothing but bytes ends the stream behind them.

    Raises:
        TypeError: A step is neither bytes nor a cue.
    """

    __slots__ = ("_may_end", "_position", "_steps", "_taken")

    def __init__(self, steps: collections.abc.Sequence[Step], *, may_end: bool) -> None:
        check_steps(steps)
        self._steps = steps
        self._may_end = may_end
        self._position = 0
        # How much of the segment that stands next has been taken.
        self._taken = 0

    @property
    def ends_by_itself(self) -> bool:
        """Whether the stream ends behind the last step, without a cue for it."""
        return self._may_end and not any(isinstance(step, Cue) for step in self._steps)

    @property
    def is_begun(self) -> bool:
        """Whether a part of the next segment has been taken, and a part has not."""
        return self._taken > 0

    def peek(self) -> Step | None:
        """Returns the next step; None behind the last.

        Raises:
            TypeError: It is neither bytes nor a cue: it was added later.
        """
        if self._position >= len(self._steps):
            return None
        return _check(self._steps[self._position])

    def advance(self) -> None:
        """Goes on to the step behind the next."""
        self._position += 1
        self._taken = 0

    def take(self, segment: bytes, max_bytes: int) -> bytes:
        """Takes what is left of the next step, which is a segment, or a part of that."""
        octets = segment[self._taken : self._taken + max_bytes]
        self._taken += len(octets)
        if self._taken >= len(segment):
            self.advance()
        return octets

    def rest(self) -> list[Step]:
        """Returns what has not been played."""
        steps = list(self._steps[self._position :])
        step = steps[0] if steps else None
        if self._taken and isinstance(step, Unsolicited):
            steps[0] = Unsolicited(step.content[self._taken :])
        elif self._taken and isinstance(step, bytes):
            steps[0] = step[self._taken :]
        return steps


def check_steps(steps: object) -> None:
    """Makes sure that a script is one.

    Raises:
        TypeError: It is not a list of bytes and cues.
    """
    if not isinstance(steps, collections.abc.Sequence) or isinstance(steps, bytes | str):
        raise TypeError(f"a script is a list of bytes and cues, but got {steps!r}")
    for step in steps:
        _check(step)


def _check(step: object) -> Step:
    if not isinstance(step, bytes | Cue):
        raise TypeError(f"a script is made of bytes and cues, but got {step!r}")
    return step
