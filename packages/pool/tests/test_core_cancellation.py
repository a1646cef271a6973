"""Every moment at which a request can be cancelled, taken in turn.

What `test_core_torture.py` does with failures is done here with cancellations: at
each call, trace callback and part of a body, before and after its effect; once, and
once more while what that leaves is being closed. Afterwards the pool is as good as
new, and the cancellation has come out where it was to come out.
"""

import collections.abc

import pytest
from driving import Driver
from driving_async import AsyncDriver
from event_loops import Cancelled, Guard, unguarded
from injected_faults import CancelHere, Trap, cancellations_of
from scenarios import (
    Scenario,
    assert_as_good_as_new,
    begin,
    chunked_upload,
    each_scenario,
    early_response,
    play,
)

pytestmark = pytest.mark.exhaustive


@pytest.fixture
def cancellable(driver: Driver, way: Guard) -> collections.abc.Iterator[AsyncDriver]:
    """A driver whose calls can be cancelled."""
    assert isinstance(driver, AsyncDriver)
    driver.runner.guard = way
    yield driver
    driver.runner.guard = unguarded


@each_scenario
def test_cancellation_at_any_call_leaks_nothing(
    cancellable: AsyncDriver, scenario: Scenario
) -> None:
    network, pool = begin(cancellable, scenario)
    assert play(cancellable, network, pool, scenario) is None
    operations = list(network.operations)
    pool.close()
    for fault in cancellations_of(operations):
        where = f"{fault} ({operations[fault.at]} of {operations})"
        network, pool = begin(cancellable, scenario)
        network.fault = fault
        failure = play(cancellable, network, pool, scenario)
        assert len(network.operations) > fault.at, where
        try:
            assert isinstance(failure, Cancelled)
            assert_as_good_as_new(network, pool)
        except BaseException as exc:
            exc.add_note(f"after {where}, which raised {failure!r}")
            raise


@each_scenario
def test_cancellation_in_any_trace_callback_leaks_nothing(
    cancellable: AsyncDriver, scenario: Scenario
) -> None:
    network, pool = begin(cancellable, scenario)
    told, trace = cancellable.recorder()
    assert play(cancellable, network, pool, scenario, {"trace": trace}) is None
    pool.close()
    for turn, (name, _) in enumerate(told):
        network, pool = begin(cancellable, scenario)
        trace = cancellable.trace(Trap(turn, CancelHere))
        failure = play(cancellable, network, pool, scenario, {"trace": trace})
        try:
            assert isinstance(failure, Cancelled)
            assert_as_good_as_new(network, pool)
        except BaseException as exc:
            exc.add_note(f"after the callback for {name} ({turn}) raised {failure!r}")
            raise


@pytest.mark.parametrize("scenario", [chunked_upload, early_response])
@pytest.mark.parametrize("turn", range(4))
def test_cancellation_at_any_part_of_a_body_leaks_nothing(
    cancellable: AsyncDriver, scenario: Scenario, turn: int
) -> None:
    def spoil(parts: list[bytes]) -> collections.abc.Iterator[bytes]:
        yield from parts[:turn]
        raise CancelHere

    network, pool = begin(cancellable, scenario)
    failure = play(cancellable, network, pool, scenario, spoil=spoil)
    if scenario is early_response and turn > 0:
        # The server's answer was there before the part was asked for.
        assert failure is None
    else:
        assert isinstance(failure, Cancelled)
    assert_as_good_as_new(network, pool)
