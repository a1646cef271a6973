"""Request bodies and their windows, and answers that come before the end of a body."""

import collections.abc

import h2.events
import pytest
from driving import URL_A, Driver
from http2_peer import CANCEL, NO_ERROR, WINDOW, Call, Peer, begin, echo, serve, shared_pool
from scripted import Network
from virtual_clock import Clock

LARGE = bytes(range(256)) * 2000


def length(peer: Peer, call: Call) -> None:
    peer.respond(call, b"%d" % len(call.body))


@pytest.mark.parametrize("is_streamed", [False, True])
def test_large_body_arrives_whole(
    driver: Driver, network: Network, *, is_streamed: bool
) -> None:
    peers = serve(network, length)
    pool = shared_pool(driver)
    parts = [LARGE[start : start + 100_000] for start in range(0, len(LARGE), 100_000)]
    content = driver.body(parts) if is_streamed else LARGE
    assert pool.request("POST", URL_A, content=content).body == b"%d" % len(LARGE)
    assert peers.calls[0].body == LARGE


def test_body_that_is_taken_slowly_is_taken(
    driver: Driver, network: Network, clock: Clock
) -> None:
    """The write timeout is for a server that takes nothing."""

    class SlowlyWritten(list[bytes]):
        def append(self, buffer: bytes) -> None:
            clock.advance(1.0)
            super().append(buffer)

    peers = serve(network, length)
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    written = network.connections[0].written = SlowlyWritten()
    upload = begin(pool, "", "POST", LARGE, write=2.0)
    assert upload.result() == b"%d" % len(LARGE)
    assert len(written) > 30
    assert len(peers) == 1


def test_several_uploads_share_the_window(driver: Driver, network: Network) -> None:
    peers = serve(network, length)
    pool = shared_pool(driver)
    threads = [begin(pool, str(number), "POST", LARGE) for number in range(5)]
    assert [thread.result() for thread in threads] == [b"%d" % len(LARGE)] * 5
    assert all(call.body == LARGE for call in peers.calls)
    assert len(peers) == 1


def test_window_that_another_request_reads_of_lets_an_upload_go_on(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, is_thrifty=True)
    pool = shared_pool(driver)
    reader = begin(pool, "reader")
    peers.until_called(1)
    [peer] = peers
    peers.until(lambda: peer.waiting == 1)
    upload = begin(pool, "upload", "POST", LARGE)
    peers.until_called(2)
    call = peer.calls[1]
    # As much as the first windows allow; then it waits while the other one reads.
    peers.until(lambda: len(call.body) == 65_535)
    network.until_waiting(1)
    peer.h2.increment_flow_control_window(10_000_000)
    peer.h2.increment_flow_control_window(10_000_000, call.stream)
    peer.flush()
    peers.until(lambda: call.is_whole)
    assert call.body == LARGE
    peer.respond(call, b"thanks")
    peer.respond(peer.calls[0], b"reader")
    assert [upload.result(), reader.result()] == [b"thanks", b"reader"]


def test_window_below_zero_is_filled_before_anything_is_sent(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, is_thrifty=True)
    pool = shared_pool(driver)
    upload = begin(pool, "", "POST", LARGE)
    [call] = peers.until_called(1)
    [peer] = peers
    peers.until(lambda: len(call.body) == 65_535)
    peer.change({WINDOW: 10_000})
    peers.until(lambda: peer.is_understood)
    peer.h2.increment_flow_control_window(10_000_000)
    peer.h2.increment_flow_control_window(50_000, call.stream)
    peer.h2.ping(b"12345678")
    peer.flush()
    peers.until(lambda: "PingAckReceived" in peer.told)
    assert len(call.body) == 65_535
    peer.h2.increment_flow_control_window(10_000_000, call.stream)
    peer.flush()
    peers.until(lambda: call.is_whole)
    peer.respond(call, b"thanks")
    assert upload.result() == b"thanks"
    assert call.body == LARGE


def test_large_response_gets_its_window_back_in_batches(
    driver: Driver, network: Network
) -> None:
    large = bytes(10_000_000)
    peers = serve(network, lambda peer, call: peer.respond(call, large))
    pool = shared_pool(driver)
    assert pool.request("GET", URL_A).body == large
    updates = peers[0].told.count("WindowUpdated")
    # One at the beginning; then about one for each megabyte, and one for each eight.
    assert 5 <= updates <= 15


def test_response_that_nobody_reads_holds_up_no_other(driver: Driver, network: Network) -> None:
    large = bytes(5_000_000)
    serve(network, lambda peer, call: peer.respond(call, large))
    pool = shared_pool(driver)
    unread = [pool.open("GET", URL_A) for _ in range(5)]
    assert pool.request("GET", URL_A).body == large
    for response in unread:
        assert response.read() == large
    assert len(network.connections) == 1


# -- early answers -----------------------------------------------------------------------------


def refuse(peer: Peer, call: Call) -> None:
    peer.respond(call, b"too large", 413)


def refuse_and_reset(peer: Peer, call: Call) -> None:
    refuse(peer, call)
    peer.reset(call, NO_ERROR)


