"""Everything that can fail on a connection that two requests share, made to fail in turn.

As `test_core_torture.py` and `test_core_cancellation.py` do it for one request. What is
hit by a fault is told of it; the other request is none the wiser, or, if the connection
broke, gets an error that says so. Afterwards nothing is left, and the next request works.
"""

import collections.abc
import dataclasses

import pytest
from driving import URL_A, Driver, PoolClient, Reply
from driving_async import AsyncDriver
from event_loops import Cancelled, Guard, unguarded
from http2_peer import Call, Peer, Peers, echo, serve, shared_pool
from injected_faults import Crash, Fault, FaultKind, cancellations_of, faults_of
from scripted import Network

from httpcore_interface import NetworkError, ProtocolError, TimeoutException
from httpcore_pool._core.http2 import HTTP2Connection

pytestmark = pytest.mark.exhaustive

LARGE = bytes(100_000)
# RFC 8441, section 3.
CONNECT_PROTOCOL = 8
EXTENDED: dict[str, object] = {"protocol": b"websocket"}


@dataclasses.dataclass
class Run:
    """One run of a scenario.

    Args:
        driver: Makes bodies.
        network: What it goes over.
        pool: What is driven.
        peers: The servers.
        outcomes: What each request of the scenario raised, if anything.
    """

    driver: Driver
    network: Network
    pool: PoolClient
    peers: Peers
    outcomes: dict[str, BaseException | None] = dataclasses.field(default_factory=dict)

    def attempt(self, name: str, step: collections.abc.Callable[[], object]) -> None:
        """Does a part of what a request does, unless that has failed before."""
        if self.outcomes.get(name) is None:
            try:
                step()
            except AssertionError:
                raise
            except BaseException as exc:
                self.outcomes[name] = exc
            else:
                self.outcomes[name] = None


Scenario = collections.abc.Callable[[Run], None]


def halves(peer: Peer, call: Call) -> None:
    """Sends one half of a body at once."""
    if call.path == b"/halves":
        peer.head(call)
        peer.body(call, b"one", ends=False)
    else:
        echo(peer, call)


def welcome(peer: Peer, call: Call) -> None:
    """Accepts a tunnel, and speaks first."""
    if call.field(b":method") == b"CONNECT":
        peer.head(call)
        peer.body(call, b"welcome", ends=False)


def send_rest(peers: Peers) -> None:
    """Sends the other half."""
    for peer in peers:
        for call in peer.calls:
            if call.path == b"/halves" and call.is_whole and call.reset is None:
                peer.body(call, b"two")


def expect(actual: object, expected: object) -> None:
    assert actual == expected


def beside(run: Run, second: collections.abc.Callable[[], object]) -> None:
    """A request beside another one, whose response is being read meanwhile."""
    first: list[Reply] = []
    run.attempt("first", lambda: first.append(run.pool.open("GET", URL_A + "halves")))
    run.attempt("second", second)
    send_rest(run.peers)
    if first:
        run.attempt("first", lambda: expect(first[0].read(), b"onetwo"))
        first[0].close()


def two_requests(run: Run) -> None:
    beside(run, lambda: expect(run.pool.request("GET", URL_A + "2").body, b"/2"))


def upload_beside(run: Run) -> None:
    def upload() -> None:
        body = run.driver.body([LARGE[:50_000], LARGE[50_000:]])
        response = run.pool.request("POST", URL_A + "2", content=body)
        expect(response.body, b"/2" + LARGE)

    beside(run, upload)


def early_close_beside(run: Run) -> None:
    def close_early() -> None:
        with run.pool.stream("GET", URL_A + "2") as response:
            expect(response.status, 200)

    beside(run, close_early)


def tunnel_beside(run: Run) -> None:
    def talk() -> None:
        response = run.pool.open("CONNECT", URL_A + "tunnel", extensions=EXTENDED)
        try:
            expect(response.status, 200)
            wire = response.wire
            wire.write(LARGE)
            expect(wire.read(100), b"welcome")
            wire.write(b"bye")
            wire.close()
        finally:
            response.close()

    beside(run, talk)


def idle_with_news(run: Run) -> None:
    run.attempt("first", lambda: run.pool.request("GET", URL_A + "1"))
    for connection in run.network.open_connections:
        peer = connection.steps[0]
        assert isinstance(peer, Peer)
        peer.h2.ping(b"12345678")
        peer.flush()
    run.attempt("second", lambda: expect(run.pool.request("GET", URL_A + "2").body, b"/2"))


