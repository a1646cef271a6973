"""Servers that go, or refuse: what they have not processed goes out again."""

import collections.abc

import pytest
from driving import URL_A, Background, Driver, PoolClient
from http2_peer import (
    MOST_STREAMS,
    NO_ERROR,
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
from scripted import Network

from httpcore_interface import RemoteProtocolError, WriteError
from httpcore_pool._core.http2 import HTTP2Connection


def two_posts(pool: PoolClient, peers: Peers) -> list[Background[bytes]]:
    """Two requests on one connection, in this order, not answered yet."""
    threads = []
    for number in range(2):
        threads.append(begin(pool, str(number), "POST", b"body"))
        peers.until_called(number + 1)
    peers.until(lambda: all(call.is_whole for call in peers.calls))
    assert len(peers) == 1
    return threads


def test_requests_beyond_the_last_stream_go_out_again(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    threads = two_posts(pool, peers)
    first, second = peers.calls
    peers[0].go_away(first.stream)
    again = peers.until_called(3)[2]
    assert again.path == second.path
    peers.until(lambda: again.is_whole)
    assert again.body == b"body"
    peers[1].respond(again, b"again")
    assert threads[1].result() == b"again"
    # The one that was processed finishes, and the connection with it.
    assert network.connections[0].is_open
    peers[0].respond(first, b"first")
    assert threads[0].result() == b"first"
    assert [connection.is_open for connection in network.connections] == [False, True]
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 1 idle"


def test_nothing_new_is_sent_to_a_server_that_goes(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    first = begin(pool, "first")
    [call] = peers.until_called(1)
    peers[0].go_away(call.stream)
    # A sign that it has been read.
    peers[0].h2.ping(b"12345678")
    peers[0].flush()
    peers.until(lambda: "PingAckReceived" in peers[0].told)
    second = begin(pool, "second")
    peers.answer(peers.until_called(2)[1], b"second")
    peers[0].respond(call, b"first")
    assert [first.result(), second.result()] == [b"first", b"second"]
    assert [len(peer.calls) for peer in peers] == [1, 1]


def test_server_that_goes_and_closes_at_once(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    threads = two_posts(pool, peers)
    peers[0].go_away(1)
    peers[0].end()
    with pytest.raises(RemoteProtocolError, match="disconnected"):
        threads[0].result()
    peers.answer(peers.until_called(3)[2], b"again")
    assert threads[1].result() == b"again"
    assert pool.is_quiet


def test_server_that_goes_without_the_answers_that_it_announced(
    driver: Driver, network: Network
) -> None:
    """Some close at once, whatever they said: nobody knows what they have done."""
    peers = serve(network)
    pool = shared_pool(driver)
    reading = begin(pool, "reading")
    peers.until_called(1)
    writing = begin(pool, "writing", "POST", b"body")
    peers.until_called(2)
    peers.until(lambda: peers.calls[1].is_whole)
    peers[0].go_away(3)
    peers[0].end()
    with pytest.raises(RemoteProtocolError, match="disconnected"):
        writing.result()
    again = peers.until_called(3)[2]
    assert again.path == b"/reading"
    peers.answer(again, b"again")
    assert reading.result() == b"again"
    assert pool.is_quiet


def test_server_that_goes_in_two_steps(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    threads = two_posts(pool, peers)
    peers[0].go_away(2**31 - 1)
    peers[0].go_away(1)
    peers[0].respond(peers.calls[0], b"first")
    peers.answer(peers.until_called(3)[2], b"again")
    assert [thread.result() for thread in threads] == [b"first", b"again"]


def test_refused_request_goes_out_again(driver: Driver, network: Network) -> None:
    refused: list[Call] = []

    def refuse_once(peer: Peer, call: Call) -> None:
        if refused:
            echo(peer, call)
        else:
            refused.append(call)
            peer.reset(call, REFUSED)

    peers = serve(network, refuse_once)
    pool = shared_pool(driver)
    assert pool.request("POST", URL_A, content=b"body").body == b"/body"
    # The connection is as good as it was.
    assert len(peers) == 1
    assert [call.body for call in peers.calls] == [b"body", b"body"]


def test_request_that_is_always_refused_fails(driver: Driver, network: Network) -> None:
    peers = serve(network, lambda peer, call: peer.reset(call, REFUSED))
    pool = shared_pool(driver)
    with pytest.raises(RemoteProtocolError, match="REFUSED_STREAM"):
        pool.request("GET", URL_A)
    assert 1 < len(peers.calls) < 20
    assert pool.is_quiet


def test_body_that_was_begun_is_not_sent_again(driver: Driver, network: Network) -> None:
    peers = serve(network, lambda peer, call: peer.reset(call, REFUSED))
    pool = shared_pool(driver)
    with pytest.raises(RemoteProtocolError, match="REFUSED_STREAM"):
        pool.request("POST", URL_A, content=driver.body([b"one", b"two"]))
    assert len(peers.calls) == 1
    assert pool.is_quiet


def test_body_that_was_not_begun_is_sent_whole(driver: Driver, network: Network) -> None:
    """Also one that would end for good when it is closed: a generator."""

    def answer(peer: Peer, call: Call) -> None:
        if len(peer.calls) == 1:
            peer.reset(call, REFUSED)
        else:
            peer.head(call, 100)

    peers = serve(network, echo, begin=answer)
    pool = shared_pool(driver)
    response = pool.request(
        "POST",
        URL_A,
        headers=[(b"Expect", b"100-continue")],
        content=generator(driver, [b"one", b"two"]),
    )
    assert response.body == b"/onetwo"
    assert len(peers.calls) == 2


def generator(
    driver: Driver, parts: list[bytes]
) -> collections.abc.Iterator[bytes] | collections.abc.AsyncIterator[bytes]:
    async def later() -> collections.abc.AsyncIterator[bytes]:
        for part in parts:
            yield part

    if driver.prefix:
        return later()
    return (part for part in parts)


def test_reset_request_is_not_repeated(driver: Driver, network: Network) -> None:
    peers = serve(network, lambda peer, call: peer.reset(call, 2))
    pool = shared_pool(driver)
    with pytest.raises(RemoteProtocolError, match="INTERNAL_ERROR"):
        pool.request("GET", URL_A)
    assert len(peers.calls) == 1
    assert pool.is_quiet


def test_connection_that_closes_in_the_middle_fails_all_that_it_carried(
    driver: Driver, network: Network
) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    threads = two_posts(pool, peers)
    peers[0].end()
    for thread in threads:
        with pytest.raises(RemoteProtocolError, match="Server disconnected"):
            thread.result()
    assert pool.is_quiet
    assert not network.open_connections


# -- what came while nobody looked -------------------------------------------------------------


def test_ping_and_settings_that_came_while_idle_are_answered(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    [peer] = peers
    peer.h2.ping(b"12345678")
    peer.change({MOST_STREAMS: 7})
    assert "PingAckReceived" not in peer.told
    assert pool.request("GET", URL_A + "2").body == b"/2"
    assert "PingAckReceived" in peer.told
    assert peer.is_understood
    assert len(peers) == 1


def test_server_that_went_while_idle_is_not_asked(driver: Driver, network: Network) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    peers[0].go_away(1, NO_ERROR)
    assert pool.request("POST", URL_A + "2", content=b"body").body == b"/2body"
    assert [len(peer.calls) for peer in peers] == [1, 1]
    assert [connection.is_open for connection in network.connections] == [False, True]


def test_dead_connections_are_passed_over_however_many_there_are(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, echo, settings={MOST_STREAMS: 2})
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    responses = [pool.open("GET") for _ in range(12)]
    for response in responses:
        response.read()
    assert len(peers) == 6
    for peer in peers:
        peer.end()
    assert pool.request("POST", URL_A, content=b"body").body == b"/body"
    assert len(peers) == 7
    assert len(network.open_connections) == 1


def test_close_that_came_too_late_to_be_seen_is_made_good(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    peers[0]._answer = lambda peer, call: peer.end()
    assert pool.request("GET", URL_A + "2").body == b"/2"
    assert len(peers) == 2


def test_close_that_came_too_late_is_told_to_who_must_not_ask_twice(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    peers[0]._answer = lambda peer, call: peer.end()
    with pytest.raises(RemoteProtocolError, match="Server disconnected"):
        pool.request("POST", URL_A)
    assert len(peers) == 1


def test_connections_that_take_nothing_any_more_are_passed_over_however_many(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, settings={MOST_STREAMS: 1})
    pool = shared_pool(driver, max_connections=15)
    first = begin(pool, "first")
    peers.until_called(1)
    peers[0].respond(peers.calls[0], b"first")
    assert first.result() == b"first"
    # Each finds the connections before it full.
    threads = []
    for number in range(15):
        threads.append(begin(pool, str(number)))
        peers.until_called(number + 2)
        until_known(network, pool, 1)
    for peer in peers:
        peer.respond(peer.calls[-1], b"body")
    assert [thread.result() for thread in threads] == [b"body"] * 15
    assert len(peers) == 15
    for connection in pool.face._core.connections:
        http = connection.http
        assert isinstance(http, HTTP2Connection)
        # As after a write that broke, of which nobody has been told yet.
        http.traffic.cut = WriteError("broken")
    last = begin(pool, "last")
    call = peers.until_called(17)[-1]
    peers[-1].respond(call, b"last")
    assert last.result() == b"last"
    assert len(peers) == 16
