"""How many requests a connection carries at once, and what becomes of the others."""

import collections.abc
import functools

import pytest
from driving import URL_A, URL_TLS, Background, Driver, PoolClient, Reply, plain_context
from http2_peer import (
    MOST_STREAMS,
    REFUSED,
    Call,
    Peer,
    Peers,
    begin,
    echo,
    serve,
    shared_pool,
    until_known,
)
from script_steps import Dial, Give, TakeRequest
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import ConnectError, PoolTimeout, RemoteProtocolError
from httpcore_pool import Request
from httpcore_pool._core.http2 import HTTP2Connection


def known(driver: Driver, network: Network, **settings: int) -> tuple[Peers, PoolClient]:
    """A server that answers when the test says so, and a pool that knows its settings."""
    peers = serve(network, settings={MOST_STREAMS: settings["most"]} if settings else None)
    pool = shared_pool(driver, max_connections=settings.get("connections", 1))
    first = begin(pool, "first")
    [call] = peers.until_called(1)
    peers[0].respond(call, b"first")
    assert first.result() == b"first"
    return peers, pool


def begin_many(pool: PoolClient, count: int) -> list[Background[bytes]]:
    return [begin(pool, str(number)) for number in range(count)]


def finish(peers: Peers, threads: list[Background[bytes]], calls: list[Call]) -> None:
    for peer in peers:
        for call in peer.calls:
            if call in calls:
                peer.respond(call, call.path)
    assert sorted(thread.result() for thread in threads) == sorted(c.path for c in calls)


def test_server_without_a_limit_takes_any_number(driver: Driver, network: Network) -> None:
    peers, pool = known(driver, network)
    threads = begin_many(pool, 150)
    calls = peers.until_called(151)[1:]
    finish(peers, threads, calls)
    assert len(peers) == 1


def test_hundred_are_begun_before_the_settings_have_come(
    driver: Driver, network: Network
) -> None:
    peers = Peers(network)
    peer = Peer(greets=False)
    peers.append(peer)
    network.play(peer)
    pool = shared_pool(driver, max_connections=1)
    threads = begin_many(pool, 101)
    peers.until_called(100)
    network.until(lambda: pool.face.stats().requests_queued == 1)
    assert pool.face.stats().requests_active == 100
    peer.greet()
    calls = peers.until_called(101)
    finish(peers, threads, calls)


def test_more_than_the_limit_wait(driver: Driver, network: Network) -> None:
    peers, pool = known(driver, network, most=2)
    threads = begin_many(pool, 4)
    calls = list(peers.until_called(3)[1:])
    network.until(lambda: pool.face.stats().requests_queued == 2)
    for call in calls:
        peers[0].respond(call, call.path)
    calls += peers.until_called(5)[3:]
    for call in calls[2:]:
        peers[0].respond(call, call.path)
    assert sorted(thread.result() for thread in threads) == sorted(c.path for c in calls)
    assert len(peers) == 1


def test_more_than_the_limit_dial_if_they_may(driver: Driver, network: Network) -> None:
    peers, pool = known(driver, network, most=2, connections=3)
    threads = begin_many(pool, 4)
    calls = list(peers.until_called(5)[1:])
    assert [len(peer.calls) for peer in peers] == [3, 2]
    finish(peers, threads, calls)


def test_raised_limit_lets_those_in_who_wait(driver: Driver, network: Network) -> None:
    peers, pool = known(driver, network, most=1)
    threads = begin_many(pool, 5)
    peers.until_called(2)
    network.until(lambda: pool.face.stats().requests_queued == 4)
    peers[0].change({MOST_STREAMS: 5})
    calls = list(peers.until_called(6)[1:])
    finish(peers, threads, calls)


