"""Who reads and writes for all: the role is handed on whatever becomes of its holder."""

import functools
import typing

import pytest
from driving import URL_A, Background, Driver
from http2_peer import MOST_STREAMS, begin, echo, serve, shared_pool
from scripted import Network

from httpcore_interface import AsyncEvent, LocalProtocolError, ReadTimeout, WriteTimeout
from httpcore_pool._core.patience import HeadPatience, WritePatience
from httpcore_pool._core.traffic import Traffic


def test_reader_that_gives_up_passes_the_reading_on(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    first = begin(pool, "1")
    peers.until_called(1)
    [peer] = peers
    peer.respond(peer.calls[0], b"first")
    assert first.result() == b"first"
    peer.holds_time = True
    second = begin(pool, "2", read=5.0)
    peers.until(lambda: peer.waiting == 1)
    third = begin(pool, "3")
    network.until_waiting(1)
    peer.expire()
    with pytest.raises(ReadTimeout, match=r"within 5\.0 seconds"):
        second.result()
    # It reads now, and not under the other's timeout.
    peers.until(lambda: peer.waiting == 1)
    peer.respond(peer.calls[2], b"third")
    assert third.result() == b"third"


def test_writer_that_gives_up_passes_the_writing_on(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    first = begin(pool, "1")
    peers.until_called(1)
    [peer] = peers
    peers.until(lambda: peer.waiting == 1)
    peer.is_congested = peer.holds_time = True
    second = begin(pool, "2", "POST", b"x" * 1000, write=5.0)
    peers.until(lambda: peer.waiting == 2)
    third = begin(pool, "3")
    network.until_waiting(1)
    peer.expire()
    with pytest.raises(WriteTimeout, match=r"within 5\.0 seconds"):
        second.result()
    # While the first one reads, the third one writes: what the second has left, too.
    peers.until(lambda: peer.waiting == 2)
    peer.is_congested = False
    peer.wake()
    peers.until_called(3)
    peers.until(lambda: peer.calls[1].reset is not None)
    for call in peer.calls[0], peer.calls[2]:
        peer.respond(call, call.path)
    assert [first.result(), third.result()] == [b"/1", b"/3"]


def test_who_looks_at_an_idle_connection_passes_the_reading_on(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, begin=lambda peer, call: peer.respond(call, call.path))
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    [peer] = peers
    peer.holds_time = True
    # Under TLS it looks as if there was something to read.
    peer.connection.outbox.append(None)
    invalid = begin(pool, headers=[(b"X", b"a\nb")])
    peers.until(lambda: peer.waiting == 1)
    peer._begin = None
    other = begin(pool, "other")
    network.until_waiting(1)
    peer.expire()
    with pytest.raises(LocalProtocolError):
        invalid.result()
    peer.respond(peer.calls[-1], b"other")
    assert other.result() == b"other"


def test_driver_answers_the_server_while_it_waits(driver: Driver, network: Network) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    request = begin(pool)
    [call] = peers.until_called(1)
    [peer] = peers
    peer.h2.ping(b"12345678")
    peer.flush()
    peers.until(lambda: any(type(event).__name__ == "PingAckReceived" for event in peer.events))
    peer.respond(call, b"body")
    assert request.result() == b"body"


def test_twenty_threads_share_a_connection_in_any_order(
    driver: Driver, network: Network
) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    threads = [begin(pool, str(number)) for number in range(20)]
    calls = list(peers.until_called(20))
    for call in sorted(calls, key=lambda call: call.path):
        peers[0].respond(call, call.path)
    assert [thread.result() for thread in threads] == [b"/%d" % n for n in range(20)]
    assert len(peers) == 1
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 1 idle"


def test_threads_in_a_hurry_never_see_each_others_answers(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)

    def many(number: int) -> None:
        for turn in range(10):
            target = f"{number}-{turn}"
            assert pool.request("GET", URL_A + target).body == b"/" + target.encode()

    threads = [Background(functools.partial(many, number)) for number in range(20)]
    for thread in threads:
        thread.result()
    assert len(peers) == 1
    assert len(peers.calls) == 200


@pytest.mark.colours("asyncio", reason="where the order of those who wake is known")
def test_heads_of_many_that_wake_at_once_leave_in_two_writes(
    driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = network.pace.checkpoint

    async def go_on() -> None:
        if network.operations[-1] == "sleep":
            await checkpoint()

    # As a stream of asyncio: what need not wait gives nobody else a turn.
    monkeypatch.setattr(network.pace, "checkpoint", go_on)
    peers = serve(network, settings={MOST_STREAMS: 20})
    pool = shared_pool(driver, max_connections=1)
    first = [begin(pool, f"first{number}") for number in range(20)]
    calls = list(peers.until_called(20))
    second = [begin(pool, f"second{number}") for number in range(20)]
    network.until(lambda: pool.face.stats().requests_queued == 20)
    [peer] = peers
    before = len(network.connections[0].written)
    # All of the first come to their ends in one read.
    peer.holds_flush = True
    for call in calls:
        peer.respond(call, call.path)
    peer.holds_flush = False
    peer.flush()
    calls = list(peers.until_called(40))[20:]
    # The first to wake does not know of the others yet.
    assert len(network.connections[0].written) == before + 2
    for call in calls:
        peer.respond(call, call.path)
    for thread in first + second:
        thread.result()


@pytest.mark.colours("blocking", reason="an event loop would end with it")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_interruption_before_anything_is_waited_for_is_no_other_request_s(
    driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A signal handler that raises just when somebody is to read, or to write, for all."""

    def interrupt(_: object) -> typing.NoReturn:
        raise KeyboardInterrupt

    serve(network, echo)
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    patience = HeadPatience if method == "GET" else WritePatience
    with monkeypatch.context() as patch:
        patch.setattr(patience, "left", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pool.request(method, URL_A, content=b"body" if method == "POST" else None)
    assert pool.request(method, URL_A + "next").body == b"/next"


@pytest.mark.colours("blocking", reason="an event loop would end with it")
def test_interruption_of_one_who_was_to_sleep_lets_others_be_woken(
    driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers = serve(network)
    pool = shared_pool(driver)
    first = begin(pool, "1")
    peers.until_called(1)
    [peer] = peers
    peers.until(lambda: peer.waiting == 1)
    waiting: list[object] = []
    note_waiting = Traffic._note_waiting

    def interrupt(traffic: Traffic, event: AsyncEvent, *others: typing.Any) -> typing.NoReturn:  # type: ignore[explicit-any]
        note_waiting(traffic, event, *others)
        waiting.append(event)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Traffic, "_note_waiting", interrupt)
        with pytest.raises(KeyboardInterrupt):
            begin(pool, "2").result()
    assert len(waiting) == 1
    third = begin(pool, "3")
    network.until_waiting(1)
    peer.respond(peer.calls[0], b"first")
    assert first.result() == b"first"
    peer.respond(peer.calls[-1], b"third")
    assert third.result() == b"third"
