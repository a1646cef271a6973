"""Slots that are dialled, and dialled again where the connection was dead."""

from state_steps import (
    assert_nothing_is_left,
    claim_slot,
    connect,
    enqueue,
    granted,
    open_idle,
    open_slot,
)

from httpcore_pool._state import Limits, PoolState, SlotState


def test_failed_dial_gives_its_place_to_the_longest_waiter() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = claim_slot(state, "a")
    first = enqueue(state, "b")
    enqueue(state, "a")
    state.failed(slot, 0.0)
    work = state.take_work()
    assert work is not None
    assert work.doomed == []
    assert work.granted == [first]
    assert slot.state is SlotState.CLOSED


def test_failed_dial_leaves_nothing() -> None:
    state = PoolState[str](Limits())
    state.failed(claim_slot(state), 0.0)
    assert_nothing_is_left(state)
    assert state.take_work() is None


def test_dead_connection_is_dialled_again_in_place() -> None:
    state = PoolState[str](Limits(connections=1))
    open_idle(state, "a", 0.0)
    slot = claim_slot(state, "a", 1.0)
    ticket = enqueue(state, "a", 1.0)
    assert state.redial(slot, 1.0)
    assert slot.state is SlotState.DIALLING
    assert slot.connection is None
    assert (state.active, state.queued) == (1, 1)
    assert not ticket.is_settled
    connect(state, slot, 2.0)
    assert slot.opened_at == 2.0
    assert slot.served == 1
    state.release(slot, 3.0, reusable=True)
    assert ticket.slot is slot
    assert state.stats().retried == 1


def test_redial_before_anything_was_sent_is_no_retry() -> None:
    state = PoolState[str](Limits())
    assert state.redial(open_slot(state), 0.0, is_retry=False)
    assert state.stats().retried == 0


def test_dead_retired_connection_is_as_good_as_new_after_redialling() -> None:
    state = PoolState[str](Limits())
    open_idle(state)
    slot = claim_slot(state)
    state.retire(slot)
    assert state.redial(slot, 0.0)
    connect(state, slot)
    state.release(slot, 0.0, reusable=True)
    assert slot.state is SlotState.IDLE


def test_dead_shared_connection_has_no_room_while_it_is_dialled_again() -> None:
    state = PoolState[str](Limits())
    slot = open_slot(state, may_share=True, capacity=3)
    assert state.redial(slot, 0.0)
    ticket = enqueue(state, may_share=True)
    connect(state, slot, capacity=2)
    assert ticket.slot is slot
    assert claim_slot(state, may_share=True) is not slot


def test_nobody_waits_for_a_redial_once_there_is_nothing_to_share() -> None:
    state = PoolState[str](Limits())
    first = open_slot(state, may_share=True, capacity=2)
    claim_slot(state, may_share=True)
    second = claim_slot(state, may_share=True)
    state.release(first, 0.0, reusable=True)
    assert state.redial(first, 0.0)
    ticket = enqueue(state, may_share=True)
    connect(state, second, capacity=1)
    assert granted(state) == [ticket]
    assert ticket.slot not in (first, second)


def test_waiters_wait_for_all_dials_that_may_be_shared() -> None:
    state = PoolState[str](Limits())
    first = open_slot(state, may_share=True, capacity=2)
    claim_slot(state, may_share=True)
    second = claim_slot(state, may_share=True)
    state.release(first, 0.0, reusable=True)
    assert state.redial(first, 0.0)
    ticket = enqueue(state, may_share=True)
    state.failed(first, 0.0)
    assert not ticket.is_settled
    connect(state, second, capacity=2)
    assert ticket.slot is second


def test_redialled_slot_that_fails_is_gone() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    ticket = enqueue(state)
    assert state.redial(slot, 0.0)
    state.failed(slot, 0.0)
    assert granted(state) == [ticket]


def test_slots_say_what_they_are() -> None:
    state = PoolState[str](Limits())
    slot = claim_slot(state, may_share=True)
    assert repr(slot) == "<Slot dialling 1/1>"
    connect(state, slot, capacity=100)
    assert repr(slot) == "<Slot reserved 1/100>"
