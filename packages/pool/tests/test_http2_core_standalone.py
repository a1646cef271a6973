"""HTTP/2 without a pool: HTTPConnection dials, HTTP2Connection is given a stream."""

import collections.abc
import subprocess
import sys
import textwrap

import pytest
from driving import (
    HOST,
    ORIGIN_A,
    URL_A,
    URL_B,
    URL_TLS,
    Background,
    ConnectionClient,
    Driver,
    plain_context,
)
from http2_peer import MOST_STREAMS, NO_ERROR, REFUSED, Peer, echo, serve
from script_steps import Dial
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import (
    ConnectError,
    ConnectionNotAvailable,
    ConnectTimeout,
    LocalProtocolError,
    ReadError,
    RemoteProtocolError,
)
from httpcore_pool import Origin

Make = collections.abc.Callable[[], ConnectionClient]


@pytest.fixture(params=["dialled", "given"])
def make(driver: Driver, request: pytest.FixtureRequest) -> Make:
    """Connections are dialled, or given their stream."""

    def make() -> ConnectionClient:
        if request.param == "given":
            return driver.given(driver.stream(), http2=True)
        return driver.connection(http1=False, http2=True)

    return make


def ask(connection: ConnectionClient, target: str = "") -> Background[bytes]:
    return Background(lambda: connection.request("GET", URL_A + target).body)


def states(connection: ConnectionClient) -> tuple[bool, bool, bool]:
    face = connection.face
    return face.is_available(), face.is_idle(), face.is_closed()


def test_many_requests_at_once(make: Make, network: Network) -> None:
    peers = serve(network)
    connection = make()
    threads = [ask(connection, str(number)) for number in range(20)]
    calls = list(peers.until_called(20))
    for call in reversed(calls):
        peers.answer(call, call.path)
    assert [thread.result() for thread in threads] == [b"/%d" % n for n in range(20)]
    assert len(peers) == 1


def test_connection_is_available_while_there_is_room(make: Make, network: Network) -> None:
    peers = serve(network, begin=lambda peer, call: peer.head(call), settings={MOST_STREAMS: 2})
    connection = make()
    first = connection.open("GET")
    assert states(connection) == (True, False, False)
    second = connection.open("GET")
    assert states(connection) == (False, False, False)
    peers[0].body(peers.calls[0], b"first")
    assert first.read() == b"first"
    assert states(connection) == (True, False, False)
    peers[0].body(peers.calls[1], b"second")
    assert second.read() == b"second"
    assert states(connection) == (True, True, False)
    connection.close()
    assert states(connection) == (False, False, True)
    assert not network.open_connections


def test_more_than_the_server_takes_are_refused(make: Make, network: Network) -> None:
    peers = serve(network, settings={MOST_STREAMS: 1})
    connection = make()
    first = ask(connection)
    [call] = peers.until_called(1)
    peers[0].respond(call)
    first.result()
    second = ask(connection)
    call = peers.until_called(2)[1]
    assert not connection.face.is_available()
    with pytest.raises(ConnectionNotAvailable, match="takes 1 requests at once"):
        connection.request("GET", URL_A)
    peers[0].respond(call, b"second")
    assert second.result() == b"second"


def test_request_to_another_origin_is_refused(make: Make, network: Network) -> None:
    serve(network, echo)
    connection = make()
    with pytest.raises(RuntimeError, match="cannot go over the connection to http://exam"):
        connection.request("GET", URL_B)
    assert connection.request("GET", URL_A).body == b"/"


def test_closed_connection_takes_no_request(make: Make, network: Network) -> None:
    serve(network, echo)
    connection = make()
    connection.request("GET", URL_A)
    connection.close()
    connection.close()
    with pytest.raises(ConnectionNotAvailable, match="CLOSED"):
        connection.request("GET", URL_A)


def test_server_that_went_while_idle_is_not_asked(make: Make, network: Network) -> None:
    peers = serve(network, echo)
    connection = make()
    connection.request("GET", URL_A)
    peers[0].go_away(1, NO_ERROR)
    with pytest.raises(ConnectionNotAvailable, match="CLOSED"):
        connection.request("GET", URL_A)
    assert connection.face.is_closed()
    assert len(peers.calls) == 1
    assert not network.open_connections