@pytest.mark.parametrize("answer", [refuse, refuse_and_reset])
@pytest.mark.parametrize("is_streamed", [False, True])
def test_early_answer_ends_the_upload(
    driver: Driver,
    network: Network,
    answer: collections.abc.Callable[[Peer, Call], None],
    *,
    is_streamed: bool,
) -> None:
    peers = serve(network, begin=answer, is_thrifty=True)
    pool = shared_pool(driver)
    asked: list[int] = []

    def parts() -> collections.abc.Iterator[bytes]:
        for number in range(100):
            asked.append(number)
            yield bytes(10_000)

    content = driver.body(parts()) if is_streamed else bytes(1_000_000)
    response = pool.request("POST", URL_A, content=content)
    assert (response.status, response.body) == (413, b"too large")
    assert len(asked) < 10
    [call] = peers.calls
    assert not call.is_whole
    if answer is refuse:
        # The server is told that no more will come.
        assert call.reset == CANCEL
    peers[0]._begin, peers[0]._answer = None, echo
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert len(peers) == 1


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_early_answer_is_seen_though_the_window_allows_more(
    driver: Driver, network: Network, size: int
) -> None:
    peers = serve(network, echo, settings={WINDOW: 10_000_000})
    pool = shared_pool(driver)
    pool.request("GET", URL_A)
    [peer] = peers
    peer.h2.increment_flow_control_window(10_000_000)
    peer.flush()
    peer._begin, peer._answer = refuse, None
    asked: list[int] = []

    def parts() -> collections.abc.Iterator[bytes]:
        for number in range(100):
            asked.append(number)
            yield bytes(size)

    response = pool.request("POST", URL_A, content=driver.body(parts()))
    assert (response.status, response.body) == (413, b"too large")
    assert len(asked) < 3
    assert len(peers.calls[1].body) < 300_000
    assert pool.is_quiet


def test_early_success_does_not_end_the_upload(driver: Driver, network: Network) -> None:
    def answer(peer: Peer, call: Call) -> None:
        peer.body(call, b"%d" % len(call.body))

    peers = serve(network, answer, begin=lambda peer, call: peer.head(call))
    pool = shared_pool(driver)
    parts = [bytes(100_000) for _ in range(5)]
    response = pool.request("POST", URL_A, content=driver.body(parts))
    assert response.body == b"500000"
    assert peers.calls[0].is_whole


def test_answer_to_a_request_that_the_system_does_not_take_is_heard(
    driver: Driver, network: Network
) -> None:
    """What was framed already stays to be written, but nobody waits for that."""
    peers = serve(network)
    pool = shared_pool(driver)

    def parts() -> collections.abc.Iterator[bytes]:
        yield b"one"
        [peer] = peers
        peer.is_congested = True
        refuse(peer, peer.calls[0])
        yield b"two"

    response = pool.request("POST", URL_A, content=driver.body(parts()))
    assert (response.status, response.body) == (413, b"too large")
    peers[0].is_congested = False
    peers[0]._answer = echo
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert len(peers) == 1


# -- what is asked before ----------------------------------------------------------------------


def test_body_is_sent_when_the_server_says_that_it_wants_it(
    driver: Driver, network: Network
) -> None:
    def go_on(peer: Peer, call: Call) -> None:
        assert not call.body
        peer.head(call, 100)

    serve(network, echo, begin=go_on)
    response = shared_pool(driver).request(
        "PUT", URL_A, headers=[(b"Expect", b"100-continue")], content=b"body"
    )
    assert response.body == b"/body"


def test_body_that_is_refused_is_not_sent(driver: Driver, network: Network) -> None:
    peers = serve(network, begin=refuse)
    response = shared_pool(driver).request(
        "PUT", URL_A, headers=[(b"Expect", b"100-continue")], content=b"body"
    )
    assert (response.status, response.body) == (413, b"too large")
    assert peers.calls[0].body == b""
    assert peers.calls[0].reset == CANCEL


@pytest.mark.parametrize("parts", [[], [b""], [b"", b""]])
@pytest.mark.parametrize("is_traced", [False, True])
def test_body_that_turns_out_empty_ends_with_the_head(
    driver: Driver, network: Network, parts: list[bytes], *, is_traced: bool
) -> None:
    """Where no field says that there is one: httpx has a body for every request."""
    peers = serve(network, echo)
    extensions = {"trace": driver.recorder()[1]} if is_traced else None
    pool = shared_pool(driver)
    response = pool.open("GET", content=driver.body(parts), extensions=extensions)
    assert response.read() == b"/"
    kinds = [type(event) for event in peers[0].events]
    assert h2.events.RequestReceived in kinds
    assert h2.events.DataReceived not in kinds


def test_body_that_nobody_has_announced_is_sent(driver: Driver, network: Network) -> None:
    serve(network, echo)
    pool = shared_pool(driver)
    response = pool.open("POST", content=driver.body([b"", b"one", b"", b"two"]))
    assert response.read() == b"/onetwo"
