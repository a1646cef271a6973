"""The warm-up: how often the operation is done before it counts, and how often then."""

import sys
import time

from tools.bench.task import Task

SHARE = 1 / 5
"""How long a warm-up takes, as a share of the time to measure."""

LEAST_EACH = 10
"""Requests of each thread or task, where there are several: starting and ending, when
not all of them are at work, must not be most of what is measured."""


PATIENCE = 10
"""How many times the time to measure may be taken for that, by who is so slow."""


class WarmUp:
    """Passes of all threads or tasks, longer and longer, until the time is over.

    By then the connections are open and the interpreter has specialised its code.

    Args:
        task: What is to be measured.

    Attributes:
        count: How often each thread or task does the operation in the next pass.
        is_over: Whether there is no next pass.
    """

    __slots__ = ("_began", "_done", "_per_request", "_task", "count", "is_over")

    def __init__(self, task: Task) -> None:
        self._task = task
        self._began: float | None = None
        self._done = 0
        self._per_request = 0.0
        self.count = 1
        self.is_over = False

    def note(self, wall: float) -> None:
        """Take down that a pass took `wall` seconds."""
        task, done = self._task, self.count * self._task.at_once
        self._done += done
        self._per_request = wall / done
        is_enough = self._done >= (task.requests or sys.maxsize)
        if self._began is None:
            # The first pass opens connections, which says nothing about requests.
            self._began = time.perf_counter()
            self.is_over = is_enough or wall >= task.seconds * PATIENCE
            return
        is_late = time.perf_counter() - self._began >= task.seconds * SHARE
        self.is_over = is_enough or is_late
        self.count *= 2

    def choose_count(self) -> int:
        """Return how often each thread or task does the operation to be measured."""
        task = self._task
        if task.requests is not None:
            return max(1, task.requests // task.at_once)
        count = task.seconds / (self._per_request * task.at_once)
        if task.at_once > 1:
            count = max(count, min(LEAST_EACH, count * PATIENCE))
        return max(1, round(count))
