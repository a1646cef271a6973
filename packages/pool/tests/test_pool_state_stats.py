"""What the statistics count."""

from state_steps import claim_slot, enqueue, open_idle, open_slot

from httpcore_pool._state import Limits, PoolState, PoolStats


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
