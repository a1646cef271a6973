"""Everything that can fail, made to fail in turn.

Each scenario is run once to count the calls that it makes of its backend, its
streams and its events. Then each of them fails in each way that it can, before
and after its effect, and afterwards the pool is as good as new: nothing is under
way, nobody waits, no connection is open that is not idle in the pool, and
whatever is idle is good for another request. The same for every event that a
trace callback is told, and for every part that a request's body is asked for.
"""

import collections.abc

import pytest
from driving import Driver
from injected_faults import Crash, Fault, FaultKind, Trap, faults_of
from scenarios import (
    Scenario,
    UnexpectedError,
    assert_as_good_as_new,
    begin,
    chunked_upload,
    each_scenario,
    early_response,
    play,
    refused_tunnel,
)

from httpcore_interface import NetworkError, ProtocolError, ProxyError, TimeoutException

pytestmark = pytest.mark.exhaustive


@each_scenario
def test_scenario_succeeds(driver: Driver, scenario: Scenario) -> None:
    network, pool = begin(driver, scenario)
    failure = play(driver, network, pool, scenario)
    if failure is not None:
        raise failure
    network.check()
    assert_as_good_as_new(network, pool)


@each_scenario
@pytest.mark.parametrize(
    "kind",
    [FaultKind.ERROR, FaultKind.TIMEOUT, FaultKind.INTERRUPT, FaultKind.CRASH],
    ids=lambda kind: str(kind.value),
)
def test_failure_of_any_call_leaks_nothing(
    driver: Driver, scenario: Scenario, kind: FaultKind
) -> None:
    network, pool = begin(driver, scenario)
    assert play(driver, network, pool, scenario) is None
    operations = list(network.operations)
    pool.close()
    faults = [fault for fault in faults_of(operations) if fault.kind is kind]
    assert faults
    for fault in faults:
        where = f"{fault} ({operations[fault.at]} of {operations})"
        network, pool = begin(driver, scenario)
        network.fault = fault
        failure = play(driver, network, pool, scenario)
        assert len(network.operations) > fault.at, where
        check_failure(fault, failure, where)
        try:
            assert_as_good_as_new(network, pool)
        except BaseException as exc:
            exc.add_note(f"after {where}, which raised {failure!r}")
            raise


def check_failure(fault: Fault, failure: BaseException | None, where: str) -> None:
    """What comes out is what went in, or a fault that was made good."""
    if fault.kind is FaultKind.INTERRUPT:
        assert isinstance(failure, KeyboardInterrupt), where
    elif fault.kind is FaultKind.CRASH:
        assert isinstance(failure, Crash), where
    else:
        # It may have been overcome: a connect that is repeated, a request that goes
        # out once more, a write whose answer had come already.
        expected = (
            NetworkError
            | TimeoutException
            | ProtocolError
            | ProxyError
            | UnexpectedError
            | None
        )
        assert isinstance(failure, expected), where


class RefusalError(Exception):
    """What a callback or a body raises."""


@each_scenario
@pytest.mark.parametrize("error", [RefusalError, KeyboardInterrupt])
def test_trace_callback_that_raises_at_any_event_leaks_nothing(
    driver: Driver, scenario: Scenario, error: type[BaseException]
) -> None:
    network, pool = begin(driver, scenario)
    told, trace = driver.recorder()
    assert play(driver, network, pool, scenario, {"trace": trace}) is None
    pool.close()
    # Of a tunnel that is refused there is less to tell.
    assert len(told) >= (4 if scenario is refused_tunnel else 10)
    for turn, (name, _) in enumerate(told):
        network, pool = begin(driver, scenario)
        trap = Trap(turn, error)
        failure = play(driver, network, pool, scenario, {"trace": driver.trace(trap)})
        assert isinstance(failure, error), f"{name} ({turn})"
        try:
            assert_as_good_as_new(network, pool)
        except BaseException as exc:
            exc.add_note(f"after the callback for {name} ({turn}) raised {failure!r}")
            raise


@pytest.mark.parametrize("scenario", [chunked_upload, early_response])
@pytest.mark.parametrize("error", [RefusalError, KeyboardInterrupt])
@pytest.mark.parametrize("turn", range(4))
def test_body_that_raises_at_any_part_leaks_nothing(
    driver: Driver, scenario: Scenario, error: type[BaseException], turn: int
) -> None:
    def spoil(parts: list[bytes]) -> collections.abc.Iterator[bytes]:
        yield from parts[:turn]
        raise error

    network, pool = begin(driver, scenario)
    failure = play(driver, network, pool, scenario, spoil=spoil)
    if scenario is early_response and turn > 0:
        # The server's answer was there before the part was asked for.
        assert failure is None
    else:
        assert isinstance(failure, error)
    assert_as_good_as_new(network, pool)