SCENARIOS: list[Scenario] = [
    two_requests,
    upload_beside,
    early_close_beside,
    tunnel_beside,
    idle_with_news,
]
each_scenario = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS]
)


def play(driver: Driver, scenario: Scenario, fault: Fault | None = None) -> Run:
    network = driver.renew_network()
    peers = serve(network, halves, settings={CONNECT_PROTOCOL: 1}, begin=welcome)
    network.fault = fault
    run = Run(driver, network, shared_pool(driver), peers)
    scenario(run)
    network.fault = None
    return run


def count(driver: Driver, scenario: Scenario) -> list[str]:
    """The calls of a run in which nothing fails."""
    run = play(driver, scenario)
    assert run.outcomes == {"first": None, "second": None}
    operations = list(run.network.operations)
    run.pool.close()
    return operations


def assert_as_good_as_new(run: Run) -> None:
    network, pool = run.network, run.pool
    assert not network.complaints
    assert pool.is_quiet, pool.counts
    assert len(network.open_connections) == pool.face.stats().idle
    for connection in pool.face._core.connections:
        assert isinstance(connection.http, HTTP2Connection)
        traffic = connection.http.traffic
        assert not traffic.engine.streams
        assert not traffic._waiting
    for target in ("x", "y"):
        assert pool.request("GET", URL_A + target).body == b"/" + target.encode()
    pool.close()
    assert not network.open_connections


@each_scenario
@pytest.mark.parametrize(
    "kind",
    [FaultKind.ERROR, FaultKind.TIMEOUT, FaultKind.INTERRUPT, FaultKind.CRASH],
    ids=lambda kind: str(kind.value),
)
def test_failure_of_any_call_leaks_nothing(
    driver: Driver, scenario: Scenario, kind: FaultKind
) -> None:
    operations = count(driver, scenario)
    for fault in faults_of(operations):
        # By the contract of backends a read that is cancelled has lost nothing.
        is_lossy = operations[fault.at] == "read" and fault.is_late
        if fault.kind is not kind or (kind is FaultKind.CRASH and is_lossy):
            continue
        where = f"{fault} ({operations[fault.at]} of {operations})"
        run = play(driver, scenario, fault)
        assert len(run.network.operations) > fault.at, where
        try:
            check_outcomes(fault, run.outcomes)
            assert_as_good_as_new(run)
        except BaseException as exc:
            exc.add_note(f"after {where}, which led to {run.outcomes!r}")
            raise


def check_outcomes(fault: Fault, outcomes: dict[str, BaseException | None]) -> None:
    """Those who were not hit have an answer, or an error of the network's."""
    hit = {FaultKind.INTERRUPT: KeyboardInterrupt, FaultKind.CRASH: Crash}.get(fault.kind)
    left = [
        outcome
        for outcome in outcomes.values()
        if not isinstance(outcome, NetworkError | TimeoutException | ProtocolError | None)
    ]
    if hit is None:
        assert left == []
    else:
        assert len(left) == 1
        assert isinstance(left[0], hit)


@pytest.fixture
def cancellable(driver: Driver, way: Guard) -> collections.abc.Iterator[AsyncDriver]:
    """A driver whose calls can be cancelled."""
    assert isinstance(driver, AsyncDriver)
    driver.runner.guard = way
    yield driver
    driver.runner.guard = unguarded


@each_scenario
def test_cancellation_at_any_call_is_no_other_request_s(
    cancellable: AsyncDriver, scenario: Scenario
) -> None:
    operations = count(cancellable, scenario)
    for fault in cancellations_of(operations):
        where = f"{fault} ({operations[fault.at]} of {operations})"
        run = play(cancellable, scenario, fault)
        assert len(run.network.operations) > fault.at, where
        left = [outcome for outcome in run.outcomes.values() if outcome is not None]
        try:
            if operations[fault.at] == "write" and fault.is_late:
                # Such a write may have broken the connection, and here it has.
                left = [outcome for outcome in left if isinstance(outcome, Cancelled)]
            assert all(isinstance(outcome, Cancelled) for outcome in left)
            assert 1 <= len(left) <= 1 + fault.is_double
            assert_as_good_as_new(run)
        except BaseException as exc:
            exc.add_note(f"after {where}, which led to {run.outcomes!r}")
            raise
