"""How long each operation may take, and the exchange as a whole."""

import math

import pytest
from driving import URL_A, Driver, head, plain_context, reply
from script_steps import (
    Dial,
    Give,
    Pause,
    Shake,
    Stall,
    Step,
    Take,
    TakeAll,
    TakeHead,
    TakeRequest,
)
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import (
    ConnectTimeout,
    PoolTimeout,
    ReadTimeout,
    TimeoutException,
    WriteTimeout,
)

CHUNKED = head(b"200 OK", (b"Transfer-Encoding", b"chunked"))


def test_each_operation_has_its_own_timeout(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"body")[:-4]), Give(b"body"))
    timeout = {"connect": 1.0, "read": 2.0, "write": 3.0, "pool": 4.0}
    driver.pool().request("GET", URL_A, extensions={"timeout": timeout})
    assert network.attempts[0].timeout == 1.0
    assert network.connections[0].timeouts == [("write", 3.0), ("read", 2.0), ("read", 2.0)]


@pytest.mark.parametrize("timeout", [None, {}, {"read": None}], ids=repr)
def test_no_timeout_is_no_limit(
    driver: Driver, network: Network, timeout: dict[str, None] | None
) -> None:
    network.play(Dial(seconds=1e6), TakeRequest(), Pause(1e6), Give(reply(b"late")))
    extensions: dict[str, object] = {"timeout": timeout}
    assert driver.pool().request("GET", URL_A, extensions=extensions).body == b"late"
    assert {limit for _, limit in network.connections[0].timeouts} == {None}


def test_infinity_is_no_limit(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Pause(1e6), Give(reply(b"late")))
    names = ("connect", "read", "write", "pool", "total")
    timeout = dict.fromkeys(names, math.inf)
    pool = driver.pool()
    assert pool.request("GET", URL_A, extensions={"timeout": timeout}).body == b"late"


@pytest.mark.parametrize(
    ("steps", "name", "error"),
    [
        ([Dial(seconds=10.0)], "connect", ConnectTimeout),
        ([Stall()], "write", WriteTimeout),
        ([TakeRequest(), Pause(10.0)], "read", ReadTimeout),
        ([TakeRequest(), Give(b"HTTP/1.1 2"), Pause(10.0)], "read", ReadTimeout),
        ([TakeRequest(), Give(reply(b"abc")[:-1]), Pause(10.0)], "read", ReadTimeout),
    ],
)
def test_operation_that_takes_too_long_times_out(
    driver: Driver,
    network: Network,
    clock: Clock,
    steps: list[Step],
    name: str,
    error: type[Exception],
) -> None:
    network.play(*steps)
    pool = driver.pool()
    before = clock.now
    with pytest.raises(error):
        pool.request("GET", URL_A, extensions={"timeout": {name: 5.0}})
    assert clock.now - before == 5.0
    assert not network.open_connections
    assert pool.face.connections == []
    assert pool.is_quiet
    for connection in network.connections:
        connection.steps.clear()


def test_read_timeout_begins_anew_with_every_byte(
    driver: Driver, network: Network, clock: Clock
) -> None:
    drip: list[Step] = []
    for byte in reply(b"slow loris"):
        drip += [Pause(4.0), Give(bytes([byte]))]
    network.play(TakeRequest(), *drip)
    before = clock.now
    response = driver.pool().request("GET", URL_A, extensions={"timeout": {"read": 5.0}})
    assert response.body == b"slow loris"
    assert clock.now - before > 100


@pytest.mark.parametrize("name", ["connect", "read", "write"])
def test_timeout_of_zero_reaches_the_backend(
    driver: Driver, network: Network, name: str
) -> None:
    network.answer(reply(b"at once"))
    response = driver.pool().request("GET", URL_A, extensions={"timeout": {name: 0}})
    assert response.body == b"at once"


# -- the total -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([Dial(seconds=10.0)], ConnectTimeout),
        ([Dial(seconds=3.0), Shake(seconds=10.0)], ConnectTimeout),
        ([Dial(seconds=3.0), Stall()], WriteTimeout),
        ([Dial(seconds=3.0), TakeHead(), Stall()], WriteTimeout),
        ([Dial(seconds=3.0), TakeAll()], ReadTimeout),
        (
            [Dial(seconds=3.0), TakeRequest(), Pause(1.0), Give(reply(b"abc")[:-1])],
            ReadTimeout,
        ),
        (
            [Dial(seconds=1.0), TakeRequest(), Give(CHUNKED)]
            + [Pause(1.0), Give(b"1\r\na\r\n")] * 4,
            ReadTimeout,
        ),
    ],
)
def test_total_bounds_whatever_is_under_way(
    driver: Driver,
    network: Network,
    clock: Clock,
    steps: list[Step],
    error: type[Exception],
) -> None:
    network.play(*steps)
    pool = driver.pool(ssl_context=plain_context())
    url = "https://example.test/" if any(isinstance(step, Shake) for step in steps) else URL_A
    before = clock.now
    with pytest.raises(error):
        pool.request(
            "POST",
            url,
            content=driver.body([b"x" * 10] * 3),
            extensions={"timeout": {"total": 5.0}},
        )
    assert clock.now - before == pytest.approx(5.0)
    assert not network.open_connections
    assert pool.is_quiet
    for connection in network.connections:
        connection.steps.clear()


