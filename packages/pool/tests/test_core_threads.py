"""One pool, many threads."""

import contextlib
import functools
import gc
import itertools
import random
import sys
import threading
import time
import typing

import pytest
from driving import URL_A, URL_B, Background, Driver, PoolClient, Reply, reply
from script_steps import End, Give, Received, Serve, Step, TakeRequest
from scripted import Network

from httpcore_interface import NetworkError, PoolTimeout

THREADS = 50


def echo(request: Received) -> bytes:
    return reply(request.target)


@pytest.fixture
def hurry() -> typing.Iterator[None]:
    """Threads that take turns all the time."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


pytestmark = pytest.mark.usefixtures("hurry")


def run_all(
    count: int,
    work: typing.Callable[[int], None],
    meanwhile: typing.Callable[[], object] | None = None,
) -> None:
    """Runs something in so many threads that begin at once.

    Args:
        count: How many threads.
        work: What each does, told its number.
        meanwhile: Called here again and again, until all have come to their end.
    """
    barrier = threading.Barrier(count)

    def begin(number: int) -> None:
        barrier.wait(10)
        work(number)

    threads = [Background(functools.partial(begin, number)) for number in range(count)]
    if meanwhile is not None:
        patience = time.monotonic() + 10
        while any(not thread.is_over for thread in threads) and time.monotonic() < patience:
            meanwhile()
    for thread in threads:
        thread.result()


def assert_clean(network: Network, pool: PoolClient) -> None:
    gc.collect()
    assert pool.is_quiet, pool.counts
    stats = pool.face.stats()
    assert stats.opened - stats.closed == stats.idle == len(pool.face.connections)
    pool.request("GET", URL_A)
    pool.close()
    assert not network.open_connections
    assert not network.complaints


@pytest.mark.parametrize("max_connections", [1, 5, THREADS])
def test_threads_share_a_pool(driver: Driver, network: Network, max_connections: int) -> None:
    network.serve(echo)
    pool = driver.pool(max_connections=max_connections)

    def work(number: int) -> None:
        for turn in range(10):
            target = f"{number}-{turn}"
            url = (URL_A, URL_B)[turn % 2] + target
            assert pool.request("GET", url).body == b"/" + target.encode()

    run_all(THREADS, work)
    stats = pool.face.stats()
    # Each request was handled once: by a connection of its own, or a reused one.
    assert stats.opened + stats.reused == THREADS * 10
    assert stats.retried == 0
    assert sum(len(connection.requests) for connection in network.connections) == THREADS * 10
    assert_clean(network, pool)


def test_threads_never_see_each_others_answers(driver: Driver, network: Network) -> None:
    network.serve(echo)
    pool = driver.pool(max_connections=3)

    def work(number: int) -> None:
        for turn in range(10):
            with pool.stream("GET", f"{URL_A}{number}-{turn}") as response:
                assert response.read() == b"/%d-%d" % (number, turn)

    run_all(20, work)
    assert len(network.connections) <= 3
    assert_clean(network, pool)


def test_nobody_who_waits_is_forgotten(driver: Driver, network: Network) -> None:
    """Places are given up in every way that there is, while others wait for them."""
    numbers = itertools.count()

    def script() -> list[Step]:
        # Every third connection ends behind its first answer.
        if next(numbers) % 3:
            return [Serve(echo)]
        return [TakeRequest(), Give(reply(b"/last")), End()]

    network.otherwise = script
    pool = driver.pool(max_connections=4, max_keepalive_connections=2)

    def work(number: int) -> None:
        chance = random.Random(number)
        for _ in range(8):
            url = chance.choice([URL_A, URL_B])
            response = pool.open("GET", url)
            how = chance.randrange(4)
            if how == 0:
                response.read()
            elif how == 1:
                response.close()
            elif how == 2:
                response.next_chunk()
            # Whatever is not ended yet is abandoned here.
            del response

    run_all(24, work)
    assert_clean(network, pool)


def test_abandoned_cycles_are_settled_wherever_they_are_found(
    driver: Driver, network: Network
) -> None:
    class Cycle:
        def __init__(self, response: Reply) -> None:
            self.response = response
            self.itself = self

    network.serve(lambda request: reply(b"0123456789")[:-5])
    pool = driver.pool(max_connections=3)

    def work(number: int) -> None:
        for _ in range(5):
            Cycle(pool.open("GET"))
            # Somebody collects while others are in the middle of something.
            gc.collect(0)

    thresholds = gc.get_threshold()
    gc.set_threshold(50)
    try:
        # What has survived one collection waits for another, of the older ones. When all
        # these threads wait for what is to be found there, they ask for none.
        run_all(12, work, meanwhile=gc.collect)
    finally:
        gc.set_threshold(*thresholds)
    network.serve(echo)
    assert_clean(network, pool)


def test_pool_timeouts_among_threads_lose_no_place(driver: Driver, network: Network) -> None:
    network.serve(echo)
    pool = driver.pool(max_connections=2)

    def work(number: int) -> None:
        chance = random.Random(number)
        for _ in range(10):
            timeout = {"pool": chance.choice([0, 0.001])}
            with contextlib.suppress(PoolTimeout):
                pool.request("GET", URL_A, extensions={"timeout": timeout})

    run_all(24, work)
    assert_clean(network, pool)


class PoolClosed(Exception):  # noqa: N818 - it is no error
    """The pool was found closed."""


def refusing(pool: PoolClient) -> None:
    try:
        pool.request("GET", URL_A)
    except RuntimeError as exc:
        if str(exc) == "the connection pool is closed":
            raise PoolClosed from exc
        raise


def test_closing_among_threads_ends_everything(driver: Driver, network: Network) -> None:
    network.serve(echo)
    pool = driver.pool(max_connections=3)
    stop = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            for _ in range(20):
                pool.close()
                pool.__enter__()
            stop.set()
            return
        while not stop.is_set():
            # ConnectionNotAvailable and the like would come out.
            with contextlib.suppress(NetworkError, PoolClosed):
                refusing(pool)

    run_all(16, work)
    assert_clean(network, pool)


def test_closing_for_good_lets_every_thread_go(driver: Driver, network: Network) -> None:
    network.serve(echo)
    pool = driver.pool(max_connections=2)
    outcomes: list[str] = []

    def work(number: int) -> None:
        if number == 0:
            pool.close()
            return
        try:
            while True:
                refusing(pool)
        except PoolClosed:
            outcomes.append("closed")
        except NetworkError:
            outcomes.append("interrupted")

    run_all(16, work)
    assert len(outcomes) == 15
    assert not network.open_connections
    assert pool.is_quiet


def test_connections_closed_from_outside_are_replaced(driver: Driver, network: Network) -> None:
    network.serve(echo)
    pool = driver.pool(max_connections=4)
    stop = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            for _ in range(100):
                for connection in pool.face.connections:
                    driver.shut(connection)
            stop.set()
            return
        while not stop.is_set():
            with contextlib.suppress(NetworkError):
                assert pool.request("GET", f"{URL_A}{number}").body == b"/%d" % number

    run_all(8, work)
    assert_clean(network, pool)


def test_looking_on_disturbs_nobody(driver: Driver, network: Network) -> None:
    network.serve(echo)
    pool = driver.pool(max_connections=2)
    stop = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            while not stop.is_set():
                repr(pool.face)
                repr(pool.face.connections)
                stats = pool.face.stats()
                open_ = stats.dialling + stats.reserved + stats.active + stats.idle
                assert open_ <= 2
                assert len(pool.face._requests) <= 10
            return
        for turn in range(30):
            response = pool.open("GET")
            if turn % 2:
                response.read()
            del response
        if number == 1:
            stop.set()

    run_all(10, work)
    assert_clean(network, pool)
