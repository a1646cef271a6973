"""Connections to which nothing can be written any more: all who share one are told at once."""

import pytest
from driving import URL_A, Background, Driver, PoolClient
from http2_peer import Call, Peer, Peers, begin, serve, shared_pool
from script_steps import FailWrite, MeanwhileWriting, Stall
from scripted import Network

from httpcore_interface import ReadError, WriteError, WriteTimeout
from httpcore_pool._protocol.http2 import frames


@pytest.fixture
def peers(network: Network) -> Peers:
    return serve(network)


@pytest.fixture
def pool(driver: Driver, peers: Peers) -> PoolClient:
    return shared_pool(driver)


def begin_reader(pool: PoolClient, peers: Peers) -> tuple[Background[bytes], Peer, Call]:
    """A request that has left, and reads for all, for as long as that takes."""
    reader = begin(pool, "reader", "POST")
    [call] = peers.until_called(1)
    [peer] = peers
    peers.until(lambda: peer.waiting == 1)
    return reader, peer, call


def write_in_vain(pool: PoolClient) -> None:
    """A request whose write the server does not take in time."""
    with pytest.raises(WriteTimeout):
        pool.request(
            "POST", URL_A + "writer", content=b"body", extensions={"timeout": {"write": 5.0}}
        )


def test_who_waits_for_its_turn_to_write_goes_elsewhere(
    driver: Driver, network: Network, pool: PoolClient, peers: Peers
) -> None:
    reader, peer, call = begin_reader(pool, peers)
    sleepers: list[Background[bytes]] = []

    def come() -> None:
        sleepers.append(begin(pool, "bodyless", "POST"))
        sleepers.append(begin(pool, "body", "POST", b"body"))
        sleepers.append(begin(pool, "unrepeatable", "POST", driver.body([b"part"])))
        network.until_waiting(3)

    peer.connection.steps[:0] = [MeanwhileWriting(come), Stall()]
    write_in_vain(pool)
    calls = peers.until_called(3)[1:]
    assert {call.path for call in calls} == {b"/bodyless", b"/body"}
    for other in calls:
        peers.answer(other, other.path)
    assert [sleeper.result() for sleeper in sleepers[:2]] == [b"/bodyless", b"/body"]
    # Its body cannot be asked for twice.
    with pytest.raises(WriteError, match="cut off"):
        sleepers[2].result()
    # Whose request has left, for that an answer may come all the same.
    peer.respond(call, b"late")
    assert reader.result() == b"late"
    assert pool.is_quiet


def test_who_was_to_leave_with_what_was_cut_goes_elsewhere(
    network: Network, pool: PoolClient, peers: Peers
) -> None:
    """It was taken from the queue together with that, behind the piece that failed."""
    reader, peer, _ = begin_reader(pool, peers)
    steps = peer.connection.steps
    others = [reader]
    sleepers: list[Background[bytes]] = []

    def come() -> None:
        others.append(begin(pool, "writer", "POST", bytes(40_000)))
        network.until_waiting(1)
        sleepers.append(begin(pool, "sleeper", "POST"))
        network.until_waiting(2)

    def fail() -> None:
        steps.insert(0, FailWrite(WriteError("broken pipe")))

    # In the first write both are queued; the second takes both.
    steps[:0] = [MeanwhileWriting(come), MeanwhileWriting(fail)]
    others.append(begin(pool, "first", "POST"))
    peers.until(lambda: len(peers) == 2 and bool(peers[1].calls))
    [again] = peers[1].calls
    peers.answer(again, again.path)
    assert sleepers[0].result() == b"/sleeper"
    for other in others:
        with pytest.raises(WriteError, match="broken pipe"):
            other.result()
    assert pool.is_quiet


