"""Connections that carry many requests at once."""

import pytest
from state_steps import (
    assert_nothing_is_left,
    claim_slot,
    connect,
    doomed,
    enqueue,
    granted,
    open_idle,
    open_slot,
)

from httpcore_pool._state import Limits, PoolState, Slot, SlotState, Ticket


def test_first_shareable_dial_is_alone() -> None:
    state = PoolState[str](Limits())
    slot = claim_slot(state, may_share=True)
    tickets = [enqueue(state, may_share=True) for _ in range(3)]
    assert claim_slot(state, "b", may_share=True).state is SlotState.DIALLING
    connect(state, slot, capacity=100)
    assert granted(state) == tickets
    assert [ticket.slot for ticket in tickets] == [slot] * 3
    assert slot.in_use == 4
    assert claim_slot(state, may_share=True) is slot


def test_those_who_waited_dial_their_own_when_it_cannot_be_shared() -> None:
    state = PoolState[str](Limits(connections=3))
    slot = claim_slot(state, may_share=True)
    tickets = [enqueue(state, may_share=True) for _ in range(3)]
    connect(state, slot, capacity=1)
    assert granted(state) == tickets[:2]
    assert [ticket.slot and ticket.slot.state for ticket in tickets] == [
        SlotState.DIALLING,
        SlotState.DIALLING,
        None,
    ]


def test_failed_shareable_dial_is_followed_by_one_other() -> None:
    state = PoolState[str](Limits())
    slot = claim_slot(state, may_share=True)
    tickets = [enqueue(state, may_share=True) for _ in range(2)]
    state.failed(slot, 0.0)
    assert granted(state) == tickets[:1]


@pytest.mark.parametrize(("capacity", "expected"), [(1, SlotState.DIALLING), (100, None)])
def test_what_was_negotiated_is_remembered(capacity: int, expected: SlotState | None) -> None:
    state = PoolState[str](Limits())
    slot = open_slot(state, may_share=True, capacity=capacity)
    state.release(slot, 0.0, reusable=False)
    assert_nothing_is_left(state)
    claim_slot(state, may_share=True)
    second = state.claim("a", 0.0, may_share=True)
    assert (second.state if isinstance(second, Slot) else second.slot) is expected


def test_origin_that_learns_to_share_is_remembered_anew() -> None:
    state = PoolState[str](Limits())
    for capacity in (1, 100):
        slot = open_slot(state, may_share=True, capacity=capacity)
        state.release(slot, 0.0, reusable=False)
    claim_slot(state, may_share=True)
    enqueue(state, may_share=True)


def test_memory_of_negotiations_is_bounded() -> None:
    state = PoolState[str](Limits())
    for key in ["often", "once", *map(str, range(1022)), "often", "new", "newer"]:
        slot = claim_slot(state, key, may_share=True)
        slot = connect(state, slot, capacity=2 if key == "often" else 1)
        state.release(slot, 0.0, reusable=False)
    assert len(state._shares) == 1024
    # What is forgotten is dialled alone, as is what can be shared.
    for key, is_alone in [("often", True), ("once", True), ("0", True), ("1", False)]:
        claim_slot(state, key, may_share=True)
        assert isinstance(state.claim(key, 0.0, may_share=True), Ticket) is is_alone
    assert state._shares["often"] is True


def test_full_shared_connection_is_followed_by_another() -> None:
    state = PoolState[str](Limits(connections=2))
    slot = open_slot(state, may_share=True, capacity=2)
    assert claim_slot(state, may_share=True) is slot
    second = claim_slot(state, may_share=True)
    assert second.state is SlotState.DIALLING
    ticket = enqueue(state, may_share=True)
    state.release(slot, 0.0, reusable=True)
    assert ticket.slot is slot


def test_place_on_a_full_shared_connection_is_free_again() -> None:
    state = PoolState[str](Limits())
    slot = open_slot(state, may_share=True, capacity=2)
    assert claim_slot(state, may_share=True) is slot
    state.release(slot, 0.0, reusable=True)
    assert claim_slot(state, may_share=True) is slot


def test_shared_connection_is_idle_after_its_last_request() -> None:
    state = PoolState[str](Limits())
    slot = open_slot(state, may_share=True, capacity=3)
    claim_slot(state, may_share=True)
    state.release(slot, 0.0, reusable=True)
    assert (slot.state, slot.in_use) == (SlotState.ACTIVE, 1)
    state.release(slot, 1.0, reusable=True)
    assert (slot.state, slot.in_use) == (SlotState.IDLE, 0)
    assert slot.idle_since == 1.0


