"""How long a request waits to leave, and then for its answer."""

import pytest
from virtual_clock import Clock

from httpcore_interface import ReadTimeout, WriteTimeout
from httpcore_pool._core.patience import (
    Departure,
    HeadPatience,
    Patience,
    Progress,
    WritePatience,
)
from httpcore_pool._core.timeouts import Timeouts


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    clock.install(monkeypatch)
    return clock


def begin(**timeout: float) -> tuple[Departure, HeadPatience]:
    departure = Departure(100, Progress())
    return departure, HeadPatience(Timeouts(timeout), departure)


def test_patience_for_one_thing(clock: Clock) -> None:
    patience = Patience(5.0, WriteTimeout)
    clock.advance(2.0)
    assert patience.left() == 3.0
    clock.advance(3.0)
    assert patience.left() == 0.0
    error = patience.error()
    assert type(error) is WriteTimeout
    assert str(error) == "the server took nothing for this request within 5.0 seconds"
    assert Patience(None, ReadTimeout).left() is None


def test_no_timeouts_are_no_limit(clock: Clock) -> None:
    departure, patience = begin()
    assert patience.left() is None
    departure.left_at = clock.now
    assert patience.left() is None


def test_request_has_its_write_timeout_to_leave(clock: Clock) -> None:
    _, patience = begin(write=5.0)
    clock.advance(4.0)
    assert patience.left() == 1.0
    clock.advance(1.0)
    assert patience.left() == 0.0
    assert type(patience.error()) is WriteTimeout


def test_answer_has_its_read_timeout_from_then_on(clock: Clock) -> None:
    departure, patience = begin(write=5.0, read=10.0)
    clock.advance(4.0)
    departure.left_at = clock.now
    clock.advance(3.0)
    assert patience.left() == 7.0
    clock.advance(7.0)
    assert patience.left() == 0.0
    error = patience.error()
    assert type(error) is ReadTimeout
    assert str(error) == "the server sent nothing for this request within 10.0 seconds"


def test_request_waits_anew_when_the_server_takes_something(clock: Clock) -> None:
    departure, patience = begin(write=5.0, total=12.0)
    clock.advance(4.0)
    departure.progress.moved_at = clock.now
    assert patience.left() == 5.0
    clock.advance(4.0)
    departure.progress.moved_at = clock.now
    assert patience.left() == 4.0
    clock.advance(4.0)
    assert str(patience.error()) == "the total timeout of 12.0 seconds is over"


def test_answer_that_gets_no_time_gets_it_when_the_request_has_left(clock: Clock) -> None:
    departure, patience = begin(read=0.0)
    left = patience.left()
    assert left is not None
    assert left > 0.0
    departure.left_at = clock.now
    assert patience.left() == 0.0
    assert type(patience.error()) is ReadTimeout


def test_bytes_wait_anew_when_the_server_takes_something(clock: Clock) -> None:
    progress = Progress()
    patience = WritePatience(5.0, progress)
    clock.advance(4.0)
    assert patience.left() == 1.0
    progress.moved_at = clock.now
    assert patience.left() == 5.0
    clock.advance(5.0)
    assert patience.left() == 0.0
    assert type(patience.error()) is WriteTimeout
    assert WritePatience(None, progress).left() is None


def test_bytes_wait_within_the_total(clock: Clock) -> None:
    progress = Progress()
    patience = WritePatience(None, progress, Timeouts({"total": 6.0}))
    clock.advance(6.0)
    progress.moved_at = clock.now
    assert patience.left() == 0.0
    assert str(patience.error()) == "the total timeout of 6.0 seconds is over"


def test_who_sleeps_looks_again_when_the_answer_may_be_late(clock: Clock) -> None:
    departure, patience = begin(write=5.0, read=2.0)
    # If it left at once, nobody would say so.
    assert patience.left() == 2.0
    departure.left_at = clock.now + 0.5
    clock.advance(2.0)
    assert patience.left() == 0.5
    _, patience = begin(read=2.0)
    clock.advance(2.0)
    # Without a write timeout it may leave when it likes.
    assert patience.left() == 2.0


@pytest.mark.parametrize("has_left", [False, True])
def test_total_ends_both(clock: Clock, has_left: bool) -> None:
    departure, patience = begin(write=5.0, read=5.0, total=6.0)
    clock.advance(4.0)
    departure.left_at = clock.now if has_left else None
    assert patience.left() == (2.0 if has_left else 1.0)
    clock.advance(2.0)
    left = patience.left()
    assert left is not None
    assert left <= 0.0
    error = patience.error()
    assert type(error) is (ReadTimeout if has_left else WriteTimeout)
    assert "the total timeout of 6.0 seconds is over" in str(error)
