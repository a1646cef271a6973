"""Scenarios that are tortured, and how good the pool has to be afterwards."""

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
from foreign import wrapping
from proxy_kinds import ServeThrough, hears_connect, hears_socks4a, hears_socks5, proxy_of
from script_steps import (
    Dial,
    End,
    Give,
    Received,
    Serve,
    Take,
    TakeAll,
    TakeBytes,
    TakeHead,
    TakeRequest,
)
from scripted import Network

from httpcore_interface import ConnectError, ProxyError
from httpcore_pool import Proxy

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
    otherwise = run.network.otherwise
    run.network.serve(lambda request: reply(b"waited"))
    try:
        wait_behind_a_first(run)
    finally:
        run.network.otherwise = otherwise


def wait_behind_a_first(run: Run) -> None:
    network, pool = run.network, run.pool
    network.answer(reply(b"first"))
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
        outcomes = [outcome_of(thread.result) for thread in threads]
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


def forwarded(run: Run) -> None:
    run.network.play(
        Take(b"GET http://example.test/ HTTP/1.1\r\nHost: example.test\r\n\r\n"),
        Give(reply(b"body")),
    )
    expect(run.pool.request("GET", URL_A, extensions=run.extensions).body, b"body")


def tunnelled(run: Run) -> None:
    run.network.play(*hears_connect(b"example.test", 443), TakeRequest(), Give(reply(b"body")))
    expect(run.pool.request("GET", URL_TLS, extensions=run.extensions).body, b"body")


def refused_tunnel(run: Run) -> None:
    refusal = reply(b"who are you?", status=b"407 Proxy Authentication Required")
    run.network.play(TakeRequest(), Give(refusal))
    try:
        run.pool.request("GET", URL_TLS, extensions=run.extensions)
    except ProxyError as exc:
        expect(exc.status, 407)
    else:
        raise UnexpectedError("the proxy was not heard")


def through_socks5(run: Run) -> None:
    run.network.play(*hears_socks5(b"example.test", 443), TakeRequest(), Give(reply(b"body")))
    expect(run.pool.request("GET", URL_TLS, extensions=run.extensions).body, b"body")


def through_socks4(run: Run) -> None:
    run.network.play(*hears_socks4a(b"example.test", 80), TakeRequest(), Give(reply(b"body")))
    expect(run.pool.request("GET", URL_A, extensions=run.extensions).body, b"body")


def through_a_chain(run: Run) -> None:
    run.network.play(
        *hears_socks5(b"proxy.test", 3129),
        *hears_connect(b"example.test", 443),
        TakeRequest(),
        Give(reply(b"body")),
    )
    expect(run.pool.request("GET", URL_TLS, extensions=run.extensions).body, b"body")


PROXIES: dict[Scenario, tuple[str, ...]] = {
    forwarded: ("http",),
    tunnelled: ("https",),
    refused_tunnel: ("http",),
    through_socks5: ("socks5",),
    through_socks4: ("socks4a",),
    through_a_chain: ("socks5", "https"),
}
"""The proxies that the pool of a scenario has, the nearest first."""


def by_foreign_connections(scenario: Scenario) -> Scenario:
    """A scenario whose pool has connections of a class of its user's."""

    def through(run: Run) -> None:
        scenario(run)

    through.__name__ = f"foreign_{scenario.__name__}"
    return through


FOREIGN: list[Scenario] = [
    by_foreign_connections(scenario)
    for scenario in (
        fresh_connection,
        reused_connection,
        https,
        chunked_upload,
        stream_that_is_closed_early,
        unframed_response,
        two_that_wait,
        dead_when_looked_at,
        eviction,
        upgrade,
    )
]

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
    *PROXIES,
    *FOREIGN,
]
each_scenario = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS]
)


def begin(driver: Driver, scenario: Scenario | None = None) -> tuple[Network, PoolClient]:
    """A network and a pool that nothing has happened to."""
    network = driver.renew_network()
    kinds = () if scenario is None else PROXIES.get(scenario, ())
    proxy: Proxy | None = None
    for kind in kinds:
        proxy = proxy_of(kind, via=proxy)
    network.otherwise = lambda: [ServeThrough(kinds, whole)]
    create = wrapping() if scenario in FOREIGN else None
    pool = driver.pool(
        create=create, max_connections=1, retries=1, ssl_context=plain_context(), proxy=proxy
    )
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
    return outcome_of(lambda: scenario(run))


def outcome_of(function: collections.abc.Callable[[], object]) -> BaseException | None:
    try:
        function()
    except BaseException as exc:
        return exc
    return None


def whole(request: Received) -> bytes:
    # A proxy that forwards is told where to.
    return reply(b"as good as new /" + request.target.rpartition(b"/")[2])


def assert_as_good_as_new(network: Network, pool: PoolClient) -> None:
    """Nothing is under way or left over, and everything that is idle works."""
    network.fault = None
    network.forget_scripts()
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
