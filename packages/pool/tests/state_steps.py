"""The steps that tests of the pool's state are made of."""

import itertools

from httpcore_pool._state import PoolState, Slot, SlotState, Ticket

names = itertools.count()


def claim_slot(
    state: PoolState[str], key: str = "a", now: float = 0.0, *, may_share: bool = False
) -> Slot[str]:
    slot = state.claim(key, now, may_share=may_share)
    assert isinstance(slot, Slot)
    return slot


def enqueue(
    state: PoolState[str], key: str = "a", now: float = 0.0, *, may_share: bool = False
) -> Ticket[str]:
    ticket = state.claim(key, now, may_share=may_share)
    assert isinstance(ticket, Ticket)
    assert not ticket.is_settled
    return ticket


def connect(
    state: PoolState[str], slot: Slot[str], now: float = 0.0, *, capacity: int = 1
) -> Slot[str]:
    assert slot.state is SlotState.DIALLING
    slot.connection = f"connection {next(names)}"
    assert state.connected(slot, now, capacity=capacity)
    return slot


def open_slot(
    state: PoolState[str],
    key: str = "a",
    now: float = 0.0,
    *,
    capacity: int = 1,
    may_share: bool = False,
) -> Slot[str]:
    """Claims and dials: the slot is held by one request, which has begun to send."""
    slot = connect(
        state, claim_slot(state, key, now, may_share=may_share), now, capacity=capacity
    )
    slot.state = SlotState.ACTIVE
    return slot


def open_idle(state: PoolState[str], key: str = "a", now: float = 0.0) -> Slot[str]:
    slot = open_slot(state, key, now)
    state.release(slot, now, reusable=True)
    assert slot.state is SlotState.IDLE
    return slot


def doomed(state: PoolState[str]) -> list[str]:
    work = state.take_work()
    return [] if work is None else work.doomed


def granted(state: PoolState[str]) -> list[Ticket[str]]:
    work = state.take_work()
    return [] if work is None else work.granted


def assert_nothing_is_left(state: PoolState[str]) -> None:
    assert (state.active, state.queued) == (0, 0)
    assert not state.slots
    assert not state._origins
    assert not state._idle
    assert not state._heads
