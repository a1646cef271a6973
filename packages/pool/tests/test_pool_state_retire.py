"""Connections that shall take no more requests."""

from state_steps import (
    assert_nothing_is_left,
    claim_slot,
    connect,
    doomed,
    enqueue,
    open_idle,
    open_slot,
)

from httpcore_pool._state import Limits, PoolState


def test_idle_connection_that_is_retired_is_closed_at_once() -> None:
    state = PoolState[str](Limits())
    slot = open_idle(state)
    state.retire(slot)
    assert doomed(state) == [slot.connection]
    assert_nothing_is_left(state)


def test_busy_connection_that_is_retired_ends_with_its_last_request() -> None:
    state = PoolState[str](Limits())
    slot = open_slot(state, may_share=True, capacity=9)
    assert claim_slot(state, may_share=True) is slot
    state.retire(slot)
    assert claim_slot(state, may_share=True) is not slot
    state.release(slot, 0.0, reusable=True)
    assert doomed(state) == []
    state.release(slot, 0.0, reusable=True)
    assert doomed(state) == [slot.connection]


def test_raised_capacity_does_not_revive_a_retired_connection() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=1)
    state.retire(slot)
    ticket = enqueue(state, may_share=True)
    state.set_capacity(slot, 9)
    assert not ticket.is_settled


def test_connection_that_is_retired_while_it_is_dialled_serves_its_dialler_only() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = claim_slot(state, may_share=True)
    state.retire(slot)
    ticket = enqueue(state, may_share=True)
    connect(state, slot, capacity=9)
    assert not ticket.is_settled
    state.release(slot, 0.0, reusable=True)
    assert doomed(state) == [slot.connection]
