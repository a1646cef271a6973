"""What a pool and its connections tell of themselves, and what may be put in their place."""

import collections.abc
import dataclasses
import importlib.util
import ssl

import pytest
from driving import (
    ORIGIN_A,
    URL_A,
    URL_B,
    URL_TLS,
    AnyConnectionInterface,
    AnyPool,
    Driver,
    plain_context,
    reply,
)
from pace import Hook
from script_steps import Dial, Do, End, Give, Meanwhile, Step, TakeRequest
from scripted import Network
from scripted_async_backend import AsyncScriptedBackend
from scripted_backend import ScriptedBackend

from httpcore_interface import (
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    NetworkStream,
    RemoteProtocolError,
)
from httpcore_pool import (
    AsyncConnectionInterface,
    AsyncConnectionPool,
    AsyncHTTP2Connection,
    AsyncHTTP11Connection,
    AsyncHTTPConnection,
    ConnectionInterface,
    ConnectionPool,
    HTTP2Connection,
    HTTP11Connection,
    HTTPConnection,
    Origin,
    PoolStats,
)

Default = collections.abc.Callable[[Origin], AnyConnectionInterface]

PLAIN = "'http://example.test:80', HTTP/1.1"


def recording(seen: list[str], pool: list[AnyPool]) -> Hook:
    """Notes what the pool and its connection say at some moment."""

    def record() -> None:
        seen.append(repr(pool[0]))
        seen.extend(map(repr, pool[0].connections))

    return record


def test_connection_says_what_it_does(driver: Driver, network: Network) -> None:
    seen: list[str] = []
    pools: list[AnyPool] = []
    record = recording(seen, pools)
    network.play(
        Dial(meanwhile=record),
        Do(record),
        TakeRequest(),
        Meanwhile(record),
        Give(reply(b"first")),
    )
    pool = driver.pool()
    pools.append(pool.face)
    response = pool.open("GET")
    record()
    [connection] = pool.face.connections
    assert connection.info() == f"{PLAIN}, ACTIVE, Request Count: 1"
    response.read()
    record()
    assert connection.info() == f"{PLAIN}, IDLE, Request Count: 1"
    pool.close()
    record()
    assert connection.info() == f"{PLAIN}, CLOSED, Request Count: 1"
    pool_name, name = f"{driver.prefix}ConnectionPool", f"{driver.prefix}HTTPConnection"
    busy = f"<{pool_name} [Requests: 1 active, 0 queued | Connections: 1 active, 0 idle]>"
    active = f"<{name} [{PLAIN}, ACTIVE, Request Count: 1]>"
    assert seen == [
        busy,
        f"<{name} [CONNECTING]>",
        busy,
        f"<{name} [CONNECTING]>",
        busy,
        active,
        busy,
        active,
        f"<{pool_name} [Requests: 0 active, 0 queued | Connections: 0 active, 1 idle]>",
        f"<{name} [{PLAIN}, IDLE, Request Count: 1]>",
        f"<{pool_name} [Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>",
    ]


def test_failed_connection_says_so(driver: Driver, network: Network) -> None:
    network.play(Dial(error=ConnectError("refused")))
    made: list[AnyConnectionInterface] = []

    def create(default: Default, origin: Origin) -> object:
        made.append(default(origin))
        return made[-1]

    with pytest.raises(ConnectError):
        driver.pool(create=create).request("GET", URL_A)
    [connection] = made
    assert repr(connection) == f"<{driver.prefix}HTTPConnection [CONNECTION FAILED]>"
    assert connection.is_closed()
    assert not connection.is_idle()
    assert not connection.is_available()
    assert connection.has_expired()


