"""Who is served next, of those who wait."""

import pytest
from state_steps import connect, doomed, enqueue, granted, open_slot

from httpcore_pool._state import Limits, PoolState, Slot, SlotState


def test_freed_connection_goes_to_the_longest_waiter() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    tickets = [enqueue(state) for _ in range(3)]
    for ticket in tickets:
        state.release(slot, 0.0, reusable=True)
        assert granted(state) == [ticket]
        assert ticket.slot is slot
        assert slot.state is SlotState.RESERVED
    state.release(slot, 0.0, reusable=True)
    assert state.take_work() is None
    assert slot.state is SlotState.IDLE


def test_one_freed_connection_wakes_one_of_fifty() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    tickets = [enqueue(state) for _ in range(50)]
    state.release(slot, 0.0, reusable=True)
    assert granted(state) == tickets[:1]
    assert (state.active, state.queued) == (1, 49)


def test_granted_connection_is_neither_closed_nor_given_to_anyone_else() -> None:
    state = PoolState[str](Limits(connections=1, idle=0, idle_seconds=0.0))
    slot = open_slot(state)
    ticket = enqueue(state)
    state.release(slot, 0.0, reusable=True)
    # Its new owner has not woken up yet.
    enqueue(state, "a", 99.0)
    enqueue(state, "b", 99.0)
    assert doomed(state) == []
    assert ticket.slot is slot
    assert slot.state is SlotState.RESERVED


def test_older_waiter_of_another_origin_gets_the_place() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, "a")
    older = enqueue(state, "b")
    younger = enqueue(state, "a")
    state.release(slot, 0.0, reusable=True)
    work = state.take_work()
    assert work is not None
    assert work.doomed == [slot.connection]
    assert work.granted == [older]
    assert older.slot is not None
    assert older.slot.state is SlotState.DIALLING
    assert not younger.is_settled


def test_younger_waiter_of_another_origin_does_not() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, "a")
    older = enqueue(state, "a")
    enqueue(state, "b")
    state.release(slot, 0.0, reusable=True)
    assert granted(state) == [older]
    assert older.slot is slot


def test_waiter_whose_origin_is_at_its_limit_is_passed_over() -> None:
    state = PoolState[str](Limits(connections=2, connections_per_origin=1))
    open_slot(state, "a")
    other = open_slot(state, "b")
    oldest = enqueue(state, "a")
    next_one = enqueue(state, "c")
    state.release(other, 0.0, reusable=False)
    assert granted(state) == [next_one]
    assert not oldest.is_settled


def test_waiter_at_its_origins_limit_gets_the_place_of_a_lost_connection() -> None:
    state = PoolState[str](Limits(connections=2, connections_per_origin=1))
    slot = open_slot(state, "a")
    ticket = enqueue(state, "a")
    state.release(slot, 0.0, reusable=False)
    assert granted(state) == [ticket]
    assert ticket.slot is not None
    assert ticket.slot.state is SlotState.DIALLING


def test_newcomer_does_not_overtake() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, "a")
    ticket = enqueue(state, "a")
    state.release(slot, 0.0, reusable=True)
    enqueue(state, "a")
    assert ticket.slot is slot


@pytest.mark.parametrize("origins", ["ab", "abc", "aab", "abba", "ccab"])
def test_one_connection_serves_origins_in_order_of_arrival(origins: str) -> None:
    state = PoolState[str](Limits(connections=1))
    slot: Slot[str] | None = open_slot(state, "z")
    tickets = [enqueue(state, key) for key in origins * 3]
    for ticket in tickets:
        assert slot is not None
        state.release(slot, 0.0, reusable=True)
        assert granted(state) == [ticket]
        slot = ticket.slot
        assert slot is not None
        if slot.state is SlotState.DIALLING:
            connect(state, slot)


def test_work_is_handed_over_once() -> None:
    state = PoolState[str](Limits(connections=1))
    assert state.take_work() is None
    slot = open_slot(state)
    assert state.take_work() is None
    ticket = enqueue(state, "b")
    state.release(slot, 0.0, reusable=True)
    assert state.take_work() == ([slot.connection], [ticket])
    assert state.take_work() is None