def test_total_bounds_the_wait_for_a_connection(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.answer(reply(b"first"))
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    network.while_waiting(lambda: None)
    before = clock.now
    with pytest.raises(PoolTimeout, match=r"within 5\.0 seconds"):
        pool.request("GET", URL_A, extensions={"timeout": {"total": 5.0, "pool": 9.0}})
    assert clock.now - before == 5.0
    first.close()


def test_time_spent_waiting_is_gone_from_the_total(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.answer(reply(b"first"))
    network.connections.clear()
    pool = driver.pool(max_connections=1)
    first = pool.open("GET")
    network.connections[0].steps += [TakeRequest(), Pause(100.0)]

    def release() -> None:
        clock.advance(3.0)
        first.read()

    network.while_waiting(release)
    before = clock.now
    with pytest.raises(ReadTimeout):
        pool.request("GET", URL_A, extensions={"timeout": {"total": 5.0}})
    assert clock.now - before == 5.0
    network.connections[0].steps.clear()


def test_total_runs_on_between_the_reads_of_a_body(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.play(TakeRequest(), Give(reply(b"0123456789")[:-5]), Give(b"56789"))
    pool = driver.pool()
    response = pool.open("GET", extensions={"timeout": {"total": 5.0}})
    assert response.next_chunk() == b"01234"
    clock.advance(6.0)
    with pytest.raises(ReadTimeout, match=r"total timeout of 5\.0 seconds is over"):
        response.next_chunk()
    assert pool.is_quiet
    assert not network.open_connections


def test_total_takes_nothing_away_from_what_has_come(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.answer(reply(b"0123456789"))
    response = driver.pool().open("GET", extensions={"timeout": {"total": 5.0}})
    clock.advance(6.0)
    assert response.read() == b"0123456789"


def test_smaller_of_total_and_own_timeout_counts(driver: Driver, network: Network) -> None:
    network.answer(reply())
    timeout = {"connect": 1.0, "read": 9.0, "write": None, "total": 5.0}
    driver.pool().request("GET", URL_A, extensions={"timeout": timeout})
    assert network.attempts[0].timeout == 1.0
    assert network.connections[0].timeouts == [("write", 5.0), ("read", 5.0)]


def test_total_of_zero_begins_nothing(driver: Driver, network: Network) -> None:
    pool = driver.pool()
    with pytest.raises(TimeoutException, match="total timeout of 0 seconds"):
        pool.request("GET", URL_A, extensions={"timeout": {"total": 0}})
    assert network.operations == []
    assert pool.is_quiet


def test_total_bounds_the_wait_for_the_word_to_go_on(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.play(TakeHead())
    before = clock.now
    with pytest.raises(TimeoutException, match=r"total timeout of 0\.5"):
        driver.pool().request(
            "PUT",
            URL_A,
            headers=[(b"Expect", b"100-continue")],
            content=b"body",
            extensions={"timeout": {"total": 0.5}},
        )
    assert clock.now - before == 0.5


def test_total_does_not_outlive_its_request(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.play(
        TakeRequest(), Give(reply()), Take(b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n")
    )
    network.connections.clear()
    pool = driver.pool()
    pool.request("GET", URL_A, extensions={"timeout": {"total": 5.0}})
    network.connections[0].steps += [Give(reply(b"fine"))]
    clock.advance(100.0)
    assert pool.request("GET", URL_A).body == b"fine"


# -- what is no timeout ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["connect", "read", "write", "pool", "total"])
@pytest.mark.parametrize("seconds", [-1, -0.001, -math.inf, math.nan])
def test_impossible_timeout_is_refused_before_anything(
    driver: Driver, network: Network, name: str, seconds: float
) -> None:
    pool = driver.pool()
    with pytest.raises(ValueError, match=r"timeout must be None or at least 0 seconds, but is"):
        pool.request("GET", URL_A, extensions={"timeout": {name: seconds}})
    assert network.operations == []
    assert pool.is_quiet


def test_timeout_that_is_no_number_is_refused(driver: Driver, network: Network) -> None:
    with pytest.raises(TypeError):
        driver.pool().request("GET", URL_A, extensions={"timeout": {"read": "5"}})
    assert network.operations == []
