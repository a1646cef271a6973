"""Dropping all that belongs to some origins, as when their event loop has ended."""

import typing

import pytest

from httpcore_pool._state import Limits, PoolState, Slot, SlotState, Ticket

Key = tuple[str, int]
State = PoolState[str]

LOST: Key = ("origin", 1)
KEPT: Key = ("origin", 2)


def is_lost(key: typing.Hashable) -> bool:
    return isinstance(key, tuple) and key[1] == 1


def slot_of(got: Slot[str] | Ticket[str]) -> Slot[str]:
    assert isinstance(got, Slot)
    return got


def opened(state: State, key: Key, name: str) -> Slot[str]:
    slot = slot_of(state.claim(key, 0.0))
    slot.connection = name
    assert state.connected(slot, 0.0)
    return slot


@pytest.fixture
def state() -> State:
    return PoolState(Limits(connections=3))


def test_idle_connections_are_closed(state: State) -> None:
    lost, kept = opened(state, LOST, "lost"), opened(state, KEPT, "kept")
    for slot in (lost, kept):
        state.release(slot, 1.0, reusable=True)
    state.drop(is_lost)
    work = state.take_work()
    assert work is not None
    assert (work.doomed, work.granted) == (["lost"], [])
    stats = state.stats()
    assert (stats.idle, stats.closed) == (1, 1)
    assert slot_of(state.claim(KEPT, 2.0)) is kept
    assert slot_of(state.claim(LOST, 2.0)).state is SlotState.DIALLING


def test_connections_in_use_are_closed_and_nobody_gives_them_back_twice(state: State) -> None:
    lost = opened(state, LOST, "lost")
    state.drop(is_lost)
    state.release(lost, 1.0, reusable=True)
    work = state.take_work()
    assert work is not None
    assert work.doomed == ["lost"]
    stats = state.stats()
    assert (stats.requests_active, stats.active + stats.reserved + stats.idle) == (0, 0)


@pytest.mark.parametrize("connection", [None, "begun"])
def test_dials_are_given_up(state: State, connection: str | None) -> None:
    lost = slot_of(state.claim(LOST, 0.0))
    lost.connection = connection
    state.drop(is_lost)
    work = state.take_work()
    assert (work and work.doomed) == (connection and [connection])
    assert not state.connected(lost, 1.0)
    stats = state.stats()
    assert (stats.dialling, stats.requests_active, stats.closed) == (0, 0, 0)


def test_requests_that_wait_are_refused_and_their_places_passed_on(state: State) -> None:
    for name in "abc":
        opened(state, LOST, name)
    lost, kept = state.claim(LOST, 0.0), state.claim(KEPT, 0.0)
    assert isinstance(lost, Ticket)
    assert isinstance(kept, Ticket)
    state.drop(is_lost)
    assert (lost.is_refused, lost.slot) == (True, None)
    assert kept.slot is not None
    assert kept.slot.state is SlotState.DIALLING
    work = state.take_work()
    assert work is not None
    assert sorted(work.doomed) == ["a", "b", "c"]
    assert set(work.granted) == {lost, kept}
    stats = state.stats()
    assert (stats.requests_active, stats.requests_queued) == (1, 0)


def test_what_was_negotiated_there_is_forgotten() -> None:
    state: State = PoolState(Limits(connections=3))
    slot = slot_of(state.claim(LOST, 0.0, may_share=True))
    slot.connection = "lost"
    assert state.connected(slot, 0.0, capacity=100)
    state.drop(is_lost)
    # Not known any more: the second waits for what the first will find.
    assert isinstance(state.claim(LOST, 1.0, may_share=True), Slot)
    assert isinstance(state.claim(LOST, 1.0, may_share=True), Ticket)


def test_nothing_happens_where_nothing_is_gone(state: State) -> None:
    opened(state, KEPT, "kept")
    state.drop(is_lost)
    assert state.take_work() is None
    assert state.stats().requests_active == 1
