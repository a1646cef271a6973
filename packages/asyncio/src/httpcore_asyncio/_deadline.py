"""Deadlines: from a timeout in seconds to a moment on the clock of an event loop."""

import asyncio
import math

# Beyond this (30 years) a timeout waits for ever: not every loop can count further.
_LONGEST_WAIT = 1e9

NEVER = math.inf
"""The deadline of what may take for ever."""


def seconds_to_wait(timeout: float | None) -> float | None:
    """Returns what a timer may be told: None to wait for ever, else 0 or more."""
    if timeout is None or timeout > _LONGEST_WAIT:
        return None
    return timeout if timeout > 0 else 0.0


def deadline_after(timeout: float | None, loop: asyncio.AbstractEventLoop) -> float:
    """Returns when a timeout that begins now is over, in the time of the loop."""
    seconds = seconds_to_wait(timeout)
    return NEVER if seconds is None else loop.time() + seconds
