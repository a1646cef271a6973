"""Responses that nobody ends: found by the garbage collector, settled by whoever comes next.

A finaliser takes no lock and waits for nothing: it may run at any moment, in any
thread, in the middle of the pool's own bookkeeping.
"""

import collections.abc
import gc

import pytest
from driving import URL_A, URL_B, Background, Driver, PoolClient, Reply, reply
from script_steps import Dial, Give, Meanwhile, TakeRequest
from scripted import Network

from httpcore_interface import PoolTimeout
from httpcore_pool import Origin
from httpcore_pool._core.pool import Pool

UNFINISHED = reply(b"0123456789")[:-5]


@pytest.fixture
def no_collector() -> collections.abc.Iterator[None]:
    """Objects go when the last reference goes, or when a test collects them."""
    gc.disable()
    yield
    gc.enable()


pytestmark = pytest.mark.usefixtures("no_collector")


class Holder:
    """Keeps a response."""

    def __init__(self, response: Reply) -> None:
        self.response = response


class Cycle(Holder):
    """Keeps a response in a reference cycle, for the collector alone to find."""

    def __init__(self, response: Reply) -> None:
        super().__init__(response)
        self.itself = self


@pytest.mark.parametrize("of", [Holder, Cycle])
def test_abandoned_response_frees_its_place(
    driver: Driver, network: Network, of: type[Holder]
) -> None:
    network.answer(UNFINISHED)
    network.answer(reply(b"second"))
    pool = driver.pool(max_connections=1)
    kept = [of(pool.open("GET"))]
    kept.clear()
    # Nothing that a response is made of is a cycle: it goes with its last reference.
    if of is Cycle:
        gc.collect()
    assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"second"
    assert [connection.is_open for connection in network.connections] == [False, True]


def test_connection_of_an_abandoned_response_is_not_used_again(
    driver: Driver, network: Network
) -> None:
    # It may have come whole; nobody looked.
    network.answer(reply(b"first"))
    network.answer(reply(b"second"))
    pool = driver.pool()
    assert pool.open("GET").status == 200
    assert pool.request("GET", URL_A).body == b"second"
    assert len(network.open_connections) == 1


def test_response_abandoned_in_the_middle_of_its_body_frees_its_place(
    driver: Driver, network: Network
) -> None:
    network.answer(UNFINISHED)
    network.answer(reply(b"second"))
    pool = driver.pool(max_connections=1)
    response = pool.open("GET")
    assert response.next_chunk() == b"01234"
    del response
    assert pool.request("GET", URL_A).body == b"second"


