"""From the name of an origin to a connection, and what a failure on the way leaves."""

import ssl

import pytest
from driving import HOST, URL_A, URL_TLS, Driver, Extensions, plain_context, reply
from script_steps import Dial, Give, Shake, TakeRequest
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import ConnectError, ConnectTimeout
from httpcore_pool import URL

REFUSED = ConnectError("connection refused")


def test_options_reach_the_backend(driver: Driver, network: Network) -> None:
    network.answer(reply())
    pool = driver.pool(local_address="127.0.0.1", socket_options=[(6, 1, 1)])
    pool.request("GET", "http://example.test:8080/", extensions={"timeout": {"connect": 7.0}})
    [address] = network.attempts
    assert (address.host, address.port) == ("example.test", 8080)
    assert (address.local_address, address.socket_options) == ("127.0.0.1", ((6, 1, 1),))
    assert address.timeout == 7.0


def test_socket_options_reach_every_attempt(driver: Driver, network: Network) -> None:
    network.play(Dial(error=REFUSED))
    network.answer(reply())
    pool = driver.pool(socket_options=iter([(6, 1, 1)]), retries=1)
    pool.request("GET", URL_A)
    assert [address.socket_options for address in network.attempts] == [((6, 1, 1),)] * 2


def test_unix_socket_stands_for_every_origin(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(uds="/run/http.sock", socket_options=[(1, 2, 3)])
    pool.request("GET", URL_A)
    pool.request("GET", "http://other.test/")
    assert [address.path for address in network.attempts] == ["/run/http.sock"] * 2
    assert network.attempts[0].socket_options == ((1, 2, 3),)
    # They are two origins all the same.
    hosts = [connection.requests[0].header(b"host") for connection in network.connections]
    assert hosts == [b"example.test", b"other.test"]


def test_ipv6_address_is_dialled_without_its_brackets(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply())
    pool = driver.pool()
    pool.request("GET", "http://[::1]:8080/")
    pool.request("GET", "http://[fe80::1%25eth0]/")
    assert [address.host for address in network.attempts] == ["::1", "fe80::1%eth0"]
    hosts = [connection.requests[0].header(b"host") for connection in network.connections]
    assert hosts == [b"[::1]:8080", b"[fe80::1]"]


# -- TLS -------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_tls_is_started_with_the_pools_context(
    driver: Driver, network: Network, scheme: str
) -> None:
    network.answer(reply())
    context = plain_context()
    driver.pool(ssl_context=context).request("GET", f"{scheme}://example.test/")
    [handshake] = network.connections[0].handshakes
    assert handshake.ssl_context is context
    assert handshake.server_hostname == "example.test"
    assert network.connections[0].address.port == 443


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_tls_is_not_started_otherwise(driver: Driver, network: Network, scheme: str) -> None:
    network.answer(reply())
    driver.pool().request("GET", f"{scheme}://example.test/")
    assert not network.connections[0].handshakes
    assert network.connections[0].address.port == 80


def test_default_context_is_made_once(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply())
    for _ in range(2):
        driver.pool().request("GET", URL_TLS)
    first, second = (connection.handshakes[0].ssl_context for connection in network.connections)
    assert first is second
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname


def test_name_for_tls_can_be_given(driver: Driver, network: Network) -> None:
    network.answer(reply())
    driver.pool(ssl_context=plain_context()).request(
        "GET", URL_TLS, extensions={"sni_hostname": "virtual.test"}
    )
    assert network.connections[0].handshakes[0].server_hostname == "virtual.test"
    assert network.connections[0].address.host == "example.test"


def test_zone_of_an_address_is_no_name_for_tls(driver: Driver, network: Network) -> None:
    network.answer(reply())
    url = URL(scheme="https", host="fe80::1%eth0", target="/")
    driver.pool(ssl_context=plain_context()).request("GET", url)
    assert network.connections[0].handshakes[0].server_hostname == "fe80::1"


def test_connect_timeout_covers_the_handshake(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.play(Dial(seconds=3.0), Shake(seconds=1.0), TakeRequest(), Give(reply()))
    network.play(Dial(seconds=3.0), Shake(seconds=10.0))
    pool = driver.pool(ssl_context=plain_context(), max_keepalive_connections=0)
    timeout: Extensions = {"timeout": {"connect": 5.0}}
    pool.request("GET", URL_TLS, extensions=timeout)
    assert network.connections[0].handshakes[0].timeout == 2.0
    before = clock.now
    with pytest.raises(ConnectTimeout):
        pool.request("GET", URL_TLS, extensions=timeout)
    assert clock.now - before == 5.0
    assert not network.open_connections
    assert pool.is_quiet


def test_handshake_is_not_begun_without_time(driver: Driver, network: Network) -> None:
    network.play(Dial(seconds=5.0))
    pool = driver.pool(ssl_context=plain_context())
    with pytest.raises(ConnectTimeout, match="no time was left for the TLS handshake"):
        pool.request("GET", URL_TLS, extensions={"timeout": {"connect": 5.0}})
    assert "start_tls" not in network.operations
    assert not network.open_connections


# -- failures ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [REFUSED, ConnectTimeout("slow"), OSError("raw"), KeyboardInterrupt()], ids=repr
)
def test_failed_connect_leaves_nothing(
    driver: Driver, network: Network, error: BaseException
) -> None:
    network.play(Dial(error=error))
    network.answer(reply(b"fine"))
    pool = driver.pool(max_connections=1)
    with pytest.raises(type(error)):
        pool.request("GET", URL_A)
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle"
    assert pool.face.connections == []
    assert pool.face.stats().opened == 0
    assert pool.request("GET", URL_A).body == b"fine"


