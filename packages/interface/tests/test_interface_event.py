"""The one-shot event for threads."""

import gc
import math
import threading
import typing

import pytest

from httpcore_interface import Event

FOR_EVER = [None, math.inf, 1e300, threading.TIMEOUT_MAX, threading.TIMEOUT_MAX * 2]


class Waiting:
    """A thread that waits for an event."""

    def __init__(self, event: Event, timeout: float | None = None) -> None:
        self._outcome: list[bool] = []
        self._thread = threading.Thread(
            target=lambda: self._outcome.append(event.wait(timeout)), daemon=True
        )
        self._thread.start()

    def outcome(self) -> bool:
        self._thread.join(30)
        (outcome,) = self._outcome
        return outcome


@pytest.mark.parametrize("timeout", [None, 0, -1, -math.inf, 0.5, math.inf, 1e300])
def test_wait_for_an_event_that_is_set_returns_at_once(timeout: float | None) -> None:
    event = Event()
    event.set()
    assert event.wait(timeout) is True
    assert event.wait(timeout) is True


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -math.inf, 0.001])
def test_wait_that_ends_without_the_event(timeout: float) -> None:
    event = Event()
    assert event.wait(timeout) is False
    assert event.wait(timeout) is False
    event.set()
    assert event.wait(timeout) is True


@pytest.mark.parametrize("timeout", FOR_EVER)
def test_wait_ends_when_another_thread_sets_the_event(timeout: float | None) -> None:
    event = Event()
    waiting = Waiting(event, timeout)
    event.set()
    assert waiting.outcome() is True


def test_every_waiting_thread_is_woken() -> None:
    event = Event()
    waiting = [Waiting(event) for _ in range(10)]
    event.set()
    assert [each.outcome() for each in waiting] == [True] * 10


def test_timed_out_wait_takes_nothing_from_the_others() -> None:
    event = Event()
    waiting = Waiting(event)
    assert event.wait(0.001) is False
    event.set()
    assert waiting.outcome() is True
    assert event.wait() is True


def test_event_may_be_set_many_times_and_from_many_threads() -> None:
    for _ in range(50):
        event = Event()
        waiting = [Waiting(event) for _ in range(2)]
        setters = [threading.Thread(target=event.set) for _ in range(4)]
        for setter in setters:
            setter.start()
        for setter in setters:
            setter.join()
        event.set()
        assert [each.outcome() for each in waiting] == [True, True]


class OpenedByAnother:
    """A lock that a second setter opens again as soon as somebody has taken it."""

    def acquire(self, timeout: float) -> bool:
        return True

    def release(self) -> None:
        raise RuntimeError("release unlocked lock")


def test_two_threads_that_set_the_event_at_once_do_not_break_the_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = Event()
    monkeypatch.setattr(event, "_lock", OpenedByAnother())
    assert event.wait() is False  # it was never set: only the lock was open


def test_event_set_by_a_finaliser_wakes_who_waits() -> None:
    event = Event()
    waiting = Waiting(event)
    cycle = SetsWhenCollected(event)
    cycle.itself = cycle
    del cycle
    gc.collect()
    assert waiting.outcome() is True


class SetsWhenCollected:
    itself: "SetsWhenCollected"

    def __init__(self, event: Event) -> None:
        self.event = event

    def __del__(self) -> None:
        self.event.set()


def test_event_may_be_set_by_a_finaliser_that_interrupts_its_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = Event()
    waiting = Waiting(event)
    interrupted = InterruptedLock(event._lock, event.set)
    monkeypatch.setattr(event, "_lock", interrupted)
    event.set()
    # Once for each: the second finds it open.
    assert interrupted.times == 2
    assert waiting.outcome() is True


class InterruptedLock:
    """A lock during whose release a finaliser runs, in the same thread."""

    def __init__(self, lock: threading.Lock, finaliser: typing.Callable[[], None]) -> None:
        self._lock = lock
        self._finaliser = finaliser
        self.times = 0

    def release(self) -> None:
        self.times += 1
        if self.times == 1:
            self._finaliser()
        self._lock.release()


class InterruptedOnce(Event):
    """An event whose first setting is broken off by a signal handler."""

    __slots__ = ("_settings",)

    def __init__(self) -> None:
        super().__init__()
        self._settings = 0

    def _open(self) -> None:
        self._settings += 1
        if self._settings == 1:
            raise KeyboardInterrupt
        super()._open()


def test_event_whose_setting_was_interrupted_can_be_set_once_more() -> None:
    event = InterruptedOnce()
    waiting = Waiting(event)
    with pytest.raises(KeyboardInterrupt):
        event.set()
    event.set()
    assert waiting.outcome() is True
