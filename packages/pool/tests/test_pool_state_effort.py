"""What a step costs does not depend on how much there is."""

import gc
import sys
import types
import typing

import pytest
from state_steps import claim_slot, connect, enqueue, granted, open_idle, open_slot

from httpcore_pool._state import Limits, PoolState, Slot, SlotState, Ticket


class Effort:
    """Counts lines and calls, C functions' too: what grows when work does, on any machine."""

    def __init__(self) -> None:
        self.steps = 0

    def __call__(self, frame: types.FrameType, event: str, argument: object) -> "Effort":
        self.steps += 1
        return self


def effort_of(action: typing.Callable[[], object]) -> int:
    effort = Effort()
    tracer, profiler = sys.gettrace(), sys.getprofile()
    # The collector calls back whoever asked for it (Hypothesis does).
    gc.disable()
    sys.setprofile(effort)
    sys.settrace(effort)
    try:
        action()
    finally:
        sys.settrace(tracer)
        sys.setprofile(profiler)
        gc.enable()
    return effort.steps


def with_idle(count: int, origins: int) -> PoolState[str]:
    limits = Limits(connections=count + 1, idle=count + 1, idle_seconds=9.0, age_seconds=9.0)
    state = PoolState[str](limits)
    for slot in [open_slot(state, str(number % origins)) for number in range(count)]:
        state.release(slot, 0.0, reusable=True)
    return state


def with_queued(count: int, origins: int) -> tuple[PoolState[str], Slot[str]]:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state, "0")
    for number in range(count):
        enqueue(state, str(number % origins))
    return state, slot


def effort_with_idle(count: int, origins: int) -> int:
    state = with_idle(count, origins)

    def reuse_dial_evict() -> None:
        for _ in range(3):
            state.release(claim_slot(state, "0", 1.0), 1.0, reusable=True)
        for key in ("new", "newer", "newest"):
            state.release(open_slot(state, key, 1.0), 1.0, reusable=True)
        state.release(claim_slot(state, "new", 1.0), 1.0, reusable=False)
        state.retire(open_idle(state, "new", 1.0))

    return effort_of(reuse_dial_evict)


def effort_with_queued(count: int, origins: int) -> int:
    state, held = with_queued(count, origins)

    def pass_on_enqueue_abandon() -> None:
        slot = held
        for _ in range(5):
            state.release(slot, 1.0, reusable=True)
            (ticket,) = granted(state)
            assert ticket.slot is not None
            slot = ticket.slot
            if slot.state is SlotState.DIALLING:
                connect(state, slot, 1.0)
            state.abandon(enqueue(state, "0", 1.0), 1.0)
            enqueue(state, "other", 1.0)
        state.release(slot, 1.0, reusable=False)

    return effort_of(pass_on_enqueue_abandon)


def effort_with_shared(count: int) -> int:
    state = PoolState[str](Limits(age_seconds=9.0))
    slots = [open_slot(state, capacity=1) for _ in range(count)]
    for slot in slots:
        state.set_capacity(slot, 3)

    def fill_and_release() -> None:
        for _ in range(5):
            slot = claim_slot(state, "a", 1.0)
            state.set_capacity(slot, slot.in_use)
            state.release(slot, 1.0, reusable=True)
        state.retire(claim_slot(state, "a", 1.0))

    return effort_of(fill_and_release)


@pytest.fixture
def compared_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes comparisons visible, so that a search through a list costs steps as well."""
    for kind in (Slot, Ticket):
        monkeypatch.setattr(kind, "__eq__", lambda self, other: self is other)
        monkeypatch.setattr(kind, "__hash__", object.__hash__)


@pytest.mark.usefixtures("compared_slots")
@pytest.mark.parametrize("many_origins", [False, True])
def test_effort_does_not_grow_with_idle_connections(many_origins: bool) -> None:
    few, many = 10, 10_000
    assert effort_with_idle(many, many if many_origins else 1) == effort_with_idle(
        few, few if many_origins else 1
    )


@pytest.mark.usefixtures("compared_slots")
@pytest.mark.parametrize("many_origins", [False, True])
def test_effort_does_not_grow_with_queued_requests(many_origins: bool) -> None:
    few, many = 10, 10_000
    assert effort_with_queued(many, many if many_origins else 1) == effort_with_queued(
        few, few if many_origins else 1
    )


@pytest.mark.usefixtures("compared_slots")
def test_effort_does_not_grow_with_shared_connections() -> None:
    assert effort_with_shared(10_000) == effort_with_shared(10)