@pytest.mark.parametrize(
    "error", [REFUSED, ConnectTimeout("slow"), OSError("raw"), KeyboardInterrupt()], ids=repr
)
def test_failed_handshake_leaves_nothing(
    driver: Driver, network: Network, error: BaseException
) -> None:
    network.play(Shake(error=error))
    network.answer(reply(b"fine"))
    pool = driver.pool(max_connections=1, ssl_context=plain_context())
    with pytest.raises(type(error)):
        pool.request("GET", URL_TLS)
    assert not network.open_connections
    assert pool.face.connections == []
    assert pool.request("GET", URL_TLS).body == b"fine"


def test_host_that_cannot_be_written_is_an_error(driver: Driver, network: Network) -> None:
    pool = driver.pool()
    with pytest.raises(ValueError, match="ascii"):
        pool.open("GET", URL(scheme=b"http", host=b"ex\xe4mple.test", target=b"/"))
    assert pool.is_quiet


# -- retries -----------------------------------------------------------------------------


def test_failed_attempts_are_repeated_with_growing_pauses(
    driver: Driver, network: Network
) -> None:
    for error in (REFUSED, ConnectTimeout("slow"), REFUSED, REFUSED, REFUSED):
        network.play(Dial(error=error))
    network.answer(reply(b"at last"))
    pool = driver.pool(retries=5)
    assert pool.request("GET", URL_A).body == b"at last"
    assert network.sleeps == [0.0, 0.5, 1.0, 2.0, 4.0]
    # It is about connecting: no request was sent twice.
    assert pool.face.stats().retried == 0
    assert pool.face.stats().opened == 1


def test_failed_handshake_is_repeated_on_a_new_connection(
    driver: Driver, network: Network
) -> None:
    network.play(Shake(error=ConnectError("handshake failure")))
    network.answer(reply(b"fine"))
    pool = driver.pool(retries=1, ssl_context=plain_context())
    assert pool.request("GET", URL_TLS).body == b"fine"
    assert [connection.is_open for connection in network.connections] == [False, True]


def test_last_failure_is_the_error(driver: Driver, network: Network) -> None:
    network.play(Dial(error=ConnectTimeout("first")))
    network.play(Dial(error=REFUSED))
    with pytest.raises(ConnectError, match="refused"):
        driver.pool(retries=1).request("GET", URL_A)
    assert network.sleeps == [0.0]


@pytest.mark.parametrize("error", [OSError("raw"), KeyboardInterrupt(), ValueError()], ids=repr)
def test_other_failures_are_not_repeated(
    driver: Driver, network: Network, error: BaseException
) -> None:
    network.play(Dial(error=error))
    with pytest.raises(type(error)):
        driver.pool(retries=3).request("GET", URL_A)
    assert network.sleeps == []


def test_each_attempt_has_the_whole_connect_timeout(driver: Driver, network: Network) -> None:
    network.play(Dial(seconds=100.0))
    network.play(Dial(seconds=4.0), TakeRequest(), Give(reply(b"fine")))
    pool = driver.pool(retries=1)
    response = pool.request("GET", URL_A, extensions={"timeout": {"connect": 5.0}})
    assert response.body == b"fine"
    assert [address.timeout for address in network.attempts] == [5.0, 5.0]


def test_total_timeout_ends_the_attempts(
    driver: Driver, network: Network, clock: Clock
) -> None:
    for _ in range(4):
        network.play(Dial(error=REFUSED))
    before = clock.now
    pool = driver.pool(retries=10)
    with pytest.raises(ConnectTimeout, match="total timeout of 2"):
        pool.request("GET", URL_A, extensions={"timeout": {"total": 2.0}})
    # 0, 0.5 and 1 second of pauses; the next pause of 2 is cut to what is left.
    assert clock.now - before == pytest.approx(2.0)
    assert network.sleeps == pytest.approx([0.0, 0.5, 1.0, 0.5])
    assert pool.is_quiet


def test_headers_are_as_they_were_after_a_repeated_connect(
    driver: Driver, network: Network
) -> None:
    network.play(Dial(error=REFUSED))
    network.answer(reply())
    driver.pool(retries=1).request("GET", URL_A)
    [request] = network.connections[0].requests
    assert request.headers == [(b"Host", HOST)]
