"""What the pool's state decides, behaviour by behaviour."""

import gc
import itertools
import math
import sys
import types
import typing

import pytest

from httpcore_pool._state import Limits, PoolState, PoolStats, Slot, SlotState, Ticket

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


# -- limits ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "attribute", "expected"),
    [
        ("max_connections", None, "connections", math.inf),
        ("max_connections", 1, "connections", 1),
        ("max_connections_per_origin", None, "connections_per_origin", math.inf),
        ("max_connections_per_origin", 7, "connections_per_origin", 7),
        ("max_keepalive_connections", None, "idle", math.inf),
        ("max_keepalive_connections", 0, "idle", 0),
        ("keepalive_expiry", None, "idle_seconds", math.inf),
        ("keepalive_expiry", 0, "idle_seconds", 0),
        ("keepalive_expiry", 2.5, "idle_seconds", 2.5),
        ("keepalive_expiry", math.inf, "idle_seconds", math.inf),
        ("max_connection_age", None, "age_seconds", math.inf),
        ("max_connection_age", 0, "age_seconds", 0),
    ],
)
def test_options_become_limits(
    option: str, value: float | None, attribute: str, expected: float
) -> None:
    assert getattr(limits_of({option: value}), attribute) == expected


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("max_connections", 0, "max_connections must be None or at least 1, but is 0"),
        ("max_connections", -1, "max_connections must be None or at least 1, but is -1"),
        (
            "max_connections_per_origin",
            0,
            "max_connections_per_origin must be None or at least 1, but is 0",
        ),
        (
            "max_keepalive_connections",
            -1,
            "max_keepalive_connections must be None or at least 0, but is -1",
        ),
        ("keepalive_expiry", -0.5, "keepalive_expiry must be None or at least 0, but is -0.5"),
        (
            "keepalive_expiry",
            math.nan,
            "keepalive_expiry must be None or at least 0, but is nan",
        ),
        ("max_connection_age", -1, "max_connection_age must be None or at least 0, but is -1"),
    ],
)
def test_options_out_of_range_are_refused(option: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        limits_of({option: value})


def limits_of(options: dict[str, float | None]) -> Limits:
    # The tables speak of one option at a time; integers are what they hold.
    return Limits.of(
        max_connections=typing.cast("int | None", options.get("max_connections")),
        max_connections_per_origin=typing.cast(
            "int | None", options.get("max_connections_per_origin")
        ),
        max_keepalive_connections=typing.cast(
            "int | None", options.get("max_keepalive_connections")
        ),
        keepalive_expiry=options.get("keepalive_expiry"),
        max_connection_age=options.get("max_connection_age"),
    )


# -- a request's way in ----------------------------------------------------------


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


# -- who is served next ----------------------------------------------------------


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


# -- a request's way out -----------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "seconds_in_use", "reusable", "expected"),
    [
        (Limits(), 0.0, True, SlotState.IDLE),
        (Limits(), 1e9, True, SlotState.IDLE),
        (Limits(), 0.0, False, SlotState.CLOSED),
        (Limits(idle=1), 0.0, True, SlotState.IDLE),
        (Limits(idle=0), 0.0, True, SlotState.CLOSED),
        (Limits(idle_seconds=0.0), 0.0, True, SlotState.CLOSED),
        (Limits(idle_seconds=1.0), 9.0, True, SlotState.IDLE),
        (Limits(age_seconds=5.0), 4.0, True, SlotState.IDLE),
        (Limits(age_seconds=5.0), 5.0, True, SlotState.CLOSED),
        (Limits(age_seconds=0.0), 0.0, True, SlotState.CLOSED),
    ],
)
def test_released_connection_is_kept_or_closed(
    limits: Limits, seconds_in_use: float, reusable: bool, expected: SlotState
) -> None:
    state = PoolState[str](limits)
    slot = open_slot(state, "a", 10.0)
    state.release(slot, 10.0 + seconds_in_use, reusable=reusable)
    assert slot.state is expected
    if expected is SlotState.CLOSED:
        assert doomed(state) == [slot.connection]
        assert_nothing_is_left(state)
    else:
        assert doomed(state) == []
        assert (state.active, state.queued) == (0, 0)


def test_keepalive_limit_counts_idle_connections_only() -> None:
    state = PoolState[str](Limits(idle=2))
    slots = [open_slot(state) for _ in range(5)]
    state.release(slots[0], 0.0, reusable=True)
    state.release(slots[1], 0.0, reusable=True)
    assert doomed(state) == []
    state.release(slots[2], 0.0, reusable=True)
    assert doomed(state) == [slots[0].connection]


@pytest.mark.parametrize(
    ("idle_for", "expected"),
    [(4.999, SlotState.RESERVED), (5.0, SlotState.CLOSED), (99.0, SlotState.CLOSED)],
)
def test_expired_connection_is_not_reused(idle_for: float, expected: SlotState) -> None:
    state = PoolState[str](Limits(idle_seconds=5.0))
    slot = open_idle(state, "a", 10.0)
    claim_slot(state, "a", 10.0 + idle_for)
    assert slot.state is expected
    assert doomed(state) == ([slot.connection] if expected is SlotState.CLOSED else [])


