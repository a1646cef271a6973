"""A request that is cancelled: the server hears of it at once, however it was done."""

import collections.abc

import pytest
from driving import URL_A
from driving_async import AsyncDriver
from event_loops import Cancelled, Guard, unguarded
from http2_peer import CANCEL, Peers, begin, echo, serve, shared_pool
from injected_faults import CancelHere, Fault, FaultKind
from scripted import Network


@pytest.fixture
def cancellable(driver: AsyncDriver, way: Guard) -> collections.abc.Iterator[AsyncDriver]:
    """A driver whose calls can be cancelled."""
    driver.runner.guard = way
    yield driver
    driver.runner.guard = unguarded


def next_read(network: Network, ask: collections.abc.Callable[[], object]) -> Fault:
    """Cancels the next request where the last one has read its response."""
    before = len(network.operations)
    ask()
    place = network.operations.index("read", before) - before
    return Fault(len(network.operations) + place, FaultKind.CANCEL)


def cancel() -> None:
    raise CancelHere


def test_server_hears_of_it_though_nothing_follows(
    cancellable: AsyncDriver, network: Network
) -> None:
    peers = serve(network, echo)
    pool = shared_pool(cancellable)
    pool.request("GET", URL_A)
    network.fault = next_read(network, lambda: pool.request("GET", URL_A))
    peers[0]._answer = None
    with pytest.raises(Cancelled):
        pool.request("GET", URL_A)
    peers.until(lambda: peers.calls[2].reset == CANCEL)
    assert pool.is_quiet
    network.fault, peers[0]._answer = None, echo
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert len(peers) == 1


def test_server_hears_of_it_while_another_reads(
    cancellable: AsyncDriver, network: Network
) -> None:
    peers: Peers = serve(network)
    pool = shared_pool(cancellable)
    way, cancellable.runner.guard = cancellable.runner.guard, unguarded
    other = begin(pool, "other")
    [call] = peers.until_called(1)
    cancellable.runner.guard = way
    peers.until(lambda: peers[0].waiting == 1)
    # It waits for news, and is cancelled there.
    network.while_waiting(cancel)
    with pytest.raises(Cancelled):
        pool.request("GET", URL_A)
    peers.until(lambda: peers.calls[1].reset == CANCEL)
    peers[0].respond(call, b"other")
    assert other.result() == b"other"
    assert pool.is_quiet
