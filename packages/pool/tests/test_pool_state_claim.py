"""A request's way in: it reuses, dials or waits."""

from state_steps import claim_slot, doomed, enqueue, open_idle, open_slot

from httpcore_pool._state import Limits, PoolState, SlotState


def test_first_request_dials() -> None:
    state = PoolState[str](Limits())
    slot = claim_slot(state)
    assert slot.state is SlotState.DIALLING
    assert slot.in_use == slot.served == 1
    assert (state.active, state.queued) == (1, 0)


def test_idle_connection_is_reserved_the_moment_it_is_claimed() -> None:
    state = PoolState[str](Limits())
    slot = open_idle(state)
    assert claim_slot(state) is slot
    assert slot.state is SlotState.RESERVED
    assert slot.served == 2
    assert claim_slot(state) is not slot


def test_connection_of_another_origin_is_not_reused() -> None:
    state = PoolState[str](Limits())
    slot = open_idle(state, "a")
    assert claim_slot(state, "b").state is SlotState.DIALLING
    assert slot.state is SlotState.IDLE


def test_last_used_connection_is_taken_first() -> None:
    state = PoolState[str](Limits())
    first, second, third = (open_slot(state) for _ in range(3))
    for slot in (second, third, first):
        state.release(slot, 0.0, reusable=True)
    assert [claim_slot(state) for _ in range(3)] == [first, third, second]


def test_request_waits_when_all_connections_are_in_use() -> None:
    state = PoolState[str](Limits(connections=2))
    open_slot(state, "a")
    open_slot(state, "b")
    enqueue(state, "a")
    assert (state.active, state.queued) == (2, 1)


def test_full_pool_closes_the_connection_that_was_idle_longest() -> None:
    state = PoolState[str](Limits(connections=3))
    slots = [open_slot(state, key) for key in "abc"]
    for now, slot in enumerate((slots[1], slots[2], slots[0])):
        state.release(slot, now, reusable=True)
    assert claim_slot(state, "d", 3.0).state is SlotState.DIALLING
    assert doomed(state) == [slots[1].connection]
    assert [slot.state for slot in slots] == [SlotState.IDLE, SlotState.CLOSED, SlotState.IDLE]


def test_full_pool_does_not_close_a_connection_in_use() -> None:
    state = PoolState[str](Limits(connections=2))
    open_slot(state, "a")
    open_idle(state, "b")
    reserved = claim_slot(state, "b")
    enqueue(state, "c")
    assert reserved.state is SlotState.RESERVED
    assert doomed(state) == []


def test_origin_at_its_limit_waits_though_the_pool_has_places() -> None:
    state = PoolState[str](Limits(connections=9, connections_per_origin=2))
    open_slot(state, "a")
    claim_slot(state, "a")
    ticket = enqueue(state, "a")
    assert claim_slot(state, "b").state is SlotState.DIALLING
    assert not ticket.is_settled


def test_origin_at_its_limit_does_not_close_a_strangers_connection() -> None:
    state = PoolState[str](Limits(connections=2, connections_per_origin=1))
    stranger = open_idle(state, "b")
    open_slot(state, "a")
    enqueue(state, "a")
    assert stranger.state is SlotState.IDLE
