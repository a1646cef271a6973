"""A request's way out: its connection is kept, handed on or closed."""

import pytest
from state_steps import (
    assert_nothing_is_left,
    claim_slot,
    doomed,
    enqueue,
    granted,
    open_idle,
    open_slot,
)

from httpcore_pool._state import Limits, PoolState, SlotState


@pytest.mark.parametrize(
    ("limits", "seconds_in_use", "reusable", "expected"),
    [
        (Limits(), 0.0, True, SlotState.IDLE),
        (Limits(), 1e9, True, SlotState.IDLE),
        (Limits(), 0.0, False, SlotState.CLOSED),
        (Limits(idle=1), 0.0, True, SlotState.IDLE),
        (Limits(idle=0), 0.0, True, SlotState.CLOSED),
        (Limits(idle_seconds=0.0), 0.0, True, SlotState.CLOSED),
        (Limits(idle_seconds=1.0), 9.0, True, SlotState.IDLE),
        (Limits(age_seconds=5.0), 4.0, True, SlotState.IDLE),
        (Limits(age_seconds=5.0), 5.0, True, SlotState.CLOSED),
        (Limits(age_seconds=0.0), 0.0, True, SlotState.CLOSED),
    ],
)
def test_released_connection_is_kept_or_closed(
    limits: Limits, seconds_in_use: float, reusable: bool, expected: SlotState
) -> None:
    state = PoolState[str](limits)
    slot = open_slot(state, "a", 10.0)
    state.release(slot, 10.0 + seconds_in_use, reusable=reusable)
    assert slot.state is expected
    if expected is SlotState.CLOSED:
        assert doomed(state) == [slot.connection]
        assert_nothing_is_left(state)
    else:
        assert doomed(state) == []
        assert (state.active, state.queued) == (0, 0)


def test_keepalive_limit_counts_idle_connections_only() -> None:
    state = PoolState[str](Limits(idle=2))
    slots = [open_slot(state) for _ in range(5)]
    state.release(slots[0], 0.0, reusable=True)
    state.release(slots[1], 0.0, reusable=True)
    assert doomed(state) == []
    state.release(slots[2], 0.0, reusable=True)
    assert doomed(state) == [slots[0].connection]


@pytest.mark.parametrize(
    ("idle_for", "expected"),
    [(4.999, SlotState.RESERVED), (5.0, SlotState.CLOSED), (99.0, SlotState.CLOSED)],
)
def test_expired_connection_is_not_reused(idle_for: float, expected: SlotState) -> None:
    state = PoolState[str](Limits(idle_seconds=5.0))
    slot = open_idle(state, "a", 10.0)
    claim_slot(state, "a", 10.0 + idle_for)
    assert slot.state is expected
    assert doomed(state) == ([slot.connection] if expected is SlotState.CLOSED else [])


def test_any_claim_and_any_release_closes_what_has_expired() -> None:
    state = PoolState[str](Limits(idle_seconds=5.0))
    busy = open_slot(state, "a", 0.0)
    first = open_idle(state, "b", 1.0)
    second = open_idle(state, "c", 2.0)
    third = open_idle(state, "d", 3.0)
    claim_slot(state, "e", 6.5)
    assert doomed(state) == [first.connection]
    state.release(busy, 7.5, reusable=True)
    assert doomed(state) == [second.connection]
    assert third.state is SlotState.IDLE


@pytest.mark.parametrize(
    ("now", "expected"), [(5.999, SlotState.IDLE), (6.0, SlotState.CLOSED)]
)
def test_idle_time_ends_when_it_is_over(now: float, expected: SlotState) -> None:
    state = PoolState[str](Limits(idle_seconds=5.0))
    slot = open_idle(state, "a", 1.0)
    claim_slot(state, "b", now)
    assert slot.state is expected


def test_use_begins_the_idle_time_anew() -> None:
    state = PoolState[str](Limits(idle_seconds=5.0))
    slot = open_idle(state, "a", 0.0)
    state.release(claim_slot(state, "a", 4.0), 4.0, reusable=True)
    assert claim_slot(state, "a", 8.0) is slot


def test_idle_connection_over_its_age_is_not_reused() -> None:
    state = PoolState[str](Limits(age_seconds=5.0))
    old = open_slot(state, "a", 0.0)
    young = open_slot(state, "a", 3.0)
    state.release(young, 4.0, reusable=True)
    state.release(old, 4.0, reusable=True)
    assert claim_slot(state, "a", 6.0) is young
    assert doomed(state) == [old.connection]


def test_origin_survives_the_loss_of_all_its_connections_in_a_claim() -> None:
    state = PoolState[str](Limits(connections=1, age_seconds=5.0))
    old = open_idle(state, "a", 0.0)
    slot = claim_slot(state, "a", 9.0)
    assert slot.state is SlotState.DIALLING
    assert doomed(state) == [old.connection]
    ticket = enqueue(state, "a", 9.0)
    state.failed(slot, 9.0)
    assert granted(state) == [ticket]


def test_connection_that_cannot_be_reused_makes_place_for_a_waiter() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    ticket = enqueue(state)
    state.release(slot, 0.0, reusable=False)
    work = state.take_work()
    assert work is not None
    assert work.doomed == [slot.connection]
    assert work.granted == [ticket]
    assert ticket.slot is not slot
