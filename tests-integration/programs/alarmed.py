"""Is interrupted by alarms: `python -m programs.alarmed URL SECONDS`.

A signal handler raises, again and again, wherever the main thread is in its requests;
three other threads share its pool and are never disturbed. Prints how often that was, and
what the pool has come to.
"""

import contextlib
import gc
import random
import signal
import sys
import threading
import time
import types

import httpcore

URL, SECONDS = sys.argv[1], float(sys.argv[2])
PATIENCE = {"timeout": {"pool": 30.0, "read": 30.0}}


class Alarm(BaseException):
    """What the signal handler raises."""


class Disturbed:
    """Requests of the main thread, between which and in which alarms go off."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool
        self._is_armed = False
        self.alarms = 0
        signal.signal(signal.SIGALRM, self._raise)

    def _raise(self, number: int, frame: types.FrameType | None) -> None:
        if self._is_armed:
            raise Alarm

    def go_on(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.003))
            try:
                self._is_armed = True
                for _ in range(5):
                    self._pool.request("GET", URL)
            except Alarm:
                self.alarms += 1
            finally:
                self._is_armed = False


def say(*facts: object) -> None:
    sys.stdout.write(" ".join(map(str, facts)) + "\n")


def main() -> None:
    # What a handler raises in a finaliser is printed by Python, and lost.
    sys.unraisablehook = lambda unraisable: None
    is_over = threading.Event()
    failures: list[Exception] = []
    with httpcore.ConnectionPool(max_connections=2) as pool:
        # An import that is interrupted leaves Python's own locks taken.
        pool.request("GET", URL)

        def go_on() -> None:
            try:
                while not is_over.is_set():
                    pool.request("GET", URL, extensions=PATIENCE)
            except Exception as exc:
                failures.append(exc)

        threads = [threading.Thread(target=go_on) for _ in range(3)]
        for thread in threads:
            thread.start()
        disturbed = Disturbed(pool)
        with contextlib.suppress(Alarm):
            disturbed.go_on(SECONDS)
        signal.setitimer(signal.ITIMER_REAL, 0)
        is_over.set()
        for thread in threads:
            thread.join()
        gc.collect()
        for _ in range(3):
            pool.request("GET", URL, extensions=PATIENCE)
        stats = pool.stats()
        books = (stats.requests_active, stats.requests_queued, stats.dialling, stats.active)
        say(disturbed.alarms, *books, stats.opened - stats.closed - stats.idle)
        say(*failures)


main()
