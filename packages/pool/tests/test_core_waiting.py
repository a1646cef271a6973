"""Requests that wait for a connection: first come, first served, for so long only."""

import functools

import pytest
from driving import URL_A, URL_B, Background, Driver, PoolClient, Reply, reply
from script_steps import Dial, End, FailRead, Give, TakeRequest
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import (
    ConnectError,
    PoolTimeout,
    ReadError,
    RemoteProtocolError,
)


def waiting(network: Network, pool: PoolClient, *urls: str) -> list[Background[bytes]]:
    """Requests that wait in threads of their own, in this order."""
    threads = []
    for url in urls:
        before = network.waiting
        threads.append(Background(functools.partial(body_of, pool, url)))
        network.until_waiting(before + 1)
    return threads


def body_of(pool: PoolClient, url: str) -> bytes:
    return pool.request("GET", url).body


def test_freed_connection_goes_to_who_has_waited_longest(
    driver: Driver, network: Network
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    threads = waiting(network, pool, *(f"{URL_A}{i}" for i in range(20)))
    assert pool.counts == "Requests: 1 active, 20 queued | Connections: 1 active, 0 idle"
    first.read()
    assert [thread.result() for thread in threads] == [b"/%d" % i for i in range(20)]
    [connection] = network.connections
    assert [request.target for request in connection.requests] == [
        b"/",
        *(b"/%d" % i for i in range(20)),
    ]
    # Each of them waited once, and none was woken for nothing.
    assert network.operations.count("wait") == 20


def test_first_come_is_first_served_across_origins(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET", URL_A)
    urls = [URL_B + "1", URL_A + "2", URL_A + "3", URL_B + "4", URL_A + "5"]
    threads = waiting(network, pool, *urls)
    first.read()
    assert [thread.result() for thread in threads] == [b"/1", b"/2", b"/3", b"/4", b"/5"]
    served = [
        [request.target for request in connection.requests]
        for connection in network.connections
    ]
    assert served == [[b"/"], [b"/1"], [b"/2", b"/3"], [b"/4"], [b"/5"]]
    assert len(network.open_connections) == 1


def test_connection_that_fails_gives_its_place_to_who_waits(
    driver: Driver, network: Network
) -> None:
    network.play(TakeRequest(), Give(reply(b"abc")[:-1]), FailRead(ReadError("reset")))
    network.answer(reply(b"second"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    [thread] = waiting(network, pool, URL_A)
    with pytest.raises(ReadError):
        first.read()
    assert thread.result() == b"second"
    assert len(network.open_connections) == 1


def test_dial_that_fails_gives_its_place_to_who_waits(driver: Driver, network: Network) -> None:
    pool = driver.pool(max_connections=1)
    threads: list[Background[bytes]] = []

    def meanwhile() -> None:
        threads.extend(waiting(network, pool, URL_A))

    network.play(Dial(meanwhile=meanwhile, error=ConnectError("refused")))
    network.answer(reply(b"second"))
    with pytest.raises(ConnectError):
        pool.request("GET", URL_A)
    assert threads[0].result() == b"second"


@pytest.mark.parametrize("ending", ["close", "read", "del"])
def test_each_end_of_a_response_wakes_who_waits(
    driver: Driver, network: Network, ending: str
) -> None:
    half, rest = reply(b"0123456789")[:-5], b"56789"
    network.play(TakeRequest(), Give(half))
    network.serve(lambda request: reply(b"second"))
    pool = driver.pool(max_connections=1)
    first: list[Reply] = [pool.open("GET")]
    [thread] = waiting(network, pool, URL_A)
    if ending == "close":
        first[0].close()
    elif ending == "read":
        network.connections[0].steps += [Give(rest), TakeRequest(), Give(reply(b"second"))]
        assert first[0].read() == b"0123456789"
    first.clear()
    assert thread.result() == b"second"
    assert len(network.open_connections) == 1


def test_pool_timeout_is_one_deadline_over_the_whole_wait(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.answer(reply(b"first"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    network.while_waiting(lambda: clock.advance(3.0))
    before = clock.now
    with pytest.raises(PoolTimeout, match=r"within 5\.0 seconds: Requests: 1 active, 1 queued"):
        pool.request("GET", URL_A, extensions={"timeout": {"pool": 5.0}})
    assert clock.now - before >= 5.0
    assert pool.counts == "Requests: 1 active, 0 queued | Connections: 1 active, 0 idle"
    first.close()
    assert pool.is_quiet


def test_waking_for_nothing_does_not_extend_the_deadline(
    driver: Driver, network: Network, clock: Clock
) -> None:
    """A waiter is woken to settle an abandoned response that is not its own business."""
    network.serve(lambda request: reply(request.target)[:-1])
    pool = driver.pool(max_connections=2, max_connections_per_origin=1)
    first = pool.open("GET", URL_A)
    others: list[Reply] = [pool.open("GET", URL_B)]
    first_pause, second_pause = 3.0, 1.0

    def abandon_other() -> None:
        clock.advance(first_pause)
        others.clear()

    network.while_waiting(abandon_other, lambda: clock.advance(second_pause))
    before = clock.now
    with pytest.raises(PoolTimeout):
        pool.request("GET", URL_A, extensions={"timeout": {"pool": 5.0}})
    # The second wait had 2 seconds left, after 1 of them of something else.
    assert clock.now - before == 3.0 + 1.0 + 2.0
    first.close()
    assert network.operations.count("wait") == 2


def test_pool_timeout_of_zero_does_not_wait(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool(max_connections=1)
    timeout: dict[str, object] = {"timeout": {"pool": 0}}
    first = pool.open("GET", extensions=timeout)
    with pytest.raises(PoolTimeout):
        pool.request("GET", URL_A, extensions=timeout)
    assert "wait" not in network.operations
    first.read()
    assert pool.request("GET", URL_A, extensions=timeout).body == b"second"


def test_slot_that_came_with_the_timeout_is_used(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")

    def too_late() -> None:
        clock.advance(100.0)
        first.read()

    network.while_waiting(too_late)
    response = pool.request("GET", URL_A, extensions={"timeout": {"pool": 5.0}})
    assert response.body == b"second"


def test_who_gives_up_waiting_passes_nothing_on(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"), reply(b"third"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    network.while_waiting(lambda: None)
    with pytest.raises(PoolTimeout):
        pool.request("GET", URL_A, extensions={"timeout": {"pool": 5.0}})
    [thread] = waiting(network, pool, URL_A)
    first.read()
    assert thread.result() == b"third"


def test_who_is_interrupted_while_waiting_passes_its_slot_on(
    driver: Driver, network: Network
) -> None:
    network.answer(reply(b"first"), reply(b"third"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    threads: list[Background[bytes]] = []

    def interrupt() -> None:
        threads.extend(waiting(network, pool, URL_A))
        # The slot is granted to the request that is about to be interrupted.
        first.read()
        raise KeyboardInterrupt

    network.while_waiting(interrupt)
    with pytest.raises(KeyboardInterrupt):
        pool.request("GET", URL_A)
    assert threads[0].result() == b"third"
    assert pool.is_quiet


def test_events_are_made_for_those_only_who_wait(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=2)
    for _ in range(3):
        pool.request("GET", URL_A)
        pool.request("GET", URL_B)
    assert "wait" not in network.operations


def test_stale_connection_that_is_passed_on_is_replaced(
    driver: Driver, network: Network
) -> None:
    network.play(TakeRequest(), Give(reply(b"first")), End())
    network.answer(reply(b"second"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    [thread] = waiting(network, pool, URL_A)
    first.read()
    assert thread.result() == b"second"


def test_failure_of_one_waiter_is_not_the_next_ones(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"first")), TakeRequest(), Give(b"nonsense\r\n\r\n"))
    network.answer(reply(b"third"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    second, third = waiting(network, pool, URL_A, URL_A)
    first.read()
    with pytest.raises(RemoteProtocolError):
        second.result()
    assert third.result() == b"third"
