"""Responses that nobody reads or ends, and pools that are closed under their requests."""

import gc

import pytest
from driving import URL_A, Background, Driver, PoolClient
from http2_peer import CANCEL, MOST_STREAMS, Call, Peer, begin, echo, serve, shared_pool
from scripted import Network
from scripted_async_backend import AsyncScriptedBackend
from stepped_by_hand import HandPace, finish, step

from httpcore_interface import ConnectError, ReadError, RemoteProtocolError
from httpcore_pool import AsyncConnectionPool
from httpcore_pool._core.http2 import HTTP2Connection


def begin_body(peer: Peer, call: Call) -> None:
    if call.path == b"/endless":
        peer.head(call)
        peer.body(call, b"part", ends=False)
    else:
        echo(peer, call)


def engine_streams(pool: PoolClient) -> int:
    [connection] = pool.face._core.connections
    assert isinstance(connection.http, HTTP2Connection)
    return len(connection.http.traffic.engine.streams)


# -- abandoned ---------------------------------------------------------------------------------


def abandon(pool: PoolClient, count: int) -> None:
    for _ in range(count):
        response = pool.open("GET", URL_A + "endless")
        assert response.next_chunk() == b"part"
        del response


def test_abandoned_response_is_reset_by_whoever_comes_next(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, begin_body)
    pool = shared_pool(driver)
    abandon(pool, 1)
    gc.collect()
    assert pool.is_quiet
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert peers[0].calls[0].reset == CANCEL
    assert len(peers) == 1
    assert engine_streams(pool) == 0


def test_abandoned_response_takes_its_room_from_nobody(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, begin_body, settings={MOST_STREAMS: 2})
    pool = shared_pool(driver, max_connections=1)
    pool.request("GET", URL_A)
    kept = pool.open("GET", URL_A + "endless")
    for _ in range(5):
        abandon(pool, 1)
        gc.collect()
    assert pool.request("GET", URL_A + "next").body == b"/next"
    peers[0].body(peers[0].calls[1], b"end")
    assert kept.read() == b"partend"
    assert len(peers) == 1


def test_close_of_a_connection_is_seen_beside_abandoned_responses(
    driver: Driver, network: Network
) -> None:
    """Nobody reads what comes then: it is looked at as on one that is idle."""
    peers = serve(network, begin_body)
    pool = shared_pool(driver)
    abandon(pool, 1)
    gc.collect()
    peers[0].end()
    body = driver.body([b"+body"])
    assert pool.request("POST", URL_A + "next", content=body).body == b"/next+body"
    assert len(peers) == 2


def test_thousand_abandoned_responses_leave_nothing(driver: Driver, network: Network) -> None:
    leave_nothing(driver, network, 1_000)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_thousand_abandoned_responses_leave_nothing(
    driver: Driver, network: Network
) -> None:
    leave_nothing(driver, network, 10_000)


def leave_nothing(driver: Driver, network: Network, count: int) -> None:
    peers = serve(network, begin_body, settings={MOST_STREAMS: 10})
    pool = shared_pool(driver, max_connections=1)
    abandon(pool, count)
    gc.collect()
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert len(peers) == 1
    assert engine_streams(pool) == 0
    assert pool.is_quiet
    # The window as well: what was not read was given back to the connection.
    large = bytes(3_000_000)
    peers[0]._answer = lambda peer, call: peer.respond(call, large)
    assert pool.request("GET", URL_A).body == large


# -- held, and not read ------------------------------------------------------------------------


@pytest.mark.parametrize("says_so", [False, True], ids=["end", "goaway"])
def test_close_of_a_connection_is_seen_beside_a_response_that_nobody_reads(
    driver: Driver, network: Network, says_so: bool
) -> None:
    def answer(peer: Peer, call: Call) -> None:
        if call.path == b"/held":
            peer.head(call)
            peer.body(call, b"part", ends=False)
        else:
            echo(peer, call)

    peers = serve(network, answer)
    pool = shared_pool(driver)
    held = pool.open("GET", URL_A + "held")
    [peer] = peers
    peer.body(peer.calls[0], b"more", ends=False)
    if says_so:
        peer.go_away(peer.calls[0].stream)
    peer.end()
    body = driver.body([b"+body"])
    assert pool.request("POST", URL_A + "next", content=body).body == b"/next+body"
    assert len(peers) == 2
    assert held.next_chunk() == b"partmore"
    with pytest.raises(RemoteProtocolError, match="disconnected"):
        held.next_chunk()
    assert pool.is_quiet


def test_responses_that_nobody_reads_hold_up_no_other(driver: Driver, network: Network) -> None:
    large = bytes(2_500_000)
    # More than the window of the connection.
    held_count = 10

    def answer(peer: Peer, call: Call) -> None:
        peer.respond(call, large if call.path == b"/held" else call.path)

    peers = serve(network, answer)
    pool = shared_pool(driver)
    held = [pool.open("GET", URL_A + "held") for _ in range(held_count)]
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert len(peers) == 1
    for response in held:
        assert response.read() == large
    assert pool.is_quiet


