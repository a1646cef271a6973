"""Connections that are kept, shared, and given up in time."""

import pytest
from driving import URL_A, URL_B, URL_TLS, Driver, head, plain_context, reply
from script_steps import End, Give, Record, TakeRequest
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import PoolTimeout


def test_idle_connection_is_used_again(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool()
    assert pool.request("GET", URL_A).body == b"first"
    assert pool.request("GET", URL_A + "second").body == b"second"
    [connection] = network.connections
    assert [request.target for request in connection.requests] == [b"/", b"/second"]
    stats = pool.face.stats()
    assert (stats.opened, stats.reused, stats.idle, stats.closed) == (1, 1, 1, 0)


def test_connections_are_shared_within_one_origin_only(
    driver: Driver, network: Network
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(ssl_context=plain_context())
    for url in (URL_A, URL_B, URL_TLS, "http://example.test:8080/", URL_A):
        assert pool.request("GET", url).status == 200
    addresses = [(attempt.host, attempt.port) for attempt in network.attempts]
    assert addresses == [
        ("example.test", 80),
        ("other.test", 80),
        ("example.test", 443),
        ("example.test", 8080),
    ]


def test_last_used_connection_is_used_first(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool()
    first, second = pool.open("GET"), pool.open("GET")
    first.read()
    second.read()
    assert pool.request("GET", URL_A + "third").status == 200
    assert [len(connection.requests) for connection in network.connections] == [1, 2]


@pytest.mark.parametrize("option", [(b"Connection", b"close"), (b"connection", b"Close")])
def test_connection_is_closed_when_the_server_says_so(
    driver: Driver, network: Network, option: tuple[bytes, bytes]
) -> None:
    network.answer(reply(b"last", option))
    pool = driver.pool()
    assert pool.request("GET", URL_A).body == b"last"
    assert not network.open_connections
    assert pool.face.connections == []


def test_connection_is_closed_when_the_request_says_so(
    driver: Driver, network: Network
) -> None:
    network.answer(reply(b"last"))
    pool = driver.pool()
    pool.request("GET", URL_A, headers=[(b"Connection", b"close")])
    assert not network.open_connections


def test_connection_of_http_1_0_is_closed(driver: Driver, network: Network) -> None:
    network.answer(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold")
    pool = driver.pool()
    response = pool.request("GET", URL_A)
    assert (response.body, response.extension("http_version")) == (b"old", b"HTTP/1.0")
    assert not network.open_connections


def test_bytes_behind_a_response_end_its_connection(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"mine") + reply(b"whose?")))
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    assert pool.request("GET", URL_A).body == b"mine"
    assert not network.open_connections
    assert pool.request("GET", URL_A).body == b"fresh"
    assert pool.face.stats().retried == 0


def test_bytes_on_an_idle_connection_are_nobodys_answer(
    driver: Driver, network: Network
) -> None:
    network.play(TakeRequest(), Give(reply(b"mine")), Give(reply(b"whose?")))
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    assert pool.request("GET", URL_A).body == b"mine"
    assert pool.request("GET", URL_A).body == b"fresh"
    assert len(network.connections[0].written) == 1
    assert network.open_connections == [network.connections[1]]


def test_request_timeout_on_an_idle_connection_is_nobodys_answer(
    driver: Driver, network: Network
) -> None:
    # Servers send a 408 before they close a connection that was idle too long.
    network.play(TakeRequest(), Give(reply(b"mine")), Give(head(b"408 Timeout")), End())
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    pool.request("GET", URL_A)
    assert pool.request("POST", URL_A, content=b"body").body == b"fresh"


def test_session_ticket_on_an_idle_tls_connection_does_no_harm(
    driver: Driver, network: Network
) -> None:
    network.play(
        TakeRequest(), Give(reply(b"first")), Record(), TakeRequest(), Give(reply(b"second"))
    )
    pool = driver.pool(ssl_context=plain_context())
    assert pool.request("GET", URL_TLS).body == b"first"
    assert pool.request("GET", URL_TLS).body == b"second"
    assert len(network.connections) == 1


@pytest.mark.parametrize("step", [End(), Give(b"unasked")])
def test_ended_tls_connection_is_replaced_before_it_is_used(
    driver: Driver, network: Network, step: End | Give
) -> None:
    network.play(TakeRequest(), Give(reply(b"first")), Record(), step)
    network.answer(reply(b"second"))
    pool = driver.pool(ssl_context=plain_context())
    pool.request("GET", URL_TLS)
    assert pool.request("POST", URL_TLS, content=b"once").body == b"second"
    assert network.open_connections == [network.connections[1]]


# -- limits ------------------------------------------------------------------------


def test_only_so_many_connections_are_open_at_once(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=2)
    first, second = pool.open("GET"), pool.open("GET", URL_B)
    with pytest.raises(PoolTimeout, match="within 0 seconds: Requests: 2 active, 1 queued"):
        pool.open("GET", extensions={"timeout": {"pool": 0}})
    first.close()
    second.close()
    assert len(network.connections) == 2
    assert pool.is_quiet


def test_idle_connection_makes_place_for_another_origin(
    driver: Driver, network: Network
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections=1)
    pool.request("GET", URL_A)
    pool.request("GET", URL_B)
    assert [connection.is_open for connection in network.connections] == [False, True]


def test_connection_that_has_been_assigned_is_taken_from_nobody(
    driver: Driver, network: Network
) -> None:
    """Not even before its request has begun to be sent."""
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool(max_connections=1, max_keepalive_connections=0)
    first = pool.open("GET")

    def intrude() -> None:
        first.read()
        # The connection is the waiting request's now, though that sleeps still.
        for url in (URL_A, URL_B):
            with pytest.raises(PoolTimeout):
                pool.request("GET", url, extensions={"timeout": {"pool": 0}})

    network.while_waiting(intrude)
    assert pool.request("GET", URL_A).body == b"second"
    assert len(network.connections) == 1


def test_only_so_many_connections_are_open_to_one_origin(
    driver: Driver, network: Network
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connections_per_origin=1)
    first = pool.open("GET", URL_A)
    pool.request("GET", URL_B)
    with pytest.raises(PoolTimeout):
        pool.request("GET", URL_A, extensions={"timeout": {"pool": 0}})
    first.read()
    pool.request("GET", URL_A)
    assert len(network.connections) == 2


def test_only_idle_connections_count_against_the_idle_limit(
    driver: Driver, network: Network
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_keepalive_connections=2)
    busy = [pool.open("GET"), pool.open("GET")]
    pool.request("GET", URL_A)
    assert len(network.open_connections) == 3
    for response in busy:
        response.read()
    assert len(network.open_connections) == 2
    # The one that had been idle longest went.
    assert not network.connections[2].is_open


def test_no_connection_is_kept_when_none_may_be_idle(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_keepalive_connections=0)
    pool.request("GET", URL_A)
    assert not network.open_connections
    assert pool.face.connections == []


def test_idle_connection_is_kept_for_its_time_only(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(keepalive_expiry=5.0)
    pool.request("GET", URL_A)
    clock.advance(4.9)
    pool.request("GET", URL_A)
    assert len(network.connections) == 1
    clock.advance(5.0)
    pool.request("GET", URL_B)
    # Any request of the pool clears them away, not only one to the same origin.
    assert not network.connections[0].is_open
    pool.request("GET", URL_A)
    assert len(network.connections) == 3


def test_expiry_of_zero_keeps_nothing(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(keepalive_expiry=0)
    pool.request("GET", URL_A)
    assert not network.open_connections


def test_connection_takes_no_request_beyond_its_age(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.serve(lambda request: reply(request.target))
    pool = driver.pool(max_connection_age=10.0)
    pool.request("GET", URL_A)
    clock.advance(9.0)
    response = pool.open("GET")
    clock.advance(5.0)
    # What is under way is not interrupted.
    assert response.read() == b"/"
    assert not network.open_connections
    pool.request("GET", URL_A)
    assert len(network.connections) == 2


@pytest.mark.parametrize(
    "option",
    [
        {"max_connections": 0},
        {"max_connections_per_origin": 0},
        {"max_keepalive_connections": -1},
        {"keepalive_expiry": -1.0},
        {"keepalive_expiry": float("nan")},
        {"max_connection_age": -0.5},
    ],
    ids=str,
)
def test_limit_out_of_range_is_refused(driver: Driver, option: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(option))} must be None or at least"):
        driver.pool(**option)  # type: ignore[arg-type]  # which option it is, is not known


# -- responses that are closed early -------------------------------------------------


def test_closing_a_response_that_has_come_whole_keeps_its_connection(
    driver: Driver, network: Network
) -> None:
    network.answer(reply(b"not wanted"), reply(b"second"))
    pool = driver.pool()
    pool.open("GET").close()
    assert pool.request("GET", URL_A).body == b"second"
    assert len(network.connections) == 1


def test_closing_a_chunked_response_that_has_come_whole_keeps_its_connection(
    driver: Driver, network: Network
) -> None:
    chunked = head(b"200 OK", (b"Transfer-Encoding", b"chunked"))
    network.answer(chunked + b"3\r\nabc\r\n0\r\n\r\n", reply(b"second"))
    pool = driver.pool()
    pool.open("GET").close()
    assert pool.request("GET", URL_A).body == b"second"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(b"0123456789")[:-1], id="length"),
        pytest.param(
            head(b"200 OK", (b"Transfer-Encoding", b"chunked")) + b"3\r\nabc\r\n", id="chunked"
        ),
        pytest.param(head(b"200 OK") + b"so far", id="until-close"),
        pytest.param(
            head(b"200 OK", (b"Transfer-Encoding", b"chunked")) + b"nonsense", id="nonsense"
        ),
    ],
)
def test_closing_a_response_that_has_not_come_whole_closes_its_connection(
    driver: Driver, network: Network, answer: bytes
) -> None:
    network.answer(answer)
    network.answer(reply(b"second"))
    pool = driver.pool()
    pool.open("GET").close()
    # Nothing is waited for.
    assert not network.open_connections
    assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"second"


def test_closing_a_response_again_does_nothing(driver: Driver, network: Network) -> None:
    network.answer(reply(b"first"), reply(b"second"))
    pool = driver.pool()
    response = pool.open("GET")
    response.read()
    response.close()
    second = pool.open("GET")
    response.close()
    assert second.read() == b"second"