def test_ping_that_came_while_idle_is_answered(make: Make, network: Network) -> None:
    peers = serve(network, echo)
    connection = make()
    connection.request("GET", URL_A)
    peers[0].h2.ping(b"12345678")
    peers[0].flush()
    connection.request("GET", URL_A)
    assert "PingAckReceived" in peers[0].told


def test_server_that_goes_lets_others_finish(make: Make, network: Network) -> None:
    peers = serve(network)
    connection = make()
    first = ask(connection)
    [call] = peers.until_called(1)
    peers[0].go_away(call.stream)
    # A sign that it has been read.
    peers[0].h2.ping(b"12345678")
    peers[0].flush()
    peers.until(lambda: "PingAckReceived" in peers[0].told)
    with pytest.raises(ConnectionNotAvailable, match="ACTIVE"):
        connection.request("GET", URL_A)
    peers[0].respond(call, b"first")
    assert first.result() == b"first"
    assert connection.face.is_closed()
    assert not network.open_connections


def test_request_that_came_too_late_may_be_sent_elsewhere(make: Make, network: Network) -> None:
    serve(network, lambda peer, call: peer.go_away(0))
    connection = make()
    with pytest.raises(ConnectionNotAvailable, match="the server is going: NO_ERROR"):
        connection.request("GET", URL_A)


def test_refused_request_fails_with_its_reason(make: Make, network: Network) -> None:
    serve(network, lambda peer, call: peer.reset(call, REFUSED))
    connection = make()
    with pytest.raises(RemoteProtocolError, match="REFUSED_STREAM"):
        connection.request("GET", URL_A)
    assert len(network.connections) == 1


def test_invalid_request_does_no_harm(make: Make, network: Network) -> None:
    serve(network, echo)
    connection = make()
    with pytest.raises(LocalProtocolError):
        connection.request("GET", URL_A, headers=[(b"X", b"a\r\nb")])
    assert connection.request("GET", URL_A).body == b"/"


def test_response_that_is_closed_early_leaves_the_connection(
    make: Make, network: Network
) -> None:
    peers = serve(network, begin=lambda peer, call: peer.head(call))
    connection = make()
    connection.open("GET").close()
    peers.until(lambda: peers.calls[0].reset is not None)
    assert states(connection) == (True, True, False)


def test_close_ends_all_requests_under_way(make: Make, network: Network) -> None:
    peers = serve(network)
    connection = make()
    threads = [ask(connection, str(number)) for number in range(5)]
    peers.until_called(5)
    peers.until(lambda: peers[0].waiting == 1)
    connection.close()
    # The scripted stream does not end a read that waits.
    peers[0].wake()
    for thread in threads:
        with pytest.raises(ReadError, match="closed while a request used it"):
            thread.result()
    assert connection.face.is_closed()
    assert not network.open_connections


def test_idle_connection_expires(driver: Driver, network: Network, clock: Clock) -> None:
    peers = serve(network, begin=lambda peer, call: peer.head(call))
    connection = driver.given(driver.stream(), keepalive_expiry=5.0, http2=True)
    response = connection.open("GET")
    clock.advance(100.0)
    assert not connection.face.has_expired()
    peers[0].body(peers.calls[0], b"body")
    response.read()
    clock.advance(4.9)
    assert not connection.face.has_expired()
    clock.advance(0.1)
    assert connection.face.has_expired()


def test_response_that_has_come_whole_ends_the_use(
    driver: Driver, network: Network, clock: Clock
) -> None:
    serve(network, echo)
    connection = driver.given(driver.stream(), keepalive_expiry=5.0, http2=True)
    response = connection.open("GET")
    assert connection.face.is_idle()
    assert not connection.face.has_expired()
    clock.advance(5.0)
    assert connection.face.has_expired()
    connection.close()
    assert response.read() == b"/"


# -- what they say of themselves -----------------------------------------------------------


