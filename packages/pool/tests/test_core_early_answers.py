"""Answers that come before the whole request was sent."""

import pytest
from driving import HOST, URL_A, URL_TLS, Driver, head, plain_context, reply
from script_steps import (
    Congested,
    End,
    FailRead,
    Give,
    Record,
    Take,
    TakeAll,
    TakeHead,
    TakeRequest,
    TakeSome,
)
from scripted import Network
from uploads import PIECE, REFUSAL, chunks
from virtual_clock import Clock

from httpcore_interface import ReadError, ReadTimeout, RemoteProtocolError


class Counted:
    """Parts of a body; knows how many were asked for."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = iter(parts)
        self.taken = 0

    def __iter__(self) -> "Counted":
        return self

    def __next__(self) -> bytes:
        part = next(self._parts)
        self.taken += 1
        return part


@pytest.mark.parametrize(
    "status", [b"413 Content Too Large", b"401 No", b"503 No", b"302 There"]
)
def test_early_error_ends_the_upload(driver: Driver, network: Network, status: bytes) -> None:
    network.play(TakeSome(3000), Give(reply(b"no", status=status)))
    network.answer(reply(b"fresh"))
    pool, body = driver.pool(), Counted(chunks(100))
    response = pool.request("POST", URL_A, content=driver.body(body))
    assert response.body == b"no"
    assert body.taken < 6
    # The rest of the body was never sent: the server waits for it still.
    assert not network.open_connections
    assert pool.request("GET", URL_A).body == b"fresh"


def test_early_error_ends_the_upload_of_one_large_body(
    driver: Driver, network: Network
) -> None:
    network.play(TakeSome(PIECE), Give(REFUSAL))
    response = driver.pool().request("POST", URL_A, content=bytes(100 * PIECE))
    assert (response.status, response.body) == (413, b"too large")
    assert len(network.connections[0].written) < 5
    assert not network.open_connections


def test_early_error_in_pieces_ends_the_upload(driver: Driver, network: Network) -> None:
    network.play(TakeSome(2000), *(Give(REFUSAL[at : at + 1]) for at in range(len(REFUSAL))))
    body = Counted(chunks(100))
    assert driver.pool().request("POST", URL_A, content=driver.body(body)).status == 413
    assert body.taken < 100


def test_early_success_lets_the_upload_go_on(driver: Driver, network: Network) -> None:
    network.play(
        TakeHead(),
        Give(head(b"200 OK", (b"Transfer-Encoding", b"chunked"))),
        Take(b"3e8\r\n" + b"\0" * 1000 + b"\r\n"),
        Give(b"2\r\nab\r\n"),
        Take(b"3e8\r\n" + b"\1" * 1000 + b"\r\n"),
        Give(b"2\r\ncd\r\n"),
        Take(b"3e8\r\n" + b"\2" * 1000 + b"\r\n0\r\n\r\n"),
        Give(b"2\r\nef\r\n0\r\n\r\n"),
        TakeRequest(),
        Give(reply(b"again")),
    )
    pool = driver.pool()
    # What came meanwhile is not lost, and both sides have said all they had to say.
    assert pool.request("POST", URL_A, content=driver.body(chunks(3))).body == b"abcdef"
    assert pool.request("GET", URL_A).body == b"again"


def test_whole_early_success_lets_the_upload_go_on(driver: Driver, network: Network) -> None:
    network.play(TakeHead(), Give(reply(b"fine")), TakeSome(3_000), TakeAll())
    pool = driver.pool()
    assert pool.request("POST", URL_A, content=driver.body(chunks(5))).body == b"fine"
    assert network.connections[0].sent.endswith(b"0\r\n\r\n")
    assert len(network.open_connections) == 1


def test_end_of_the_stream_behind_an_early_success_ends_the_upload(
    driver: Driver, network: Network
) -> None:
    network.play(TakeHead(), Give(reply(b"fine", (b"Connection", b"close"))), End())
    body = Counted(chunks(100))
    assert driver.pool().request("POST", URL_A, content=driver.body(body)).body == b"fine"
    assert body.taken < 5
    assert not network.open_connections


def test_end_of_the_stream_in_an_upload_is_an_error(driver: Driver, network: Network) -> None:
    network.play(TakeSome(3000), End())
    pool, body = driver.pool(), Counted(chunks(100))
    with pytest.raises(RemoteProtocolError, match=r"^Server disconnected without"):
        pool.request("POST", URL_A, content=driver.body(body))
    assert body.taken < 6
    assert pool.is_quiet


def test_reset_in_an_upload_is_an_error(driver: Driver, network: Network) -> None:
    network.play(TakeSome(3000), FailRead(ReadError("reset")))
    pool = driver.pool()
    with pytest.raises(ReadError, match="reset"):
        pool.request("POST", URL_A, content=driver.body(chunks(100)))
    assert pool.is_quiet


def test_tls_records_without_data_do_not_end_the_upload(
    driver: Driver, network: Network
) -> None:
    first, second = chunks(2)
    network.play(
        TakeHead(), Record(), Take(first), Record(), Take(second), Give(reply(b"fine"))
    )
    response = driver.pool(ssl_context=plain_context()).request(
        "POST",
        URL_TLS,
        headers=[(b"Content-Length", b"2000")],
        content=driver.body([first, second]),
    )
    assert response.body == b"fine"


CHUNKED = head(b"200 OK", (b"Transfer-Encoding", b"chunked"))
FIRST, SECOND = (b"3e8\r\n" + chunk + b"\r\n" for chunk in chunks(2))


def test_server_that_takes_nothing_until_it_is_heard_is_heard(
    driver: Driver, network: Network, clock: Clock
) -> None:
    """To wait for it in a write would be to wait for ever: it waits for us to read."""
    network.play(
        TakeHead(),
        Give(CHUNKED),
        Take(FIRST),
        Congested(0.5),
        Give(b"2\r\nab\r\n"),
        Congested(0.5),
        Give(b"2\r\ncd\r\n"),
        Take(SECOND + b"0\r\n\r\n"),
        Give(b"0\r\n\r\n"),
    )
    before = clock.now
    pool = driver.pool()
    response = pool.request(
        "POST",
        URL_A,
        content=driver.body(chunks(2)),
        extensions={"timeout": {"write": 5.0}},
    )
    assert response.body == b"abcd"
    assert clock.now - before == pytest.approx(1.0)
    assert len(network.open_connections) == 1


def test_server_that_takes_nothing_any_more_is_waited_for_no_longer_than_allowed(
    driver: Driver, network: Network, clock: Clock
) -> None:
    network.play(TakeHead(), Give(CHUNKED + b"2\r\nab\r\n"), Take(FIRST), Congested(100.0))
    before = clock.now
    pool = driver.pool()
    response = pool.open(
        "POST",
        headers=[(b"Host", HOST), (b"Transfer-Encoding", b"chunked")],
        content=driver.body(chunks(2)),
        extensions={"timeout": {"write": 5.0, "read": 1.0}},
    )
    assert clock.now - before == pytest.approx(5.0)
    # Its answer has begun, and is what there is to be had.
    assert response.status == 200
    assert response.next_chunk() == b"ab"
    with pytest.raises(ReadTimeout):
        response.next_chunk()
    assert pool.is_quiet
    network.connections[0].steps.clear()


@pytest.mark.parametrize("last", [b"0\r\n\r\n", b"nonsense\r\n"], ids=["end", "nonsense"])
def test_server_that_hangs_up_instead_of_taking_more_is_heard(
    driver: Driver, network: Network, last: bytes
) -> None:
    network.play(TakeHead(), Give(CHUNKED), Take(FIRST), Congested(0.5), Give(last), End())
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    if last.startswith(b"0"):
        assert pool.request("POST", URL_A, content=driver.body(chunks(2))).body == b""
    else:
        with pytest.raises(RemoteProtocolError):
            pool.request("POST", URL_A, content=driver.body(chunks(2)))
    assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"fresh"


@pytest.mark.parametrize(("millions", "is_held"), [(40, True), (70, False)])
def test_flood_of_early_bytes_is_held_up_to_a_limit(
    driver: Driver, network: Network, millions: int, is_held: bool
) -> None:
    million = b"x" * 1_000_000
    size = millions * len(million)
    network.play(
        TakeHead(),
        Give(head(b"200 OK", (b"Content-Length", b"%d" % size))),
        *[Give(million)] * millions,
        *[TakeSome(1), TakeAll()] * is_held,
    )
    pool = driver.pool()
    headers = [(b"Host", HOST), (b"Content-Length", b"3000")]
    if is_held:
        response = pool.open("POST", headers=headers, content=driver.body(chunks(3)))
        assert len(response.read()) == size
    else:
        with pytest.raises(ReadError, match="before the request had been sent"):
            pool.open("POST", headers=headers, content=driver.body(chunks(3)))
        # What was beyond the limit was left where it was.
        assert sum(map(len, _given(network))) > 0
    assert pool.is_quiet


def _given(network: Network) -> list[bytes]:
    return [segment for segment in network.connections[0].outbox if isinstance(segment, bytes)]
