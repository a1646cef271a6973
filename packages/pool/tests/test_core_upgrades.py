"""Connections that change their protocol: 101, and CONNECT."""

import pytest
from driving import (
    HOST,
    URL_A,
    Driver,
    PoolClient,
    Reply,
    head,
    plain_context,
    reply,
)
from script_steps import End, FailWrite, Give, Meanwhile, Shake, Step, Take, TakeRequest
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import (
    ConnectError,
    ReadError,
    ReadTimeout,
    WriteError,
)

UPGRADE = ((b"Host", HOST), (b"Connection", b"Upgrade"), (b"Upgrade", b"echo"))
SWITCHED = head(b"101 Switching Protocols", (b"Connection", b"Upgrade"), (b"Upgrade", b"echo"))
CONNECTED = head(b"200 Connection established")


def upgrade(driver: Driver, *steps: Step) -> tuple[PoolClient, Reply]:
    driver.network.play(TakeRequest(), *steps)
    pool = driver.pool()
    return pool, pool.open("GET", headers=UPGRADE)


def tunnel(driver: Driver, *steps: Step) -> tuple[PoolClient, Reply]:
    driver.network.play(
        Take(b"CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\n\r\n"), *steps
    )
    pool = driver.pool()
    return pool, pool.open(
        "CONNECT",
        headers=[(b"Host", b"origin.test:443")],
        extensions={"target": b"origin.test:443"},
    )


def test_upgraded_connection_goes_on_as_a_stream(driver: Driver, network: Network) -> None:
    pool, response = upgrade(driver, Give(SWITCHED), Take(b"ping"), Give(b"pong"), End())
    assert response.status == 101
    assert response.extension("reason_phrase") == b"Switching Protocols"
    wire = response.wire
    wire.write(b"ping")
    assert wire.read(100) == b"pong"
    assert wire.read(100) == b""
    assert pool.counts == "Requests: 1 active, 0 queued | Connections: 1 active, 0 idle"
    response.close()
    assert pool.is_quiet
    assert not network.open_connections


def test_tunnel_goes_on_as_a_stream(driver: Driver, network: Network) -> None:
    # The length of a response to CONNECT means nothing (RFC 9110, section 9.3.6).
    answer = head(b"200 Fine", (b"Content-Length", b"5"))
    pool, response = tunnel(driver, Give(answer), Take(b"hello"), Give(b"there"))
    wire = response.wire
    wire.write(b"hello")
    assert wire.read(100) == b"there"
    wire.close()
    assert pool.is_quiet


def test_refused_tunnel_is_an_ordinary_response(driver: Driver, network: Network) -> None:
    refusal = reply(b"who are you?", status=b"407 Proxy Authentication Required")
    _, response = tunnel(driver, Give(refusal))
    assert (response.status, response.read()) == (407, b"who are you?")
    assert len(network.open_connections) == 1


def test_refused_upgrade_is_an_ordinary_response(driver: Driver, network: Network) -> None:
    pool, response = upgrade(driver, Give(reply(b"no")), TakeRequest(), Give(reply(b"again")))
    assert response.read() == b"no"
    assert pool.request("GET", URL_A).body == b"again"


@pytest.mark.parametrize("answer", [SWITCHED, CONNECTED], ids=["101", "connect"])
def test_bytes_behind_the_head_are_read_first(
    driver: Driver, network: Network, answer: bytes
) -> None:
    make = upgrade if answer is SWITCHED else tunnel
    _, response = make(driver, Give(answer + b"first"), Take(b"more"), Give(b"second"))
    wire = response.wire
    assert wire.fact("is_readable") is True
    assert wire.read(3) == b"fir"
    # Some of them are left.
    assert wire.fact("is_readable") is True
    assert wire.read(100) == b"st"
    assert wire.fact("is_readable") is False
    wire.write(b"more")
    assert wire.fact("is_readable") is True
    assert wire.read(100) == b"second"
    response.close()


def test_facts_about_the_connection_are_those_of_the_stream(
    driver: Driver, network: Network
) -> None:
    _, response = upgrade(driver, Give(SWITCHED))
    assert response.wire.fact("server_addr") == ("example.test", 80)
    assert response.wire.fact("no such fact") is None
    response.close()


def test_body_of_an_upgrade_is_empty_and_ends_nothing(driver: Driver, network: Network) -> None:
    pool, response = upgrade(driver, Give(SWITCHED + b"first"), Take(b"ping"), Give(b"pong"))
    assert response.read() == b""
    assert not pool.is_quiet
    wire = response.wire
    assert wire.read(100) == b"first"
    wire.write(b"ping")
    assert wire.read(100) == b"pong"
    response.close()
    assert pool.is_quiet