def test_response_that_was_read_is_not_abandoned(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool()
    response = pool.open("GET")
    response.read()
    del response
    assert pool.request("GET", URL_A).body == b"second"
    assert len(network.connections) == 1


def test_counts_know_of_abandoned_responses(driver: Driver, network: Network) -> None:
    network.answer(UNFINISHED)
    pool = driver.pool()
    response = pool.open("GET")
    assert len(pool.face._requests) == 1
    del response
    assert len(pool.face._requests) == 0
    assert pool.face.connections == []
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle"


def test_close_settles_abandoned_responses(driver: Driver, network: Network) -> None:
    network.answer(UNFINISHED)
    pool = driver.pool()
    assert pool.open("GET").status == 200
    pool.close()
    assert not network.open_connections


def test_response_abandoned_after_the_pool_is_nobodys_business(
    driver: Driver, network: Network
) -> None:
    network.answer(UNFINISHED)
    network.answer(reply(b"fine"), reply(b"again"))
    pool = driver.pool(max_connections=1)
    response = pool.open("GET")
    pool.close()
    with pool:
        assert pool.request("GET", URL_A).body == b"fine"
        del response
        assert pool.request("GET", URL_A).body == b"again"


# -- at the worst moment ---------------------------------------------------------------


class Collecting:
    """A lock that collects garbage while it is held: the worst moment there is."""

    def __init__(self, pool: Pool) -> None:
        self._lock = pool.lock
        self.garbage: list[Cycle] = []
        self.collected = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self.garbage.clear()
        self.collected += gc.collect() > 0

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()

    def _is_owned(self) -> bool:
        return self._lock._is_owned()  # type: ignore[attr-defined, no-any-return]


def collecting(pool: PoolClient, monkeypatch: pytest.MonkeyPatch) -> Collecting:
    core = pool.face._core
    lock = Collecting(core)
    monkeypatch.setattr(core, "lock", lock)
    return lock


def test_collection_within_the_lock_does_no_harm(
    driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.answer(UNFINISHED)
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=2)
    kept = [Cycle(pool.open("GET"))]
    lock = collecting(pool, monkeypatch)
    lock.garbage = kept
    assert pool.request("GET", URL_A).status == 200
    assert lock.collected >= 1
    assert pool.request("GET", URL_B).status == 200
    assert pool.is_quiet
    assert not network.connections[0].is_open


def test_collection_within_the_lock_frees_the_place_that_is_waited_for(
    driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.answer(UNFINISHED)
    network.answer(reply(b"second"))
    pool = driver.pool(max_connections=1)
    kept = [Cycle(pool.open("GET"))]
    lock = collecting(pool, monkeypatch)
    lock.garbage = kept
    # Found while the request that needs the place is being queued.
    assert pool.request("GET", URL_A).body == b"second"
    assert pool.is_quiet


class Closing(Cycle):
    """Closes its response when it is collected, as a user's generator does."""

    def __del__(self) -> None:
        self.response.close()


def test_finaliser_that_closes_its_response_within_the_lock_does_no_harm(
    driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.answer(UNFINISHED)
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=1)
    kept: list[Cycle] = [Closing(pool.open("GET"))]
    lock = collecting(pool, monkeypatch)
    lock.garbage = kept
    assert pool.request("GET", URL_A).status == 200
    assert pool.request("GET", URL_A).status == 200
    assert pool.is_quiet
    assert not network.connections[0].is_open


class ClosingPool:
    """Closes a pool when it is collected, as a client's finaliser may."""

    def __init__(self, pool: PoolClient) -> None:
        self.pool = pool
        self.itself = self

    def __del__(self) -> None:
        self.pool.face.stats()
        self.pool.close()


@pytest.mark.colours("blocking", reason="a finaliser cannot await the closing of a pool")
def test_finaliser_that_closes_the_pool_within_the_lock_is_heeded(
    driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=1)
    pool.request("GET", URL_A)
    lock = collecting(pool, monkeypatch)
    kept = [ClosingPool(pool)]
    lock.garbage = kept  # type: ignore[assignment]
    # By whoever holds the lock, before it does anything else.
    with pytest.raises(RuntimeError, match="is closed"):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert not network.open_connections


def test_collection_in_create_connection_does_no_harm(driver: Driver, network: Network) -> None:
    garbage: list[Cycle] = []

    def create(default: collections.abc.Callable[[Origin], object], origin: Origin) -> object:
        garbage.clear()
        gc.collect()
        return default(origin)

    network.answer(UNFINISHED)
    network.answer(reply(b"second"), reply(b"third"))
    pool = driver.pool(create=create, max_connections=2)
    garbage.append(Cycle(pool.open("GET")))
    assert pool.request("GET", URL_A).body == b"second"
    assert pool.request("GET", URL_A).body == b"third"
    assert pool.is_quiet


# -- while others wait -------------------------------------------------------------------


def test_place_of_an_abandoned_response_goes_to_who_waits(
    driver: Driver, network: Network
) -> None:
    network.answer(UNFINISHED)
    network.answer(reply(b"second"))
    pool = driver.pool(max_connections=1)
    kept = [Cycle(pool.open("GET"))]
    thread = Background(lambda: pool.request("GET", URL_A).body)
    network.until_waiting(1)
    kept.clear()
    gc.collect()
    assert thread.result() == b"second"
    assert not network.connections[0].is_open


def test_place_of_an_abandoned_response_goes_to_who_has_waited_longest(
    driver: Driver, network: Network
) -> None:
    network.answer(UNFINISHED)
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=1)
    kept = [pool.open("GET")]
    first = Background(lambda: pool.request("GET", URL_A + "1").body)
    network.until_waiting(1)
    second = Background(lambda: pool.request("GET", URL_A + "2").body)
    network.until_waiting(2)
    kept.clear()
    assert (first.result(), second.result()) == (b"/1", b"/2")
    assert [request.target for request in network.connections[1].requests] == [b"/1", b"/2"]


def test_abandoned_response_wakes_somebody_though_the_first_is_awake_already(
    driver: Driver, network: Network
) -> None:
    """The first in the queue has just been given a place when another is abandoned."""
    others: list[Background[bytes]] = []
    kept: list[Reply] = []
    pool = driver.pool(max_connections=2)

    def meanwhile() -> None:
        others.append(Background(lambda: pool.request("GET", URL_A).body))
        network.until_waiting(1)
        kept.pop().close()
        kept.pop()

    network.answer(UNFINISHED)
    network.answer(UNFINISHED)
    kept += [pool.open("GET"), pool.open("GET")]
    # The other one gets its place while the first still holds its own.
    network.play(TakeRequest(), Meanwhile(lambda: others[0].result()), Give(reply(b"either")))
    network.answer(reply(b"either"))
    network.while_waiting(meanwhile)
    assert pool.request("GET", URL_A).body == b"either"
    assert others[0].result() == b"either"


def test_abandoned_response_wakes_somebody_though_the_first_gives_up(
    driver: Driver, network: Network
) -> None:
    others: list[Background[bytes]] = []
    pool = driver.pool(max_connections=1)

    def meanwhile() -> None:
        others.append(Background(lambda: pool.request("GET", URL_A).body))
        network.until_waiting(1)
        kept.clear()
        raise KeyboardInterrupt

    network.answer(UNFINISHED)
    network.answer(reply(b"second"))
    kept = [pool.open("GET")]
    network.while_waiting(meanwhile)
    with pytest.raises(KeyboardInterrupt):
        pool.request("GET", URL_A)
    assert others[0].result() == b"second"


@pytest.mark.parametrize("ask", ["stats", "repr", "requests"])
def test_who_asks_for_numbers_keeps_nobody_asleep(
    driver: Driver, network: Network, ask: str
) -> None:
    """Settling what was abandoned is to wake those who get its places."""
    others: list[Background[bytes]] = []
    pool = driver.pool(max_connections=2)

    def meanwhile() -> None:
        others.append(Background(lambda: pool.request("GET", URL_A).body))
        network.until_waiting(1)
        kept.clear()
        if ask == "stats":
            pool.face.stats()
        elif ask == "repr":
            repr(pool.face)
        else:
            len(pool.face._requests)

    network.answer(UNFINISHED)
    network.answer(UNFINISHED)
    kept = [pool.open("GET"), pool.open("GET")]
    # The other one gets its place while the first still connects.
    network.play(
        Dial(meanwhile=lambda: others[0].result()), TakeRequest(), Give(reply(b"either"))
    )
    network.answer(reply(b"either"))
    network.while_waiting(meanwhile)
    assert pool.request("GET", URL_A).body == b"either"


def test_numbers_asked_for_by_a_timeout_keep_nobody_asleep(
    driver: Driver, network: Network
) -> None:
    others: list[Background[bytes]] = []
    pool = driver.pool(max_connections=1)

    def meanwhile() -> None:
        others.append(Background(lambda: pool.request("GET", URL_A).body))
        network.until_waiting(1)

    network.answer(UNFINISHED)
    kept = [pool.open("GET")]
    network.while_waiting(meanwhile)
    with pytest.raises(PoolTimeout):
        pool.request("GET", URL_A, extensions={"timeout": {"pool": 5.0}})
    network.answer(reply(b"second"))
    kept.clear()
    assert others[0].result() == b"second"
