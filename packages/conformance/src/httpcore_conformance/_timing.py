"""How exactly time is kept."""

import collections.abc

EARLY = 0.02
"""Seconds by which a timer may go off too soon: some clocks count milliseconds, or 16."""


def fastest(
    attempt: collections.abc.Callable[[], float], at_most: float, attempts: int = 5
) -> float:
    """Returns how long something takes, if nothing else holds the machine up.

    Args:
        attempt: Does it, and returns the seconds that it took.
        at_most: What is fast enough.
        attempts: How often to try until it is.
    """
    times: list[float] = []
    while len(times) < attempts and (not times or times[-1] > at_most):
        times.append(attempt())
    return min(times)