def test_lowered_limit_lets_those_end_that_are_under_way(
    driver: Driver, network: Network
) -> None:
    peers, pool = known(driver, network, most=4)
    threads = begin_many(pool, 4)
    calls = list(peers.until_called(5)[1:])
    [peer] = peers
    peer.change({MOST_STREAMS: 1})
    until_known(network, pool, 1)
    later = begin(pool, "later")
    network.until(lambda: pool.face.stats().requests_queued == 1)
    for call in calls[:3]:
        peer.respond(call, call.path)
        assert threads[int(call.path[1:])].result() == call.path
    assert pool.face.stats().requests_queued == 1
    peer.respond(calls[3], calls[3].path)
    peer.respond(peers.until_called(6)[5], b"later")
    assert later.result() == b"later"
    for thread in threads:
        thread.result()


def test_connection_that_takes_nothing_any_more_is_replaced(
    driver: Driver, network: Network
) -> None:
    peers, pool = known(driver, network, most=4)
    first = begin(pool, "first")
    call = peers.until_called(2)[1]
    peers[0].change({MOST_STREAMS: 0})
    until_known(network, pool, 0)
    second = begin(pool, "second")
    network.until(lambda: pool.face.stats().requests_queued == 1)
    peers[0].respond(call, b"first")
    assert first.result() == b"first"
    call = peers.until_called(3)[2]
    peers[1].respond(call, b"second")
    assert second.result() == b"second"
    assert [connection.is_open for connection in network.connections] == [False, True]