def test_closing_the_stream_ends_the_response(driver: Driver, network: Network) -> None:
    pool, response = upgrade(driver, Give(SWITCHED))
    response.wire.close()
    assert pool.is_quiet
    assert not network.open_connections
    response.close()
    response.wire.close()


def test_reading_an_upgraded_response_whole_closes_it(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(SWITCHED + b"first"))
    pool = driver.pool()
    assert pool.request("GET", URL_A, headers=UPGRADE).status == 101
    assert pool.is_quiet
    assert not network.open_connections


def test_timeouts_are_those_of_each_call(
    driver: Driver, network: Network, clock: Clock
) -> None:
    _, response = upgrade(driver, Give(SWITCHED))
    before = clock.now
    with pytest.raises(ReadTimeout):
        response.wire.read(100, timeout=2.5)
    assert clock.now - before == 2.5
    response.close()


def test_failures_are_those_of_the_stream(driver: Driver, network: Network) -> None:
    pool, response = upgrade(driver, Give(SWITCHED), FailWrite(WriteError("broken pipe")))
    with pytest.raises(WriteError, match="broken pipe"):
        response.wire.write(b"x")
    # The connection is the caller's to give up.
    assert not pool.is_quiet
    response.close()
    assert pool.is_quiet


def test_close_from_elsewhere_ends_a_read(driver: Driver, network: Network) -> None:
    hooks: list[Reply] = []
    _, response = upgrade(driver, Give(SWITCHED), Meanwhile(lambda: hooks[0].wire.close()))
    hooks.append(response)
    with pytest.raises(ReadError):
        response.wire.read(100)
    with pytest.raises(WriteError):
        response.wire.write(b"x")


def test_end_of_the_pool_ends_a_read(driver: Driver, network: Network) -> None:
    pools: list[PoolClient] = []
    pool, response = upgrade(driver, Give(SWITCHED), Meanwhile(lambda: pools[0].close()))
    pools.append(pool)
    with pytest.raises(ReadError):
        response.wire.read(100)
    response.close()


# -- TLS inside ------------------------------------------------------------------------


def test_tunnel_can_be_encrypted(driver: Driver, network: Network) -> None:
    context = plain_context()
    pool, response = tunnel(driver, Give(CONNECTED), Take(b"hello"), Give(b"there"))
    assert response.wire.fact("ssl_object") is None
    wire = response.wire.start_tls(context, "origin.test")
    [handshake] = network.connections[0].handshakes
    assert handshake.ssl_context is context
    assert handshake.server_hostname == "origin.test"
    assert wire.fact("ssl_object") is not None
    wire.write(b"hello")
    assert wire.read(100) == b"there"
    response.close()
    assert pool.is_quiet
    assert not network.open_connections


def test_encrypted_tunnel_ends_with_its_stream(driver: Driver, network: Network) -> None:
    pool, response = tunnel(driver, Give(CONNECTED))
    response.wire.start_tls(plain_context(), "origin.test").close()
    assert pool.is_quiet
    assert not network.open_connections


def test_failed_handshake_leaves_the_response_to_be_closed(
    driver: Driver, network: Network
) -> None:
    pool, response = tunnel(
        driver, Give(CONNECTED), Shake(error=ConnectError("certificate verify failed"))
    )
    with pytest.raises(ConnectError, match="certificate"):
        response.wire.start_tls(plain_context(), "origin.test")
    assert not network.open_connections
    response.close()
    assert pool.is_quiet


def test_peer_that_speaks_before_the_handshake_is_refused(
    driver: Driver, network: Network
) -> None:
    _, response = tunnel(driver, Give(CONNECTED + b"too early"))
    with pytest.raises(ConnectError, match="9 bytes came from the server before"):
        response.wire.start_tls(plain_context(), "origin.test")
    assert not network.connections[0].handshakes
    response.close()


# -- who is told -------------------------------------------------------------------------


def test_end_of_an_upgraded_response_is_told_once(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(SWITCHED))
    told, trace = driver.recorder()
    pool = driver.pool()
    response = pool.open("GET", headers=UPGRADE, extensions={"trace": trace})
    assert response.read() == b""
    assert not [name for name, _ in told if "response_closed" in name]
    response.close()
    ends = [name for name, _ in told if "response_closed" in name]
    assert ends == ["http11.response_closed.started", "http11.response_closed.complete"]
