"""Closing the whole pool, and opening it again."""

import pytest
from state_steps import (
    assert_nothing_is_left,
    claim_slot,
    doomed,
    enqueue,
    open_idle,
    open_slot,
)

from httpcore_pool._state import Limits, PoolState, SlotState


def test_closed_pool_closes_every_connection_and_refuses_every_ticket() -> None:
    state = PoolState[str](Limits(connections_per_origin=1))
    idle = open_idle(state, "a")
    active = open_slot(state, "b")
    open_idle(state, "c")
    reserved = claim_slot(state, "c")
    dialling = claim_slot(state, "d")
    tickets = [enqueue(state, key) for key in "bdb"]
    state.close()
    work = state.take_work()
    assert work is not None
    slots = [idle, active, reserved, dialling]
    assert [slot.state for slot in slots] == [SlotState.CLOSED] * 4
    assert work.doomed == [idle.connection, active.connection, reserved.connection]
    assert all(ticket.is_refused and ticket.is_settled for ticket in tickets)
    assert set(work.granted) == set(tickets)
    assert_nothing_is_left(state)


def test_late_news_of_a_closed_pools_connections_change_nothing() -> None:
    state = PoolState[str](Limits())
    dialling = claim_slot(state, "a")
    failing = claim_slot(state, "a")
    active = open_slot(state, "b")
    redialled = open_slot(state, "c")
    state.close()
    assert doomed(state) == [active.connection, redialled.connection]
    dialling.connection = "late"
    assert not state.connected(dialling, 0.0)
    assert not state.redial(redialled, 0.0)
    state.failed(failing, 0.0)
    state.release(active, 0.0, reusable=True)
    state.retire(active)
    state.set_capacity(active, 9)
    assert state.take_work() is None
    assert_nothing_is_left(state)


def test_closing_the_pool_ends_a_dial_under_way() -> None:
    state = PoolState[str](Limits())
    slot = claim_slot(state)
    slot.connection = "under way"
    state.close()
    assert doomed(state) == ["under way"]
    assert not state.connected(slot, 0.0)
    assert state.take_work() is None
    assert state.stats().closed == 0


def test_closing_twice_is_closing_once() -> None:
    state = PoolState[str](Limits())
    slot = open_slot(state)
    state.close()
    assert doomed(state) == [slot.connection]
    state.close()
    assert state.take_work() is None


def test_closed_pool_takes_no_requests_until_it_is_reopened() -> None:
    state = PoolState[str](Limits(connections=1))
    open_slot(state)
    state.close()
    with pytest.raises(RuntimeError, match=r"^the connection pool is closed$"):
        state.claim("a", 0.0)
    state.reopen()
    assert claim_slot(state).state is SlotState.DIALLING


def test_request_that_begins_to_send_as_the_pool_closes_changes_nothing() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=1)
    ticket = enqueue(state, may_share=True)
    state.close()
    # The caller writes this without the lock.
    slot.state = SlotState.ACTIVE
    state.set_capacity(slot, 2)
    assert ticket.slot is None
    assert not state.redial(slot, 0.0)
    state.retire(slot)
    state.release(slot, 0.0, reusable=True)
    assert_nothing_is_left(state)


def test_news_from_before_a_reopening_change_nothing() -> None:
    state = PoolState[str](Limits(connections=2))
    old = [open_slot(state), claim_slot(state)]
    state.close()
    state.reopen()
    new = [open_slot(state), claim_slot(state)]
    ticket = enqueue(state)
    state.release(old[0], 0.0, reusable=True)
    state.failed(old[1], 0.0)
    assert (state.active, state.queued) == (2, 1)
    assert list(state.slots) == new
    assert not ticket.is_settled