def test_connection_of_an_upgrade_is_active(driver: Driver, network: Network) -> None:
    network.play(
        TakeRequest(),
        Give(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n"),
    )
    pool = driver.pool()
    response = pool.open("GET", headers=[(b"Host", b"example.test"), (b"Upgrade", b"echo")])
    assert pool.face.connections[0].info() == f"{PLAIN}, ACTIVE, Request Count: 1"
    response.close()


def test_connections_count_their_requests(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply())
    pool = driver.pool(ssl_context=plain_context())
    for _ in range(3):
        pool.request("GET", URL_TLS)
    assert repr(pool.face.connections) == (
        f"[<{driver.prefix}HTTPConnection "
        "['https://example.test:443', HTTP/1.1, IDLE, Request Count: 3]>]"
    )


@pytest.mark.parametrize("of", [ConnectionPool, AsyncConnectionPool])
def test_subclass_is_called_by_its_name(of: type[AnyPool]) -> None:
    assert repr(type("Mine", (of,), {})()).startswith("<Mine [Requests: 0 active")


def test_connection_of_a_pool_answers_for_itself(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"))
    pool = driver.pool()
    response = pool.open("GET")
    [connection] = pool.face.connections
    assert isinstance(connection, HTTPConnection | AsyncHTTPConnection)
    assert connection.can_handle_request(ORIGIN_A)
    assert not connection.can_handle_request(Origin(b"http", b"example.test", 8080))
    busy = (connection.is_available(), connection.is_idle(), connection.is_closed())
    assert busy == (False, False, False)
    response.read()
    idle = (connection.is_available(), connection.is_idle(), connection.is_closed())
    assert idle == (True, True, False)
    assert not connection.has_expired()


def test_readable_idle_connection_has_expired(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply()), End())
    pool = driver.pool()
    pool.request("GET", URL_A)
    assert pool.face.connections[0].has_expired()


# -- numbers -------------------------------------------------------------------------------


def test_stats_count_what_is_and_what_was(driver: Driver, network: Network) -> None:
    seen: list[PoolStats] = []
    pools: list[AnyPool] = []

    def look() -> None:
        seen.append(pools[0].stats())

    network.play(
        Dial(meanwhile=look),
        TakeRequest(),
        Meanwhile(look),
        Give(reply(b"first")),
        TakeRequest(),
        End(),
    )
    network.answer(reply(b"second", (b"Connection", b"close")))
    pool = driver.pool()
    pools.append(pool.face)
    nothing = PoolStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert pool.face.stats() == nothing
    pool.request("GET", URL_A)
    idle = dataclasses.replace(nothing, idle=1, opened=1)
    assert pool.face.stats() == idle
    pool.request("GET", URL_A)
    assert seen == [
        dataclasses.replace(nothing, dialling=1, requests_active=1),
        dataclasses.replace(nothing, active=1, requests_active=1, opened=1),
    ]
    assert pool.face.stats() == dataclasses.replace(
        nothing, opened=2, reused=1, closed=2, retried=1
    )


def test_reserved_connection_is_counted(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply())
    pool = driver.pool()
    pool.request("GET", URL_A)
    seen: list[PoolStats] = []
    network.connections[0].after_look = lambda: seen.append(pool.face.stats())
    pool.request("GET", URL_A)
    assert (seen[0].reserved, seen[0].active, seen[0].idle) == (1, 0, 0)


def test_waiting_request_is_counted(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    seen: list[str] = []

    def look() -> None:
        seen.append(pool.counts)
        seen.append(f"{len(pool.face._requests)} requests, {pool.face.stats().requests_queued}")
        first.read()

    network.while_waiting(look)
    pool.request("GET", URL_A)
    assert seen == [
        "Requests: 1 active, 1 queued | Connections: 1 active, 0 idle",
        "2 requests, 1",
    ]


def test_stats_cannot_be_changed(driver: Driver) -> None:
    stats = driver.pool().face.stats()
    with pytest.raises(dataclasses.FrozenInstanceError):
        stats.idle = 5  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize("step", [End(), Give(b"nonsense\r\n\r\n")])
def test_private_lists_have_the_lengths_that_programs_ask_for(
    driver: Driver, network: Network, step: Step
) -> None:
    network.play(TakeRequest(), step)
    network.answer(reply(b"fine"))
    pool = driver.pool()
    assert (len(pool.face._requests), len(pool.face._connections)) == (0, 0)
    with pytest.raises(RemoteProtocolError):
        pool.request("GET", URL_A)
    assert (len(pool.face._requests), len(pool.face._connections)) == (0, 0)
    response = pool.open("GET")
    assert (len(pool.face._requests), len(pool.face._connections)) == (1, 1)
    response.read()
    assert (len(pool.face._requests), len(pool.face._connections)) == (0, 1)
    assert repr(pool.face._connections) == repr(pool.face.connections)


# -- in place of -----------------------------------------------------------------------------


def network_of(pool: AnyPool) -> Network:
    """What a pool's backend connects to."""
    backend = pool._network_backend
    assert isinstance(backend, ScriptedBackend | AsyncScriptedBackend)
    return backend.network


def test_backend_can_be_replaced(driver: Driver, network: Network) -> None:
    """Programs do this to guard where connections go."""
    other = driver.new_network()
    other.answer(reply(b"guarded"), reply(b"again"))
    network.answer(reply(b"first"))
    pool = driver.pool()
    assert network_of(pool.face) is network
    assert pool.request("GET", URL_A).body == b"first"
    pool.face._network_backend = driver.backend(other)
    # What is connected stays; what is dialled goes the new way.
    assert pool.request("GET", URL_B).body == b"guarded"
    assert network_of(pool.face) is other
    pool.close()
    assert not other.open_connections


def test_backend_of_another_colour_is_refused(driver: Driver, network: Network) -> None:
    theirs, kind = ScriptedBackend(network), "blocking"
    if not driver.prefix:
        theirs, kind = AsyncScriptedBackend(network), "async"  # type: ignore[assignment]
    pool = driver.pool()
    pool.face._network_backend = theirs
    with pytest.raises(TypeError, match=f"connection needs an?.*but got the {kind}"):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert pool.face.connections == []


def test_backend_of_another_colour_is_refused_without_a_pool(network: Network) -> None:
    theirs: AsyncNetworkBackend = ScriptedBackend(network)  # type: ignore[assignment]  # point
    with pytest.raises(TypeError, match="but got the blocking ScriptedBackend"):
        AsyncHTTPConnection(ORIGIN_A, network_backend=theirs)
    assert network.operations == []


def test_waits_are_those_of_the_backend_that_is_there_now(
    driver: Driver, network: Network
) -> None:
    other = driver.new_network()
    other.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool(max_connections=1)
    pool.face._network_backend = driver.backend(other)
    first = pool.open("GET")
    other.while_waiting(first.read)
    assert pool.request("GET", URL_A).body == b"second"
    assert "wait" in other.operations
    assert network.operations == []
    pool.close()


@pytest.mark.parametrize("of", [HTTP11Connection, HTTP2Connection])
def test_async_stream_is_refused(of: type[HTTP11Connection | HTTP2Connection]) -> None:
    stream: NetworkStream = AsyncNetworkStream()  # type: ignore[assignment]  # the point
    with pytest.raises(TypeError, match="but got the async AsyncNetworkStream"):
        of(ORIGIN_A, stream)


@pytest.mark.parametrize("of", [AsyncHTTP11Connection, AsyncHTTP2Connection])
def test_blocking_stream_is_refused(
    of: type[AsyncHTTP11Connection | AsyncHTTP2Connection],
) -> None:
    stream: AsyncNetworkStream = NetworkStream()  # type: ignore[assignment]  # the point
    with pytest.raises(TypeError, match="but got the blocking NetworkStream"):
        of(ORIGIN_A, stream)


def test_overridden_create_connection_is_asked(driver: Driver, network: Network) -> None:
    asked: list[Origin] = []

    def create(default: Default, origin: Origin) -> object:
        asked.append(origin)
        return default(origin)

    network.serve(lambda request: reply())
    pool = driver.pool(create=create)
    pool.request("GET", URL_A)
    pool.request("GET", URL_A)
    pool.request("GET", "http://example.test:8080/")
    assert asked == [ORIGIN_A, Origin(b"http", b"example.test", 8080)]


def test_connection_of_ones_own_making_is_used(driver: Driver, network: Network) -> None:
    def create(default: Default, origin: Origin) -> object:
        there = Origin(origin.scheme, b"elsewhere.test", 8080)
        return driver.connection(there).face

    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool(create=create)
    assert pool.request("GET", URL_A).body == b"first"
    assert pool.request("GET", URL_A).body == b"second"
    assert network.attempts[0].host == "elsewhere.test"
    assert len(pool.face.connections) == 1


class MakeError(Exception):
    """What create_connection() raises."""


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (MakeError("no"), MakeError, "no"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (object(), TypeError, r"must return an (Async)?ConnectionInterface, but"),
        (None, TypeError, "but returned NoneType"),
    ],
)
def test_create_connection_that_fails_leaks_nothing(
    driver: Driver,
    network: Network,
    made: object,
    error: type[BaseException],
    message: str | None,
) -> None:
    does_fail = True

    def create(default: Default, origin: Origin) -> object:
        if not does_fail:
            return default(origin)
        if isinstance(made, BaseException):
            raise made
        return made

    pool = driver.pool(create=create, max_connections=1)
    with pytest.raises(error, match=message):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert pool.face.connections == []
    does_fail = False
    network.answer(reply(b"fine"))
    assert pool.request("GET", URL_A).body == b"fine"


@pytest.mark.parametrize("of", [ConnectionInterface, AsyncConnectionInterface])
@pytest.mark.parametrize(
    "method", ["info", "is_available", "has_expired", "is_idle", "is_closed"]
)
def test_connection_interface_names_what_is_missing(
    of: type[AnyConnectionInterface], method: str
) -> None:
    mine: AnyConnectionInterface = type("Mine", (of,), {})()
    with pytest.raises(NotImplementedError, match=f"^Mine does not implement {method}\\(\\)"):
        getattr(mine, method)()
    with pytest.raises(NotImplementedError, match="can_handle_request"):
        mine.can_handle_request(ORIGIN_A)


# -- protocols ---------------------------------------------------------------------------------


EVERY = [ConnectionPool, AsyncConnectionPool]


@pytest.mark.parametrize("of", EVERY)
def test_http2_without_hpack_is_refused(
    of: type[AnyPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"install 'httpcore\[http2\]'"):
        of(http2=True)


@pytest.mark.parametrize("of", EVERY)
def test_no_protocol_at_all_is_refused(of: type[AnyPool]) -> None:
    with pytest.raises(ValueError, match="no protocol is enabled"):
        of(http1=False)


def test_protocols_are_offered_by_the_context_of_the_caller(
    driver: Driver, network: Network
) -> None:
    """Once, when the pool takes it: not at every connection, where others use it too."""
    offered: list[list[str]] = []

    class Context(ssl.SSLContext):
        def set_alpn_protocols(self, alpn_protocols: collections.abc.Iterable[str]) -> None:
            offered.append(list(alpn_protocols))

    network.serve(lambda request: reply())
    pool = driver.pool(
        ssl_context=Context(ssl.PROTOCOL_TLS_CLIENT), max_keepalive_connections=0
    )
    pool.request("GET", URL_TLS)
    pool.request("GET", URL_TLS)
    assert offered == [["http/1.1"]]