def test_connection_beyond_its_age_takes_no_more_and_finishes(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peers = serve(network)
    pool = shared_pool(driver, max_connection_age=10.0)
    threads = [begin(pool, str(number)) for number in range(3)]
    peers.until_called(3)
    clock.advance(10.0)
    # Nothing new is given to it, though it has room and lives.
    threads.append(begin(pool, "3"))
    call = peers.until_called(4)[3]
    assert [len(peer.calls) for peer in peers] == [3, 1]
    peers.answer(call, b"/3")
    for old in peers[0].calls:
        assert network.connections[0].is_open
        peers[0].respond(old, old.path)
        assert threads[int(old.path[1:])].result() == old.path
    assert [connection.is_open for connection in network.connections] == [False, True]
    assert threads[3].result() == b"/3"
    assert pool.is_quiet


def test_idle_connection_beyond_its_age_is_closed(
    driver: Driver, network: Network, clock: Clock
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver, max_connection_age=10.0)
    pool.request("GET", URL_A)
    clock.advance(9.9)
    pool.request("GET", URL_A)
    assert len(peers) == 1
    clock.advance(0.2)
    pool.request("GET", URL_A)
    assert [connection.is_open for connection in network.connections] == [False, True]


def test_connection_whose_numbers_run_out_is_replaced(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    first = begin(pool, "first")
    call = peers.until_called(1)[0]
    [connection] = pool.face._core.connections
    assert isinstance(connection.http, HTTP2Connection)
    connection.http.traffic.engine._next_number = 2**31 - 1
    second = begin(pool, "second")
    last = peers.until_called(2)[1]
    assert last.stream == 2**31 - 1
    third = begin(pool, "third")
    new = peers.until_called(3)[2]
    assert [len(peer.calls) for peer in peers] == [2, 1]
    for other in last, call:
        peers[0].respond(other, other.path)
    peers[1].respond(new, new.path)
    assert [first.result(), second.result()] == [b"/first", b"/second"]
    assert third.result() == b"/third"
    assert [connection.is_open for connection in network.connections] == [False, True]
    assert pool.is_quiet


def test_server_that_takes_nothing_at_all_is_asked_a_few_times_only(
    driver: Driver, network: Network
) -> None:
    serve(
        network, begin=lambda peer, call: peer.reset(call, REFUSED), settings={MOST_STREAMS: 0}
    )
    pool = shared_pool(driver)
    with pytest.raises(RemoteProtocolError, match="REFUSED_STREAM"):
        pool.request("POST", URL_A, content=b"body")
    assert 1 < len(network.connections) < 20
    assert pool.is_quiet


def test_who_waits_for_room_does_so_under_the_pool_timeout(
    driver: Driver, network: Network
) -> None:
    peers, pool = known(driver, network, most=1)
    first = begin(pool, "first")
    call = peers.until_called(2)[1]
    with pytest.raises(PoolTimeout):
        pool.request("GET", URL_A, extensions={"timeout": {"pool": 0}})
    peers[0].respond(call, b"first")
    assert first.result() == b"first"
    assert pool.is_quiet


def test_request_that_finds_no_room_after_all_waits(driver: Driver, network: Network) -> None:
    """The limit is lowered between the moments when room is given and when it is used."""
    peers, pool = known(driver, network, most=2)
    first = begin(pool, "first")
    call = peers.until_called(2)[1]
    [peer] = peers

    def lower() -> collections.abc.Iterator[bytes]:
        # Noted by the connection, and not by the pool yet. A body, which turns out empty,
        # is what is asked for last.
        [connection] = pool.face._core.connections
        assert isinstance(connection.http, HTTP2Connection)
        connection.http.traffic.engine.peer.most_streams = 1
        yield from ()

    content = driver.body(lower())
    second = Background(
        lambda: pool.send(Request("GET", URL_A + "second", content=content)).read()
    )
    network.until(lambda: pool.face.stats().requests_queued == 1)
    peer.respond(call, b"first")
    assert first.result() == b"first"
    peer.respond(peers.until_called(3)[2], b"second")
    assert second.result() == b"second"


def test_first_connection_with_tls_is_dialled_alone(driver: Driver, network: Network) -> None:
    peers = serve(network)
    threads: list[Background[bytes]] = []
    pool = driver.pool(http2=True, ssl_context=plain_context())

    def ask(number: int) -> bytes:
        return pool.request("GET", f"{URL_TLS}{number}").body

    def come_meanwhile() -> None:
        threads.extend(Background(functools.partial(ask, number)) for number in range(1, 5))
        network.until_waiting(4)

    peer = Peer()
    peers.append(peer)
    network.play(Dial(meanwhile=come_meanwhile), peer)
    first = Background(lambda: ask(0))
    calls = peers.until_called(5)
    assert len(network.attempts) == 1
    for call in calls:
        peer.respond(call, call.path)
    assert [thread.result() for thread in [first, *threads]] == [b"/%d" % n for n in range(5)]
    assert network.connections[0].handshakes[0].server_hostname == "example.test"


def test_those_who_waited_dial_their_own_if_http1_was_negotiated(
    driver: Driver, network: Network
) -> None:
    threads: list[Background[bytes]] = []
    pool = driver.pool(http2=True, ssl_context=plain_context())

    def ask() -> bytes:
        return pool.request("GET", URL_TLS).body

    def come_meanwhile() -> None:
        threads.extend(Background(ask) for _ in range(2))
        network.until_waiting(2)

    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold"
    network.play(Dial(meanwhile=come_meanwhile), TakeRequest(), Give(answer))
    network.serve(lambda request: answer)
    assert ask() == b"old"
    assert [thread.result() for thread in threads] == [b"old", b"old"]


def test_failed_dial_is_followed_by_one_other(driver: Driver, network: Network) -> None:
    threads: list[Background[bytes]] = []
    pool = driver.pool(http2=True, ssl_context=plain_context())

    def come_meanwhile() -> None:
        threads.extend(Background(lambda: pool.request("GET", URL_TLS).body) for _ in range(3))
        network.until_waiting(3)

    serve(network, echo)
    network.play(Dial(meanwhile=come_meanwhile, error=ConnectError("refused")))
    with pytest.raises(ConnectError):
        pool.request("GET", URL_TLS)
    assert [thread.result() for thread in threads] == [b"/"] * 3
    assert len(network.attempts) == 2


def test_room_is_taken_until_the_response_has_been_read(
    driver: Driver, network: Network
) -> None:
    serve(network, echo, settings={MOST_STREAMS: 1})
    pool = shared_pool(driver, max_connections=2)
    first: list[Reply] = [pool.open("GET", URL_A + "1")]
    second = pool.open("GET", URL_A + "2")
    assert len(network.connections) == 2
    assert pool.counts == "Requests: 2 active, 0 queued | Connections: 2 active, 0 idle"
    assert [first[0].read(), second.read()] == [b"/1", b"/2"]
    assert pool.request("GET", URL_A + "3").body == b"/3"
    assert len(network.connections) == 2
