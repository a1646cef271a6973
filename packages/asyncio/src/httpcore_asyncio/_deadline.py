"""From a timeout in seconds to a moment on the clock of an event loop."""

import asyncio
import math

from httpcore_interface import seconds_to_wait

NEVER = math.inf
"""The deadline of what may take for ever."""


def deadline_after(timeout: float | None, loop: asyncio.AbstractEventLoop) -> float:
    """Returns when a timeout that begins now is over, in the time of the loop."""
    seconds = seconds_to_wait(timeout)
    return NEVER if seconds is None else loop.time() + seconds
