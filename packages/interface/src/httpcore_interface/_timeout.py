"""From a timeout of the contract to what an event loop or a system call takes."""

LONGEST_WAIT = 24 * 86_400.0
"""Seconds that every clock and system call is sure to take: 24 days.

poll(2), for one, counts milliseconds in an int. Whoever waits longer waits for ever.
"""


def seconds_to_wait(timeout: float | None) -> float | None:
    """Returns how long an operation may wait.

    Args:
        timeout: As the caller gave it: None and infinity wait for ever, 0 or less (and
            what is no number) not at all.

    Returns:
        Seconds, 0 or more; None without an end.
    """
    if timeout is None or timeout > LONGEST_WAIT:
        return None
    return timeout if timeout > 0 else 0.0
