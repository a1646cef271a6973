"""Connections without a pool: HTTPConnection dials, HTTP11Connection is given a stream."""

import typing

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
    reply,
)
from script_steps import Dial, End, Give, Hang, Meanwhile, Shake, Step, TakeRequest
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import (
    ConnectError,
    ConnectionNotAvailable,
    LocalProtocolError,
    ReadError,
    RemoteProtocolError,
    UnsupportedProtocol,
)
from httpcore_pool import Origin, Request


class Make(typing.Protocol):
    """Makes a connection that plays some steps."""

    def __call__(
        self, *steps: Step, keepalive_expiry: float | None = None
    ) -> ConnectionClient: ...


UNFINISHED = reply(b"0123456789")[:-5]


@pytest.fixture(params=["dialled", "given"])
def make(driver: Driver, request: pytest.FixtureRequest) -> Make:
    """Connections are dialled, or given their stream."""

    def make(*steps: Step, keepalive_expiry: float | None = None) -> ConnectionClient:
        if request.param == "given":
            return driver.connected(*steps, keepalive_expiry=keepalive_expiry)
        driver.network.play(*steps)
        return driver.connection(keepalive_expiry=keepalive_expiry)

    return make


def states(connection: ConnectionClient) -> tuple[bool, bool, bool]:
    face = connection.face
    return face.is_available(), face.is_idle(), face.is_closed()