def test_any_claim_and_any_release_closes_what_has_expired() -> None:
    state = PoolState[str](Limits(idle_seconds=5.0))
    busy = open_slot(state, "a", 0.0)
    first = open_idle(state, "b", 1.0)
    second = open_idle(state, "c", 2.0)
    third = open_idle(state, "d", 3.0)
    claim_slot(state, "e", 6.5)
    assert doomed(state) == [first.connection]
    state.release(busy, 7.5, reusable=True)
    assert doomed(state) == [second.connection]
    assert third.state is SlotState.IDLE


@pytest.mark.parametrize(
    ("now", "expected"), [(5.999, SlotState.IDLE), (6.0, SlotState.CLOSED)]
)
def test_idle_time_ends_when_it_is_over(now: float, expected: SlotState) -> None:
    state = PoolState[str](Limits(idle_seconds=5.0))
    slot = open_idle(state, "a", 1.0)
    claim_slot(state, "b", now)
    assert slot.state is expected


def test_use_begins_the_idle_time_anew() -> None:
    state = PoolState[str](Limits(idle_seconds=5.0))
    slot = open_idle(state, "a", 0.0)
    state.release(claim_slot(state, "a", 4.0), 4.0, reusable=True)
    assert claim_slot(state, "a", 8.0) is slot


def test_idle_connection_over_its_age_is_not_reused() -> None:
    state = PoolState[str](Limits(age_seconds=5.0))
    old = open_slot(state, "a", 0.0)
    young = open_slot(state, "a", 3.0)
    state.release(young, 4.0, reusable=True)
    state.release(old, 4.0, reusable=True)
    assert claim_slot(state, "a", 6.0) is young
    assert doomed(state) == [old.connection]


def test_origin_survives_the_loss_of_all_its_connections_in_a_claim() -> None:
    state = PoolState[str](Limits(connections=1, age_seconds=5.0))
    old = open_idle(state, "a", 0.0)
    slot = claim_slot(state, "a", 9.0)
    assert slot.state is SlotState.DIALLING
    assert doomed(state) == [old.connection]
    ticket = enqueue(state, "a", 9.0)
    state.failed(slot, 9.0)
    assert granted(state) == [ticket]


def test_connection_that_cannot_be_reused_makes_place_for_a_waiter() -> None:
    state = PoolState[str](Limits(connections=1))
    slot = open_slot(state)
    ticket = enqueue(state)
    state.release(slot, 0.0, reusable=False)
    work = state.take_work()
    assert work is not None
    assert work.doomed == [slot.connection]
    assert work.granted == [ticket]
    assert ticket.slot is not slot


# -- dialling ----------------------------------------------------------------------


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


# -- giving up ---------------------------------------------------------------------


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


# -- connections that carry many requests ------------------------------------------


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


# -- retiring ----------------------------------------------------------------------


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


# -- closing -----------------------------------------------------------------------


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


# -- what the caller sees ------------------------------------------------------------


def test_work_is_handed_over_once() -> None:
    state = PoolState[str](Limits(connections=1))
    assert state.take_work() is None
    slot = open_slot(state)
    assert state.take_work() is None
    ticket = enqueue(state, "b")
    state.release(slot, 0.0, reusable=True)
    assert state.take_work() == ([slot.connection], [ticket])
    assert state.take_work() is None


def test_statistics_count_what_is_there_and_what_happened() -> None:
    state = PoolState[str](Limits(connections=4, connections_per_origin=1))
    open_slot(state, "a")
    claim_slot(state, "b")
    open_idle(state, "c")
    claim_slot(state, "c")
    open_idle(state, "d")
    open_idle(state, "e")  # in the place of the one before
    enqueue(state, "a")
    enqueue(state, "b")
    assert state.stats() == PoolStats(
        dialling=1,
        reserved=1,
        active=1,
        idle=1,
        requests_active=3,
        requests_queued=2,
        opened=4,
        reused=1,
        closed=1,
        retried=0,
    )


def test_statistics_of_a_failed_dial_count_no_connection() -> None:
    state = PoolState[str](Limits())
    state.failed(claim_slot(state), 0.0)
    stats = state.stats()
    assert (stats.opened, stats.closed) == (0, 0)


def test_statistics_of_a_closed_pool_count_what_was_closed() -> None:
    state = PoolState[str](Limits())
    open_slot(state)
    open_idle(state)
    claim_slot(state, "b")
    state.close()
    stats = state.stats()
    assert (stats.opened, stats.closed) == (2, 2)
    assert (stats.dialling, stats.reserved, stats.active, stats.idle) == (0, 0, 0, 0)


def test_slots_say_what_they_are() -> None:
    state = PoolState[str](Limits())
    slot = claim_slot(state, may_share=True)
    assert repr(slot) == "<Slot dialling 1/1>"
    connect(state, slot, capacity=100)
    assert repr(slot) == "<Slot reserved 1/100>"


# -- cost ----------------------------------------------------------------------------


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
