"""Requests that give up while they wait, or when they have just been served."""

from state_steps import assert_nothing_is_left, enqueue, granted, open_slot

from httpcore_pool._state import Limits, PoolState, SlotState


def test_abandoned_ticket_leaves_the_queue() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    first = enqueue(state)
    second = enqueue(state)
    state.abandon(first, 0.0)
    assert state.queued == 1
    state.release(slot, 0.0, reusable=True)
    assert granted(state) == [second]


def test_abandoned_grant_is_passed_on() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    first = enqueue(state)
    second = enqueue(state)
    state.release(slot, 0.0, reusable=True)
    assert granted(state) == [first]
    state.abandon(first, 0.0)
    assert granted(state) == [second]
    assert second.slot is slot
    state.abandon(second, 0.0)
    assert slot.state is SlotState.IDLE
    assert (state.active, state.queued) == (0, 0)


def test_abandoned_right_to_dial_is_passed_on() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    first = enqueue(state, "b")
    second = enqueue(state, "c")
    state.release(slot, 0.0, reusable=True)
    assert granted(state) == [first]
    state.abandon(first, 0.0)
    assert granted(state) == [second]
    assert second.slot is not first.slot
    state.abandon(second, 0.0)
    assert_nothing_is_left(state)


def test_abandoned_grant_of_a_closed_pool_changes_nothing() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    waked = enqueue(state)
    refused = enqueue(state)
    state.release(slot, 0.0, reusable=True)
    state.close()
    state.abandon(waked, 0.0)
    state.abandon(refused, 0.0)
    assert refused.is_refused
    assert_nothing_is_left(state)


def test_ten_thousand_abandoned_tickets_behind_a_stuck_one_leave_nothing() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, "a")
    stuck = enqueue(state, "a")
    for number in range(10_000):
        state.abandon(enqueue(state, f"origin {number % 500}"), 0.0)
        state.abandon(enqueue(state, "a"), 0.0)
    assert state.queued == 1
    assert len(state._heads) < 50
    assert list(state._origins) == ["a"]
    assert len(state._origins["a"].tickets) == 1
    state.release(slot, 0.0, reusable=True)
    assert granted(state) == [stuck]


def test_ten_thousand_tickets_abandoned_at_once_leave_nothing() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, "a")
    for ticket in [enqueue(state, f"origin {number}") for number in range(10_000)]:
        state.abandon(ticket, 0.0)
    assert not state._heads
    state.release(slot, 0.0, reusable=False)
    assert_nothing_is_left(state)
