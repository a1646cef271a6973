"""`keepalive_ping`: a server that says nothing is asked whether it is still there."""

import math

import h2.events
import pytest
from driving import URL_A, Driver
from http2_peer import Call, Peer, Peers, begin, echo, serve, shared_pool
from script_steps import Congested
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import ReadError, ReadTimeout


class SlowPeer(Peer):
    """A server that answers a request when it has been asked three times if it lives."""

    asked = 0

    def _take(self, event: h2.events.Event) -> None:
        super()._take(event)
        if isinstance(event, h2.events.PingReceived):
            self.asked += 1
            if self.asked == 3:
                self.respond(self.calls[-1], b"at last")


def hang_up(peer: Peer, call: Call) -> None:
    """Is not there any more, though nothing tells."""
    peer.connection.is_deaf = True


def test_server_that_lives_is_waited_for(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peer = SlowPeer()
    network.play(peer)
    pool = shared_pool(driver, keepalive_ping=10.0)
    began = clock.now
    assert pool.request("GET", URL_A).body == b"at last"
    assert clock.now - began == 30.0
    assert peer.asked == 3
    assert pool.is_quiet


def test_server_that_is_gone_fails_the_request(
    driver: Driver, network: Network, clock: Clock
) -> None:
    serve(network, begin=hang_up)
    pool = shared_pool(driver, keepalive_ping=10.0)
    began = clock.now
    with pytest.raises(ReadError, match=r"does not answer: .* 10\.0 seconds after a PING"):
        pool.request("GET", URL_A)
    assert clock.now - began == 20.0
    assert pool.is_quiet
    assert pool.face.connections == []
    assert not network.open_connections


def test_connection_without_a_pool_minds_it_as_well(driver: Driver, network: Network) -> None:
    serve(network, begin=hang_up)
    connection = driver.connection(http1=False, http2=True, keepalive_ping=10.0)
    with pytest.raises(ReadError, match="does not answer"):
        connection.request("GET", URL_A)
    assert connection.face.is_closed()
    assert not network.open_connections


def test_body_that_stops_is_noticed(driver: Driver, network: Network) -> None:
    def begin_body(peer: Peer, call: Call) -> None:
        peer.head(call)
        peer.body(call, b"part", ends=False)
        hang_up(peer, call)

    serve(network, begin=begin_body)
    pool = shared_pool(driver, keepalive_ping=10.0)
    response = pool.open("GET")
    assert response.next_chunk() == b"part"
    with pytest.raises(ReadError, match="does not answer"):
        response.next_chunk()
    assert pool.is_quiet


def test_all_requests_of_the_connection_fail(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver, keepalive_ping=10.0)
    peer = hold(network, peers)
    threads = [begin(pool, str(number), "POST") for number in range(5)]
    peers.until_called(5)
    network.until_waiting(4)
    peer.connection.is_deaf = True
    peer.expire()
    for thread in threads:
        with pytest.raises(ReadError, match="does not answer"):
            thread.result()
    assert pool.is_quiet
    assert not network.open_connections


def hold(network: Network, peers: Peers) -> Peer:
    """A server whose client waits until it is told that time is over."""
    peer = Peer()
    peer.holds_time = True
    peers.append(peer)
    network.play(peer)
    return peer


def test_timeout_of_a_request_is_its_own(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peers = serve(network)
    pool = shared_pool(driver, keepalive_ping=10.0)
    with pytest.raises(ReadTimeout, match=r"within 5\.0 seconds"):
        pool.request("GET", URL_A, extensions={"timeout": {"read": 5.0}})
    assert "PingReceived" not in peers[0].told
    peers[0]._answer = echo
    assert pool.request("GET", URL_A).body == b"/"
    assert len(peers) == 1


def test_timeout_that_is_longer_goes_on_behind_a_ping(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peers = serve(network)
    pool = shared_pool(driver, keepalive_ping=10.0)
    began = clock.now
    with pytest.raises(ReadTimeout, match=r"within 25\.0 seconds"):
        pool.request("GET", URL_A, extensions={"timeout": {"read": 25.0}})
    assert clock.now - began == 25.0
    assert peers[0].told.count("PingReceived") == 2


def test_server_that_takes_nothing_is_given_up(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver, keepalive_ping=10.0)
    pool.request("GET", URL_A)
    peers[0].is_congested = True
    began = clock.now
    # Nothing of it has left: another server may have it.
    assert pool.request("POST", URL_A, content=b"body").body == b"/body"
    assert clock.now - began == 20.0
    assert [connection.is_open for connection in network.connections] == [False, True]


def test_time_for_an_answer_begins_when_the_ping_is_out(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver, keepalive_ping=10.0)
    pool.request("GET", URL_A)
    # Already: what came with the request would be answered.
    peers[0].connection.is_deaf = True
    network.connections[0].steps.insert(0, Congested(15.0))
    began = clock.now
    with pytest.raises(ReadError, match="does not answer"):
        pool.request("POST", URL_A)
    # Asked after 10 seconds, it could hear that after 15.
    assert clock.now - began == 25.0


# -- connections that were idle for long ---------------------------------------------------


def test_idle_server_is_asked_with_the_next_request(
    driver: Driver, network: Network, clock: Clock
) -> None:
    """One that is gone costs no more than the time for an answer."""
    peers = serve(network, echo)
    pool = shared_pool(driver, keepalive_ping=10.0)
    pool.request("GET", URL_A)
    clock.advance(3600.0)
    peers[0]._begin, peers[0]._answer = hang_up, None
    began = clock.now
    # It is sent once more, as one of whose connection nothing came any more.
    assert pool.request("GET", URL_A + "2").body == b"/2"
    assert clock.now - began == 10.0
    assert len(peers) == 2
    assert len(network.open_connections) == 1


def test_request_that_must_not_be_sent_twice_fails(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver, keepalive_ping=10.0)
    pool.request("GET", URL_A)
    clock.advance(3600.0)
    peers[0]._begin, peers[0]._answer = hang_up, None
    with pytest.raises(ReadError, match="does not answer"):
        pool.request("POST", URL_A + "2")
    assert len(peers) == 1
    assert pool.is_quiet


def test_idle_server_that_lives_is_used_again(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver, keepalive_ping=10.0)
    for _ in range(3):
        assert pool.request("GET", URL_A).body == b"/"
        clock.advance(3600.0)
    assert len(peers) == 1


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_seconds_that_are_none_are_refused(driver: Driver, seconds: float) -> None:
    for make in driver.pool, driver.connection:
        with pytest.raises(ValueError, match="keepalive_ping must be None or more than 0"):
            make(keepalive_ping=seconds)