def test_given_connection_says_what_it_does(driver: Driver, network: Network) -> None:
    peers = serve(network)
    connection = driver.given(driver.stream(), http2=True)
    name, origin = f"{driver.prefix}HTTP2Connection", "'http://example.test:80'"
    assert repr(connection.face) == f"<{name} [{origin}, NEW, Request Count: 0]>"
    assert connection.face.info() == f"{origin}, HTTP/2, NEW, Request Count: 0"
    assert connection.face.can_handle_request(ORIGIN_A)
    assert not connection.face.can_handle_request(Origin(b"https", HOST, 443))
    thread = ask(connection)
    [call] = peers.until_called(1)
    assert repr(connection.face) == f"<{name} [{origin}, ACTIVE, Request Count: 1]>"
    peers.answer(call, b"body")
    thread.result()
    assert repr(connection.face) == f"<{name} [{origin}, IDLE, Request Count: 1]>"
    connection.close()
    assert repr(connection.face) == f"<{name} [{origin}, CLOSED, Request Count: 1]>"


def test_block_closes_the_connection(make: Make, network: Network) -> None:
    serve(network, echo)
    with make() as connection:
        assert connection.request("GET", URL_A).body == b"/"
    assert not network.open_connections


# -- dialling ----------------------------------------------------------------------------------


def dial(
    driver: Driver, network: Network, *others: dict[str, float], error: Exception | None = None
) -> tuple[Background[bytes], list[Background[bytes]]]:
    """A connection that others want, too, while it is dialled, each under a timeout."""
    origin = Origin(b"https", HOST, 443)
    connection = driver.connection(origin, ssl_context=plain_context(), http2=True)

    def ask(timeout: dict[str, float]) -> Background[bytes]:
        extensions: dict[str, object] = {"timeout": timeout}
        return Background(
            lambda: connection.request("GET", URL_TLS, extensions=extensions).body
        )

    threads: list[Background[bytes]] = []

    def come_meanwhile() -> None:
        threads.extend(ask(timeout) for timeout in others)
        network.until_waiting(sum(timeout.get("connect") != 0 for timeout in others))

    steps = [Dial(meanwhile=come_meanwhile, error=error)]
    network.play(*steps, *([] if error else [Peer(echo)]))
    return ask({}), threads


def test_those_who_come_meanwhile_share_what_is_dialled(
    driver: Driver, network: Network
) -> None:
    network.alpn = "h2"
    first, others = dial(driver, network, *[{}] * 4)
    assert first.result() == b"/"
    assert [other.result() for other in others] == [b"/"] * 4
    assert len(network.attempts) == 1


def test_those_who_come_meanwhile_hear_that_it_failed(driver: Driver, network: Network) -> None:
    first, others = dial(driver, network, *[{}] * 4, error=ConnectError("refused"))
    with pytest.raises(ConnectError, match="refused"):
        first.result()
    for other in others:
        with pytest.raises(ConnectionNotAvailable, match="CONNECTION FAILED"):
            other.result()


def test_those_who_come_meanwhile_wait_under_their_connect_timeout(
    driver: Driver, network: Network
) -> None:
    network.alpn = "h2"
    first, others = dial(driver, network, {"connect": 0.0}, {})
    assert first.result() == b"/"
    with pytest.raises(ConnectTimeout, match=r"not established in 0\.0 seconds"):
        others[0].result()
    assert others[1].result() == b"/"


# -- what it needs -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HTTP2Connection", "AsyncHTTP2Connection"])
def test_what_is_missing_is_named(name: str) -> None:
    """And nothing of it is imported before HTTP/2 is spoken."""
    program = f"""
        import sys
        import httpcore_interface
        import httpcore_pool

        assert "hpack" not in sys.modules
        assert "httpcore_pool._core.http2" not in sys.modules

        import importlib.util
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name: None if name == "hpack" else find(name)
        prefix = "Async" if "Async" in "{name}" else ""
        stream = getattr(httpcore_interface, prefix + "NetworkStream")()
        origin = httpcore_pool.Origin(b"http", b"example.test", 80)
        try:
            httpcore_pool.{name}(origin, stream)
        except ImportError as exc:
            print(exc)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert "install 'httpcore[http2]'" in done.stdout