def test_shared_connection_under_way_stays_active_when_it_is_granted() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=2)
    claim_slot(state, may_share=True)
    ticket = enqueue(state, may_share=True)
    state.release(slot, 0.0, reusable=True)
    assert ticket.slot is slot
    assert slot.state is SlotState.ACTIVE


def test_shared_connection_that_broke_ends_with_its_last_request() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=3)
    claim_slot(state, may_share=True)
    state.release(slot, 0.0, reusable=False)
    assert doomed(state) == []
    ticket = enqueue(state, may_share=True)
    state.release(slot, 0.0, reusable=True)
    work = state.take_work()
    assert work is not None
    assert work.doomed == [slot.connection]
    assert work.granted == [ticket]


def test_busy_connection_over_its_age_takes_no_more_requests() -> None:
    state = PoolState[str](Limits(age_seconds=5.0))
    slot = open_slot(state, may_share=True, capacity=100)
    assert claim_slot(state, "a", 4.0, may_share=True) is slot
    assert claim_slot(state, "a", 5.0, may_share=True) is not slot
    assert doomed(state) == []
    state.release(slot, 5.0, reusable=True)
    state.release(slot, 5.0, reusable=True)
    assert doomed(state) == [slot.connection]


def test_raised_capacity_serves_those_who_wait() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=1)
    tickets = [enqueue(state, may_share=True) for _ in range(4)]
    state.set_capacity(slot, 3)
    assert granted(state) == tickets[:2]
    assert (slot.in_use, slot.capacity) == (3, 3)


def test_lowered_capacity_lets_requests_under_way_finish() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=4)
    for _ in range(2):
        claim_slot(state, may_share=True)
    state.set_capacity(slot, 1)
    ticket = enqueue(state, may_share=True)
    state.release(slot, 0.0, reusable=True)
    state.release(slot, 0.0, reusable=True)
    assert not ticket.is_settled
    state.release(slot, 0.0, reusable=True)
    assert ticket.slot is slot


def test_capacity_of_an_idle_connection_changes_quietly() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_idle(state)
    state.set_capacity(slot, 2)
    assert slot.state is SlotState.IDLE
    assert claim_slot(state) is slot
    assert claim_slot(state) is slot
    enqueue(state)


def test_idle_connection_without_any_capacity_is_closed() -> None:
    state = PoolState[str](Limits())
    slot = open_idle(state)
    state.set_capacity(slot, 0)
    assert slot.state is SlotState.CLOSED
    assert doomed(state) == [slot.connection]
    assert_nothing_is_left(state)


def test_released_connection_without_any_capacity_makes_place() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=4)
    state.set_capacity(slot, 0)
    ticket = enqueue(state, may_share=True)
    state.release(slot, 0.0, reusable=True)
    work = state.take_work()
    assert work is not None
    assert work.doomed == [slot.connection]
    assert work.granted == [ticket]


def test_capacity_that_comes_back_serves_those_who_wait() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=4)
    state.set_capacity(slot, 0)
    ticket = enqueue(state, may_share=True)
    state.set_capacity(slot, 2)
    assert ticket.slot is slot


def test_capacity_of_a_closed_slot_does_not_matter() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, may_share=True, capacity=2)
    state.release(slot, 0.0, reusable=False)
    state.set_capacity(slot, 5)
    state.retire(slot)
    assert_nothing_is_left(state)


def test_connection_that_takes_one_more_is_widened() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    ticket = enqueue(state)
    state.widen(slot)
    assert granted(state) == [ticket]
    assert (slot.in_use, slot.capacity) == (2, 2)
    assert isinstance(state.claim("a", 0.0), Ticket)


@pytest.mark.parametrize("others", [0, 1, 2])
def test_connection_that_refuses_is_narrowed_to_what_it_has(others: int) -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, capacity=5)
    for _ in range(others):
        assert claim_slot(state) is slot
    state.narrow(slot)
    assert slot.capacity == max(others, 1)
    state.release(slot, 0.0, reusable=True)
    if others:
        assert isinstance(state.claim("a", 0.0), Ticket)
    else:
        assert slot.state is SlotState.IDLE