# -- closed ------------------------------------------------------------------------------------


def test_response_that_is_closed_is_read_no_more(driver: Driver, network: Network) -> None:
    peers = serve(network, begin_body)
    pool = shared_pool(driver)
    response = pool.open("GET", URL_A + "endless")
    assert response.next_chunk() == b"part"
    reading = Background(response.next_chunk)
    peers.until(lambda: peers[0].waiting == 1)
    response.close()
    with pytest.raises(ReadError, match="closed while it was read"):
        reading.result()
    assert pool.is_quiet
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert peers[0].calls[0].reset == CANCEL


def test_response_that_is_closed_is_waited_for_no_more(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, begin_body)
    pool = shared_pool(driver)
    response = pool.open("GET", URL_A + "endless")
    assert response.next_chunk() == b"part"
    peers[0]._answer = None
    other = begin(pool, "other")
    call = peers.until_called(2)[1]
    peers.until(lambda: peers[0].waiting == 1)
    reading = Background(response.next_chunk)
    network.until_waiting(1)
    response.close()
    with pytest.raises(ReadError, match="closed while it was read"):
        reading.result()
    peers[0].respond(call, b"other")
    assert other.result() == b"other"


def test_close_ends_all_requests_of_a_connection(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    threads = [begin(pool, str(number)) for number in range(5)]
    peers.until_called(5)
    peers.until(lambda: peers[0].waiting == 1)
    pool.close()
    for thread in threads:
        with pytest.raises(ReadError, match="closed while a request used it"):
            thread.result()
    assert pool.is_quiet
    assert not network.open_connections


def test_close_ends_those_who_wait_for_room(driver: Driver, network: Network) -> None:
    peers = serve(network, begin_body, settings={MOST_STREAMS: 1})
    pool = shared_pool(driver, max_connections=1)
    pool.request("GET", URL_A)
    response = pool.open("GET", URL_A + "endless")
    waiting = begin(pool)
    network.until_waiting(1)
    pool.close()
    with pytest.raises(ConnectError, match="closed while the request waited"):
        waiting.result()
    with pytest.raises(ReadError, match="closed while a request used it"):
        response.next_chunk()
    assert len(peers) == 1


def test_close_says_farewell(driver: Driver, network: Network) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    pool.close()
    assert "ConnectionTerminated" in peers[0].told
    assert not network.open_connections


def test_close_waits_for_no_farewell_among_requests(driver: Driver, network: Network) -> None:
    """A stream of somebody else's may not mind the timeout of a write."""
    peers = serve(network)
    pool = shared_pool(driver)
    reader = begin(pool)
    peers.until_called(1)
    [peer] = peers
    peers.until(lambda: peer.waiting == 1)
    before = peer.connection.sent
    pool.close()
    with pytest.raises(ReadError, match="closed while a request used it"):
        reader.result()
    assert peer.connection.sent == before


def test_close_waits_for_no_write_that_broke_off(network: Network) -> None:
    network.pace = HandPace()
    serve(network, echo)
    pool = AsyncConnectionPool(
        http1=False, http2=True, network_backend=AsyncScriptedBackend(network)
    )
    finish(pool.request("GET", URL_A))
    thrown = pool.request("GET", URL_A)
    network.operations.clear()
    while network.operations[-1:] != ["write"]:
        thrown.send(None)
    thrown.close()
    network.operations.clear()
    finish(pool.aclose())
    assert network.operations == ["close"]
    assert not network.open_connections


# -- thrown away -------------------------------------------------------------------------------


async def read_halves(pool: AsyncConnectionPool, name: str) -> bytes:
    async with pool.stream("GET", URL_A + name) as response:
        return b"".join([chunk async for chunk in response.aiter_stream()])


def test_coroutine_that_is_thrown_away_anywhere_harms_no_other(network: Network) -> None:
    """Of two requests on a connection one is never resumed, from any point on."""
    network.pace = HandPace()
    for turn in range(100):
        peers = serve(network, echo)
        pool = AsyncConnectionPool(
            http1=False, http2=True, network_backend=AsyncScriptedBackend(network)
        )
        finish(pool.request("GET", URL_A))
        thrown = read_halves(pool, "thrown")
        try:
            step(thrown, turn)
        except StopIteration:
            finish(pool.aclose())
            break
        is_writing = network.operations[-1] == "write"
        other = pool.request("GET", URL_A + "other")
        other.send(None)
        thrown.close()
        response, _ = finish(other)
        assert response.content == b"/other"
        assert pool.stats().requests_active == 0
        response, _ = finish(pool.request("GET", URL_A + "next"))
        assert response.content == b"/next"
        # A write that is not resumed may have broken the connection.
        assert len(peers) == 1 or is_writing
        finish(pool.aclose())
    assert turn > 3
    assert not network.open_connections