def test_who_waits_for_an_answer_is_told(
    network: Network, pool: PoolClient, peers: Peers
) -> None:
    """By a write that failed for somebody who only closes a response."""
    reader, peer, call = begin_reader(pool, peers)
    peer.respond(call)
    reader.result()
    peer._begin = lambda peer, call: peer.head(call)
    closed = pool.open("GET", URL_A + "closed")
    peer._begin = None
    reader = begin(pool, "reader", "POST")
    peers.until_called(3)
    peers.until(lambda: peer.waiting == 1)
    sleeper = begin(pool, "sleeper", "POST")
    peers.until_called(4)
    network.until_waiting(1)
    network.while_waiting(lambda: None)
    peer.connection.steps.insert(0, FailWrite(WriteError("broken pipe")))
    closed.close()
    for request in reader, sleeper:
        with pytest.raises(WriteError, match="broken pipe"):
            request.result()
    assert pool.is_quiet
    assert not network.open_connections


def test_what_comes_for_others_is_no_silence(
    network: Network, pool: PoolClient, peers: Peers
) -> None:
    reader, peer, call = begin_reader(pool, peers)
    sleeper = begin(pool, "sleeper")
    other = peers.until_called(2)[1]
    network.until_waiting(1)
    peer.holds_time = True

    def until_read() -> None:
        peers.until(lambda: not peer.connection.outbox and peer.waiting == 1)

    def go_on() -> None:
        peer.h2.ping(b"12345678")
        peer.flush()
        until_read()

    def answer() -> None:
        peer.respond(other, b"sleeper")
        until_read()

    network.while_waiting(go_on, answer)
    peer.connection.steps.insert(0, Stall())
    write_in_vain(pool)
    assert sleeper.result() == b"sleeper"
    peer.respond(call, b"reader")
    assert reader.result() == b"reader"
    assert pool.is_quiet
    assert not network.open_connections


def test_request_that_never_left_a_connection_that_failed_goes_elsewhere(
    network: Network, pool: PoolClient, peers: Peers
) -> None:
    reader, peer, _ = begin_reader(pool, peers)
    peer.is_congested = True
    other = begin(pool, "other", "POST", b"body")
    peers.until(lambda: peer.waiting == 2)
    peer.connection.outbox.append(ReadError("reset"))
    peer.wake()
    with pytest.raises(ReadError, match="reset"):
        reader.result()
    peer.is_congested = False
    peer.wake()
    call = peers.until_called(2)[1]
    assert len(peers) == 2
    peers.answer(call, call.body)
    assert other.result() == b"body"
    assert pool.is_quiet


@pytest.mark.colours("blocking", reason="an event loop would end with it")
@pytest.mark.parametrize("name", ["write_block", "write_header"], ids=["request", "tunnel"])
def test_nothing_is_written_behind_what_was_torn(
    network: Network,
    pool: PoolClient,
    peers: Peers,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """The writer waits already when a signal handler raises in another's request."""
    reader, peer, call = begin_reader(pool, peers)
    peer._begin = lambda peer, call: peer.head(call)
    tunnel = pool.open("CONNECT", extensions={"target": b"origin.test:443"})
    peer._begin = None
    peer.is_congested = True
    writer = begin(pool, "writer", "POST", b"body")
    peers.until(lambda: peer.waiting == 2)
    sleeper = begin(pool, "sleeper", "POST")
    network.until_waiting(1)
    before = peer.connection.sent

    def tear() -> None:
        if name == "write_block":
            pool.request("GET", URL_A)
        else:
            tunnel.wire.write(b"bytes")

    def interrupt(*args: object, **options: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(frames, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            tear()
    again = peers.until_called(3)[2]
    assert len(peers) == 2
    peers.answer(again, again.path)
    assert sleeper.result() == b"/sleeper"
    peer.is_congested = False
    peer.wake()
    other = peers.until_called(4)[3]
    peers.answer(other, other.body)
    assert writer.result() == b"body"
    assert peer.connection.sent == before
    peer.respond(call, b"late")
    assert reader.result() == b"late"
    tunnel.close()