def test_requests_go_one_after_the_other(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")), TakeRequest(), Give(reply(b"two")))
    assert connection.request("GET", URL_A).body == b"one"
    assert connection.request("GET", URL_A).body == b"two"
    assert states(connection) == (True, True, False)
    connection.close()
    assert states(connection) == (False, False, True)
    assert not network.open_connections


def test_busy_connection_takes_no_request(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")), TakeRequest(), Give(reply(b"two")))
    first = connection.open("GET")
    assert states(connection) == (False, False, False)
    with pytest.raises(ConnectionNotAvailable, match="ACTIVE"):
        connection.open("GET")
    # And is none the worse for it.
    assert first.read() == b"one"
    assert connection.request("GET", URL_A).body == b"two"


def test_unknown_scheme_is_refused_by_name(make: Make) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")))
    with pytest.raises(UnsupportedProtocol, match="unsupported protocol 'ftp://'"):
        connection.open("GET", "ftp://example.test/")
    with pytest.raises(UnsupportedProtocol, match="missing an 'http://' or 'https://'"):
        connection.open("GET", "//example.test/")
    assert connection.request("GET", URL_A).body == b"one"


def test_request_to_another_origin_is_refused(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")))
    for url in (URL_B, "https://example.test/", "http://example.test:8080/"):
        with pytest.raises(RuntimeError, match="cannot go over the connection to http://exam"):
            connection.request("GET", url)
    assert connection.request("GET", "http://example.test:80/").body == b"one"


def test_closed_connection_takes_no_request(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")))
    connection.request("GET", URL_A)
    connection.close()
    connection.close()
    with pytest.raises(ConnectionNotAvailable, match="CLOSED"):
        connection.request("GET", URL_A)


def test_connection_that_was_closed_unused_takes_no_request(
    driver: Driver, network: Network
) -> None:
    connection = driver.connection()
    connection.close()
    assert connection.face.is_closed()
    with pytest.raises(ConnectionNotAvailable):
        connection.request("GET", URL_A)
    assert network.operations == []


def test_connection_that_the_server_ended_takes_no_request(
    make: Make, network: Network
) -> None:
    connection = make(TakeRequest(), Give(reply(b"one", (b"Connection", b"close"))))
    assert connection.request("GET", URL_A).body == b"one"
    assert connection.face.is_closed()
    assert not network.open_connections
    with pytest.raises(ConnectionNotAvailable):
        connection.request("GET", URL_A)


def test_nothing_is_sent_again_without_a_pool(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")), TakeRequest(), End())
    connection.request("GET", URL_A)
    with pytest.raises(RemoteProtocolError, match="without sending a response"):
        connection.request("GET", URL_A)
    assert connection.face.is_closed()
    assert len(network.connections) == 1


def test_invalid_request_does_no_harm(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")))
    with pytest.raises(LocalProtocolError):
        connection.request("GET", URL_A, headers=[(b"X", b"a\r\nb")])
    assert connection.request("GET", URL_A).body == b"one"


def test_idle_connection_expires(make: Make, network: Network, clock: Clock) -> None:
    connection = make(TakeRequest(), Give(reply()), keepalive_expiry=5.0)
    response = connection.open("GET")
    clock.advance(100.0)
    assert not connection.face.has_expired()
    response.read()
    clock.advance(4.9)
    assert not connection.face.has_expired()
    clock.advance(0.1)
    assert connection.face.has_expired()


def test_ended_connection_has_expired(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply()), End())
    connection.request("GET", URL_A)
    assert connection.face.has_expired()


def test_response_that_is_closed_early_closes_the_connection(
    make: Make, network: Network
) -> None:
    connection = make(TakeRequest(), Give(UNFINISHED))
    connection.open("GET").close()
    assert connection.face.is_closed()
    assert not network.open_connections


def test_abandoned_response_makes_the_connection_unusable(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(UNFINISHED))
    assert connection.open("GET").status == 200
    assert connection.face.is_closed()
    with pytest.raises(ConnectionNotAvailable):
        connection.open("GET")
    connection.close()
    assert not network.open_connections


def test_close_ends_a_request_under_way(make: Make, network: Network) -> None:
    made: list[ConnectionClient] = []
    connection = make(TakeRequest(), Meanwhile(lambda: made[0].close()))
    made.append(connection)
    with pytest.raises(ReadError, match="closed while a request used it"):
        connection.request("GET", URL_A)
    assert connection.face.is_closed()


def test_close_ends_a_blocked_read_of_another_thread(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Hang())
    thread = Background(lambda: connection.request("GET", URL_A))
    network.until_connected(1)
    network.connections[0].until_hanging()
    connection.close()
    with pytest.raises(ReadError, match="closed while a request used it"):
        thread.result()


def test_block_closes_the_connection(make: Make, network: Network) -> None:
    with make(TakeRequest(), Give(reply(b"one"))) as connection:
        assert connection.request("GET", URL_A).body == b"one"
    assert not network.open_connections
    assert connection.face.is_closed()


def test_timeouts_are_checked_without_a_pool(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")))
    with pytest.raises(ValueError, match="timeout must be None or at least 0"):
        connection.request("GET", URL_A, extensions={"timeout": {"read": -1}})
    assert connection.request("GET", URL_A).body == b"one"


def test_only_one_of_many_threads_gets_the_connection(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Hang())
    first = Background(lambda: connection.request("GET", URL_A))
    network.until_connected(1)
    network.connections[0].until_hanging()
    others = [Background(lambda: connection.request("GET", URL_A)) for _ in range(10)]
    for other in others:
        with pytest.raises(ConnectionNotAvailable):
            other.result()
    connection.close()
    with pytest.raises(ReadError):
        first.result()


# -- what they say of themselves -----------------------------------------------------------


def test_given_connection_says_what_it_does(driver: Driver, network: Network) -> None:
    connection = driver.connected(TakeRequest(), Give(reply(b"one")))
    name, origin = f"{driver.prefix}HTTP11Connection", "'http://example.test:80'"
    assert repr(connection.face) == f"<{name} [{origin}, NEW, Request Count: 0]>"
    assert connection.face.info() == f"{origin}, HTTP/1.1, NEW, Request Count: 0"
    response = connection.open("GET")
    assert repr(connection.face) == f"<{name} [{origin}, ACTIVE, Request Count: 1]>"
    response.read()
    assert repr(connection.face) == f"<{name} [{origin}, IDLE, Request Count: 1]>"
    connection.close()
    assert repr(connection.face) == f"<{name} [{origin}, CLOSED, Request Count: 1]>"


def test_dialled_connection_says_what_it_does(driver: Driver, network: Network) -> None:
    network.answer(reply(b"one"))
    connection = driver.connection()
    assert repr(connection.face) == f"<{driver.prefix}HTTPConnection [CONNECTING]>"
    assert states(connection) == (False, False, False)
    connection.request("GET", URL_A)
    plain = "'http://example.test:80', HTTP/1.1, IDLE, Request Count: 1"
    assert repr(connection.face) == f"<{driver.prefix}HTTPConnection [{plain}]>"


@pytest.mark.parametrize("kind", ["dialled", "given"])
def test_connections_know_their_origin(driver: Driver, network: Network, kind: str) -> None:
    connection = driver.connection() if kind == "dialled" else driver.connected()
    assert connection.face.can_handle_request(ORIGIN_A)
    assert not connection.face.can_handle_request(Origin(b"https", HOST, 443))


# -- dialling ----------------------------------------------------------------------------------


def test_dialled_connection_does_tls(driver: Driver, network: Network) -> None:
    network.answer(reply(b"one"))
    connection = driver.connection(Origin(b"https", HOST, 443), ssl_context=plain_context())
    assert connection.request("GET", URL_TLS).body == b"one"
    assert network.connections[0].handshakes[0].server_hostname == "example.test"


def test_dialled_connection_repeats_its_attempts(driver: Driver, network: Network) -> None:
    network.play(Dial(error=ConnectError("refused")))
    network.answer(reply(b"one"))
    assert driver.connection(retries=1).request("GET", URL_A).body == b"one"


def test_each_attempt_has_all_socket_options(driver: Driver, network: Network) -> None:
    """They may come from what can be gone through only once."""
    network.play(Dial(error=ConnectError("refused")))
    network.answer(reply(b"one"))
    options = iter([(6, 1, 1), (1, 9, 1)])
    connection = driver.connection(retries=1, socket_options=options)
    connection.request("GET", URL_A)
    assert [attempt.socket_options for attempt in network.attempts] == [
        ((6, 1, 1), (1, 9, 1))
    ] * 2


@pytest.mark.parametrize("step", [Dial, Shake])
def test_connection_that_could_not_be_dialled_takes_no_request(
    driver: Driver, network: Network, step: type[Dial | Shake]
) -> None:
    network.play(step(error=ConnectError("refused")))
    connection = driver.connection(Origin(b"https", HOST, 443), ssl_context=plain_context())
    with pytest.raises(ConnectError):
        connection.request("GET", URL_TLS)
    assert connection.face.info() == "CONNECTION FAILED"
    assert connection.face.is_closed()
    assert not network.open_connections
    with pytest.raises(ConnectionNotAvailable, match="CONNECTION FAILED"):
        connection.request("GET", URL_TLS)


def test_connection_that_dials_takes_no_other_request(driver: Driver, network: Network) -> None:
    refused: list[BaseException] = []

    def another() -> None:
        with pytest.raises(ConnectionNotAvailable, match="CONNECTING") as caught:
            connection.request("GET", URL_A)
        refused.append(caught.value)

    network.play(Dial(meanwhile=another), TakeRequest(), Give(reply(b"one")))
    connection = driver.connection()
    assert connection.request("GET", URL_A).body == b"one"
    assert len(refused) == 1


def test_close_ends_a_dial(driver: Driver, network: Network) -> None:
    network.play(Dial(meanwhile=lambda: connection.close()))
    connection = driver.connection()
    with pytest.raises(ConnectError, match="closed while it was being established"):
        connection.request("GET", URL_A)
    assert connection.face.is_closed()
    assert not network.open_connections


def test_request_that_was_made_before_can_be_sent(make: Make, network: Network) -> None:
    connection = make(TakeRequest(), Give(reply(b"one")))
    request = Request("GET", URL_A, headers=[(b"Host", HOST)])
    assert connection.send(request).read() == b"one"


@pytest.mark.parametrize(
    ("scheme", "http1", "http2", "expected"),
    [
        (b"http", True, False, False),
        (b"https", True, False, False),
        (b"http", True, True, False),
        (b"https", True, True, True),
        (b"http", False, True, True),
    ],
)
def test_connection_that_may_speak_http2_is_available_before_it_knows(
    driver: Driver, scheme: bytes, http1: bool, http2: bool, expected: bool
) -> None:
    origin = Origin(scheme, b"example.test", 443)
    connection = driver.connection(origin, http1=http1, http2=http2)
    assert connection.face.is_available() is expected
    connection.close()
    assert not connection.face.is_available()
