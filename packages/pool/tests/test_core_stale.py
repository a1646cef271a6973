"""A request that meets a connection that the server has just given up.

It goes out once more if nobody can tell: no byte of a response came, it is
idempotent, its body can be sent again. Never otherwise, and never twice.
"""

import collections.abc

import pytest
from driving import URL_A, URL_TLS, Driver, PoolClient, head, plain_context, reply
from script_steps import (
    Dial,
    End,
    FailRead,
    FailWrite,
    Give,
    Meanwhile,
    MeanwhileWriting,
    Pause,
    Stall,
    Step,
    TakeHead,
    TakeRequest,
    TakeSome,
)
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import (
    ConnectError,
    ConnectionNotAvailable,
    PoolTimeout,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    WriteError,
    WriteTimeout,
)

ENDINGS: list[list[Step]] = [
    [TakeRequest(), End()],
    [TakeRequest(), FailRead(ReadError("connection reset"))],
    [FailWrite(WriteError("broken pipe")), End()],
    [FailWrite(WriteError("broken pipe")), FailRead(ReadError("connection reset"))],
]
NAMES = ["end", "reset", "broken-pipe", "broken-pipe-reset"]


def used_pool(driver: Driver, *steps: Step) -> PoolClient:
    """A pool with an idle connection, which plays the steps after its first request."""
    driver.network.play(TakeRequest(), Give(reply(b"first")), *steps)
    pool = driver.pool(ssl_context=plain_context())
    assert pool.request("GET", URL_A).body == b"first"
    return pool


