"""Everything that can fail, made to fail in turn.

Each scenario is run once to count the calls that it makes of its backend, its
streams and its events. Then each of them fails in each way that it can, before
and after its effect, and afterwards the pool is as good as new: nothing is under
way, nobody waits, no connection is open that is not idle in the pool, and
whatever is idle is good for another request. The same for every event that a
trace callback is told, and for every part that a request's body is asked for.
"""

import collections.abc
import dataclasses
import functools

import pytest
from driving import (
    HOST,
    URL_A,
    URL_B,
    URL_TLS,
    Background,
    Body,
    Driver,
    Extensions,
    PoolClient,
    Reply,
    head,
    plain_context,
    reply,
)
from injected_faults import Crash, Fault, FaultKind, faults_of
from script_steps import (
    Dial,
    End,
    Give,
    Received,
    Serve,
    TakeAll,
    TakeBytes,
    TakeHead,
    TakeRequest,
)
from scripted import Network

from httpcore_interface import (
    ConnectError,
    NetworkError,
    ProtocolError,
    TimeoutException,
)

LARGE = bytes(300_000)


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a scenario.

    Args:
        driver: Makes bodies and the like.
        network: What it goes over.
        pool: What is driven.
        extensions: Those of the request that is watched.
        spoil: Wraps the parts of a request's body.
    """

    driver: Driver
    network: Network
    pool: PoolClient
    extensions: Extensions
    spoil: collections.abc.Callable[[list[bytes]], collections.abc.Iterable[bytes]]

    def body(self, parts: list[bytes]) -> Body:
        return self.driver.body(self.spoil(parts))


Scenario = collections.abc.Callable[[Run], None]


class UnexpectedError(Exception):
    """A scenario got something else than it is about."""


def expect(actual: object, expected: object) -> None:
    if actual != expected:
        raise UnexpectedError(f"{actual!r} is not {expected!r}")


def fresh_connection(run: Run) -> None:
    run.network.answer(reply(b"body"))
    expect(run.pool.request("GET", URL_A, extensions=run.extensions).body, b"body")


def reused_connection(run: Run) -> None:
    run.network.answer(reply(b"first"), reply(b"second"))
    run.pool.request("GET", URL_A)
    expect(run.pool.request("GET", URL_A, extensions=run.extensions).body, b"second")


def https(run: Run) -> None:
    run.network.answer(reply(b"body"))
    expect(run.pool.request("GET", URL_TLS, extensions=run.extensions).body, b"body")


def upload(run: Run) -> None:
    run.network.play(TakeHead(), TakeBytes(len(LARGE)), Give(reply(b"thanks")))
    response = run.pool.request("PUT", URL_A, content=LARGE, extensions=run.extensions)
    expect(response.body, b"thanks")


def chunked_upload(run: Run) -> None:
    run.network.answer(reply(b"thanks"))
    parts = [b"one", b"two", b"three"]
    response = run.pool.request(
        "POST", URL_A, content=run.body(parts), extensions=run.extensions
    )
    expect(response.body, b"thanks")
    expect(run.network.connections[-1].requests[0].body, b"onetwothree")


def early_response(run: Run) -> None:
    run.network.play(TakeHead(), Give(reply(b"no", status=b"413 Content Too Large")), TakeAll())
    parts = [b"one", b"two", b"three"]
    response = run.pool.request(
        "POST", URL_A, content=run.body(parts), extensions=run.extensions
    )
    expect(response.status, 413)


def stream_that_is_closed_early(run: Run) -> None:
    answer = reply(b"0123456789")
    run.network.play(TakeRequest(), Give(answer[:-6]), Give(answer[-6:-3]))
    with run.pool.stream("GET", URL_A, extensions=run.extensions) as response:
        expect(response.next_chunk(), b"0123")
        expect(response.next_chunk(), b"456")
    expect(run.pool.face.connections, [])


def unframed_response(run: Run) -> None:
    run.network.play(TakeRequest(), Give(head(b"200 OK")), Give(b"one"), Give(b"two"), End())
    expect(run.pool.request("GET", URL_A, extensions=run.extensions).body, b"onetwo")


def two_that_wait(run: Run) -> None:
    network, pool = run.network, run.pool
    network.answer(reply(b"first"))
    network.serve(lambda request: reply(b"waited"))
    threads: list[Background[Reply]] = []
    first = pool.open("GET", extensions=run.extensions)
    network.connections[-1].steps += [
        step for _ in range(2) for step in (TakeRequest(), Give(reply(b"waited")))
    ]
    try:
        for _ in range(2):
            before = network.waiting
            thread = Background(
                lambda: pool.request("GET", URL_A, extensions=run.extensions), network.notice
            )
            threads.append(thread)
            network.until(functools.partial(is_settled, network, thread, before))
        expect(first.read(), b"first")
    finally:
        first.close()
        outcomes = [failure_of(thread.result) for thread in threads]
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


def is_settled(network: Network, thread: Background[Reply], before: int) -> bool:
    return thread.is_over or network.waiting > before


def retry(run: Run) -> None:
    run.network.play(TakeRequest(), Give(reply(b"first")), TakeRequest(), End())
    run.network.answer(reply(b"second"))
    run.pool.request("GET", URL_A)
    expect(run.pool.request("GET", URL_A, extensions=run.extensions).body, b"second")


def dead_when_looked_at(run: Run) -> None:
    run.network.play(TakeRequest(), Give(reply(b"first")), End())
    run.network.answer(reply(b"second"))
    run.pool.request("GET", URL_TLS)
    expect(run.pool.request("GET", URL_TLS, extensions=run.extensions).body, b"second")


def repeated_connect(run: Run) -> None:
    run.network.play(Dial(error=ConnectError("refused")))
    run.network.answer(reply(b"body"))
    expect(run.pool.request("GET", URL_A, extensions=run.extensions).body, b"body")


def eviction(run: Run) -> None:
    run.network.answer(reply(b"", (b"Location", URL_B.encode()), status=b"302 Found"))
    run.network.answer(reply(b"there"))
    expect(run.pool.request("GET", URL_A, extensions=run.extensions).status, 302)
    expect(run.pool.request("GET", URL_B, extensions=run.extensions).body, b"there")


def upgrade(run: Run) -> None:
    fields = ((b"Connection", b"Upgrade"), (b"Upgrade", b"echo"))
    run.network.play(
        TakeRequest(),
        Give(head(b"101 Switching Protocols", *fields) + b"welcome"),
        TakeBytes(4),
        Give(b"pong"),
    )
    with run.pool.stream(
        "GET", URL_A, headers=[(b"Host", HOST), *fields], extensions=run.extensions
    ) as response:
        wire = response.wire
        expect(wire.read(100), b"welcome")
        wire.write(b"ping")
        expect(wire.read(100), b"pong")


def expectation(run: Run) -> None:
    run.network.play(
        TakeHead(), Give(head(b"100 Continue")), TakeBytes(4), Give(reply(b"thanks"))
    )
    response = run.pool.request(
        "PUT",
        URL_A,
        headers=[(b"Expect", b"100-continue")],
        content=b"body",
        extensions=run.extensions,
    )
    expect(response.body, b"thanks")


SCENARIOS: list[Scenario] = [
    fresh_connection,
    reused_connection,
    https,
    upload,
    chunked_upload,
    early_response,
    stream_that_is_closed_early,
    unframed_response,
    two_that_wait,
    retry,
    dead_when_looked_at,
    repeated_connect,
    eviction,
    upgrade,
    expectation,
]
each_scenario = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS]
)


def begin(driver: Driver) -> tuple[Network, PoolClient]:
    """A network and a pool that nothing has happened to."""
    network = driver.renew_network()
    network.serve(whole)
    pool = driver.pool(max_connections=1, retries=1, ssl_context=plain_context())
    return network, pool


def play(
    driver: Driver,
    network: Network,
    pool: PoolClient,
    scenario: Scenario,
    extensions: Extensions | None = None,
    spoil: collections.abc.Callable[[list[bytes]], collections.abc.Iterable[bytes]] = iter,
) -> BaseException | None:
    """Runs a scenario; returns what it raised, if anything."""
    run = Run(driver, network, pool, {} if extensions is None else extensions, spoil)
    return failure_of(lambda: scenario(run))


def failure_of(function: collections.abc.Callable[[], object]) -> BaseException | None:
    try:
        function()
    except BaseException as exc:
        return exc
    return None


def whole(request: Received) -> bytes:
    return reply(b"as good as new " + request.target)


def assert_as_good_as_new(network: Network, pool: PoolClient) -> None:
    """Nothing is under way or left over, and everything that is idle works."""
    network.fault = None
    network.forget_scripts()
    network.serve(whole)
    assert not network.complaints
    stats = pool.face.stats()
    assert pool.is_quiet, pool.counts
    assert len(pool.face._requests) == 0
    assert len(network.open_connections) == stats.idle
    assert len(pool.face.connections) == stats.idle
    for connection in network.open_connections:
        # No half of anything is on what is idle, on neither way.
        assert not connection.inbox
        assert not any(connection.outbox)
        connection.steps[:] = [Serve(whole)]
    for url in (URL_A, URL_B, URL_TLS):
        for target in ("1", "2"):
            response = pool.request("GET", url + target)
            assert response.body == b"as good as new /" + target.encode()
    assert pool.face.stats().retried == stats.retried
    pool.close()
    assert not network.open_connections


@each_scenario
def test_scenario_succeeds(driver: Driver, scenario: Scenario) -> None:
    network, pool = begin(driver)
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
    network, pool = begin(driver)
    assert play(driver, network, pool, scenario) is None
    operations = list(network.operations)
    pool.close()
    faults = [fault for fault in faults_of(operations) if fault.kind is kind]
    assert faults
    for fault in faults:
        where = f"{fault} ({operations[fault.at]} of {operations})"
        network, pool = begin(driver)
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
        expected = NetworkError | TimeoutException | ProtocolError | UnexpectedError | None
        assert isinstance(failure, expected), where


class RefusalError(Exception):
    """What a callback or a body raises."""


@each_scenario
@pytest.mark.parametrize("error", [RefusalError, KeyboardInterrupt])
def test_trace_callback_that_raises_at_any_event_leaks_nothing(
    driver: Driver, scenario: Scenario, error: type[BaseException]
) -> None:
    network, pool = begin(driver)
    told, trace = driver.recorder()
    assert play(driver, network, pool, scenario, {"trace": trace}) is None
    pool.close()
    assert len(told) >= 10
    for turn, (name, _) in enumerate(told):
        network, pool = begin(driver)
        trap = Trap(turn, error)
        failure = play(driver, network, pool, scenario, {"trace": driver.trace(trap)})
        assert isinstance(failure, error), f"{name} ({turn})"
        try:
            assert_as_good_as_new(network, pool)
        except BaseException as exc:
            exc.add_note(f"after the callback for {name} ({turn}) raised {failure!r}")
            raise


class Trap:
    """A trace callback that raises when it is called for the so-manieth time."""

    def __init__(self, turn: int, error: type[BaseException]) -> None:
        self._left = turn
        self._error = error

    def __call__(self, name: str, info: dict[str, object]) -> None:
        self._left -= 1
        if self._left == -1:
            raise self._error


@pytest.mark.parametrize("scenario", [chunked_upload, early_response])
@pytest.mark.parametrize("error", [RefusalError, KeyboardInterrupt])
@pytest.mark.parametrize("turn", range(4))
def test_body_that_raises_at_any_part_leaks_nothing(
    driver: Driver, scenario: Scenario, error: type[BaseException], turn: int
) -> None:
    def spoil(parts: list[bytes]) -> collections.abc.Iterator[bytes]:
        yield from parts[:turn]
        raise error

    network, pool = begin(driver)
    failure = play(driver, network, pool, scenario, spoil=spoil)
    if scenario is early_response and turn > 0:
        # The server's answer was there before the part was asked for.
        assert failure is None
    else:
        assert isinstance(failure, error)
    assert_as_good_as_new(network, pool)