@pytest.mark.parametrize("ending", ENDINGS, ids=NAMES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
def test_idempotent_request_goes_out_once_more(
    driver: Driver, network: Network, method: str, ending: list[Step]
) -> None:
    pool = used_pool(driver, *ending)
    network.answer(head(b"200 OK", (b"Content-Length", b"0")))
    body = b"all of it" if method == "PUT" else None
    assert pool.request(method, URL_A + "second", content=body).status == 200
    stale, fresh = network.connections
    assert not stale.is_open
    assert fresh.requests[0].body == (body or b"")
    assert fresh.requests[0].target == b"/second"
    stats = pool.face.stats()
    assert (stats.retried, stats.opened, stats.closed, stats.idle) == (1, 2, 1, 1)
    assert pool.is_quiet


@pytest.mark.parametrize("ending", ENDINGS, ids=NAMES)
@pytest.mark.parametrize("method", ["POST", "PATCH", "CONNECT", "BREW"])
def test_other_request_does_not(
    driver: Driver, network: Network, method: str, ending: list[Step]
) -> None:
    pool = used_pool(driver, *ending)
    with pytest.raises((ReadError, WriteError, RemoteProtocolError)):
        pool.open(method, URL_A)
    assert len(network.connections) == 1
    assert not network.open_connections
    assert pool.face.stats().retried == 0
    assert pool.is_quiet


@pytest.mark.parametrize("ending", ENDINGS[:2], ids=NAMES[:2])
def test_body_that_cannot_be_had_again_is_not_sent_again(
    driver: Driver, network: Network, ending: list[Step]
) -> None:
    pool = used_pool(driver, *ending)
    with pytest.raises((ReadError, WriteError, RemoteProtocolError)):
        pool.request("PUT", URL_A, content=driver.body([b"once"]))
    assert len(network.connections) == 1
    assert pool.is_quiet


@pytest.mark.parametrize("ending", ENDINGS[2:], ids=NAMES[2:])
def test_body_of_which_no_part_was_asked_for_is_sent_again(
    driver: Driver, network: Network, ending: list[Step]
) -> None:
    # The write of the head failed.
    pool = used_pool(driver, *ending)
    network.answer(reply(b"stored"))
    assert pool.request("PUT", URL_A, content=driver.body([b"once"])).body == b"stored"
    assert network.connections[1].requests[0].body == b"once"
    assert pool.face.stats().retried == 1


@pytest.mark.parametrize("ending", ENDINGS, ids=NAMES)
def test_large_body_of_bytes_is_sent_again(
    driver: Driver, network: Network, ending: list[Step]
) -> None:
    pool = used_pool(driver, *ending)
    network.answer(reply(b"stored"))
    body = bytes(300_000)
    assert pool.request("PUT", URL_A, content=body).body == b"stored"
    assert network.connections[1].requests[0].body == body


@pytest.mark.parametrize("ending", ENDINGS, ids=NAMES)
def test_request_without_a_body_goes_out_again_whatever_its_stream(
    driver: Driver, network: Network, ending: list[Step]
) -> None:
    # Programs pass streams of their own, even where there is nothing in them.
    pool = used_pool(driver, *ending)
    network.answer(reply(b"second"))
    response = pool.open("GET", URL_A, headers=[(b"Host", b"a.test")], content=driver.body([]))
    assert response.read() == b"second"
    assert pool.face.stats().retried == 1


@pytest.mark.parametrize("ending", ENDINGS, ids=NAMES)
def test_request_on_a_new_connection_does_not_go_out_again(
    driver: Driver, network: Network, ending: list[Step]
) -> None:
    network.play(*ending)
    pool = driver.pool()
    with pytest.raises((ReadError, WriteError, RemoteProtocolError)):
        pool.request("GET", URL_A)
    assert len(network.connections) == 1
    assert pool.face.stats().retried == 0


@pytest.mark.parametrize("ending", ENDINGS, ids=NAMES)
def test_request_goes_out_again_only_once(
    driver: Driver, network: Network, ending: list[Step]
) -> None:
    pool = used_pool(driver, *ending)
    network.play(*ending)
    with pytest.raises((ReadError, WriteError, RemoteProtocolError)):
        pool.request("GET", URL_A)
    assert len(network.connections) == 2
    assert not network.open_connections
    assert pool.face.stats().retried == 1
    assert pool.is_quiet


@pytest.mark.parametrize("came", [b"H", b"HTTP/1.1 200 OK\r\n", head(b"103 Early Hints")])
def test_request_that_was_answered_at_all_does_not_go_out_again(
    driver: Driver, network: Network, came: bytes
) -> None:
    pool = used_pool(driver, TakeRequest(), Give(came), End())
    with pytest.raises(RemoteProtocolError):
        pool.request("GET", URL_A)
    assert len(network.connections) == 1
    assert pool.is_quiet


def test_broken_answer_is_not_asked_for_again(driver: Driver, network: Network) -> None:
    pool = used_pool(driver, TakeRequest(), Give(b"nonsense\r\n\r\n"))
    with pytest.raises(RemoteProtocolError):
        pool.request("GET", URL_A)
    assert len(network.connections) == 1


def test_broken_body_is_not_asked_for_again(driver: Driver, network: Network) -> None:
    pool = used_pool(driver, TakeRequest(), Give(reply(b"0123456789")[:-4]), End())
    with pytest.raises(RemoteProtocolError, match="received 6 bytes"):
        pool.request("GET", URL_A)
    assert len(network.connections) == 1


@pytest.mark.parametrize(
    ("step", "timeout", "error"),
    [
        (Pause(100.0), {"read": 1.0}, ReadTimeout),
        (Stall(), {"write": 1.0}, WriteTimeout),
    ],
)
def test_request_that_timed_out_does_not_go_out_again(
    driver: Driver,
    network: Network,
    step: Step,
    timeout: dict[str, float],
    error: type[Exception],
) -> None:
    steps = [TakeRequest(), step] if isinstance(step, Pause) else [step]
    pool = used_pool(driver, *steps)
    with pytest.raises(error):
        pool.request("GET", URL_A, extensions={"timeout": timeout})
    assert len(network.connections) == 1
    network.connections[0].steps.clear()


def test_failure_to_connect_anew_is_the_error(driver: Driver, network: Network) -> None:
    pool = used_pool(driver, TakeRequest(), End())
    network.play(Dial(error=ConnectError("refused")))
    with pytest.raises(ConnectError, match="refused"):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert pool.face.connections == []


def test_total_timeout_covers_both_attempts(
    driver: Driver, network: Network, clock: Clock
) -> None:
    pool = used_pool(driver, TakeRequest(), Pause(3.0), End())
    network.play(Dial(seconds=1.0), TakeRequest())
    before = clock.now
    with pytest.raises(ReadTimeout):
        pool.request("GET", URL_A, extensions={"timeout": {"total": 5.0, "read": 4.0}})
    assert clock.now - before == 5.0


@pytest.mark.parametrize("url", [URL_A, URL_TLS])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_connection_that_is_seen_to_have_ended_is_not_used_at_all(
    driver: Driver, network: Network, method: str, url: str
) -> None:
    network.play(TakeRequest(), Give(reply(b"first")), End())
    network.answer(reply(b"second"))
    pool = driver.pool(ssl_context=plain_context())
    pool.request("GET", url)
    assert pool.request(method, url).body == b"second"
    assert len(network.connections[0].written) == 1
    # Nothing was sent twice.
    assert pool.face.stats().retried == 0


def test_request_keeps_its_place_while_it_connects_anew(
    driver: Driver, network: Network
) -> None:
    """Nobody who queued later overtakes it, though there is one place only."""
    network.play(TakeRequest(), Give(reply(b"first")), TakeRequest(), End())
    pool = driver.pool(max_connections=1)
    pool.request("GET", URL_A)
    overtakers: list[str] = []

    def overtake() -> None:
        with pytest.raises(PoolTimeout):
            pool.request("GET", URL_A, extensions={"timeout": {"pool": 0}})
        overtakers.append(pool.counts)

    network.play(Dial(meanwhile=overtake), TakeRequest(), Give(reply(b"second")))
    assert pool.request("GET", URL_A).body == b"second"
    assert overtakers == ["Requests: 1 active, 0 queued | Connections: 1 active, 0 idle"]


@pytest.mark.parametrize("of", [Meanwhile, MeanwhileWriting])
def test_connection_that_this_side_closed_is_not_stale(
    driver: Driver, network: Network, of: type[Meanwhile | MeanwhileWriting]
) -> None:
    pools: list[PoolClient] = []
    closing = of(lambda: driver.shut(pools[0].face.connections[0]))
    steps: list[Step] = [closing] if of is MeanwhileWriting else [TakeRequest(), closing]
    pool = used_pool(driver, *steps)
    pools.append(pool)
    with pytest.raises(ReadError, match="closed while a request used it"):
        pool.request("GET", URL_A)
    assert len(network.connections) == 1
    assert pool.is_quiet


def test_error_of_the_body_is_not_taken_for_the_connections(
    driver: Driver, network: Network
) -> None:
    # Such as that of a connection of its own, which the body is read from.
    def body() -> collections.abc.Iterator[bytes]:
        yield b"first"
        raise ConnectionNotAvailable("of another connection")

    pool = used_pool(driver, TakeHead(), TakeSome(1))
    with pytest.raises(ConnectionNotAvailable, match="of another connection"):
        pool.request("POST", URL_A, content=driver.body(body()))
    assert len(network.connections) == 1
    assert pool.is_quiet


def test_write_error_of_the_body_looks_for_no_answer(
    driver: Driver, network: Network, clock: Clock
) -> None:
    def body() -> collections.abc.Iterator[bytes]:
        yield b"first"
        raise WriteError("of another connection")

    before = clock.now
    pool = used_pool(driver, TakeHead(), TakeSome(1))
    with pytest.raises(WriteError, match="of another connection"):
        pool.request(
            "POST",
            URL_A,
            content=driver.body(body()),
            extensions={"timeout": {"read": 3.0}},
        )
    assert clock.now == before
    assert pool.is_quiet
