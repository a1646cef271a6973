"""Every framing of a response, from the wire to the reader."""

import pytest
from driving import URL_A, Driver, head, reply
from script_steps import End, FailRead, Give, Step, TakeRequest
from scripted import Network

from httpcore_interface import ReadError, RemoteProtocolError

CHUNKED = head(b"200 OK", (b"Transfer-Encoding", b"chunked"))


@pytest.mark.parametrize(
    ("method", "answer", "body", "is_kept"),
    [
        pytest.param("GET", reply(b"plain"), b"plain", True, id="length"),
        pytest.param("GET", reply(b""), b"", True, id="length-0"),
        pytest.param("GET", CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde", True),
        pytest.param("GET", CHUNKED + b"0\r\n\r\n", b"", True, id="chunked-0"),
        pytest.param("GET", CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n", b"abc", True),
        pytest.param("GET", head(b"204 No Content"), b"", True, id="204"),
        pytest.param("GET", head(b"304 Not Modified", (b"Content-Length", b"9")), b"", True),
        pytest.param("HEAD", head(b"200 OK", (b"Content-Length", b"9")), b"", True),
        pytest.param("HEAD", CHUNKED, b"", True, id="head-chunked"),
        pytest.param("GET", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
        pytest.param("GET", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
        pytest.param("GET", reply(b"bye", (b"Connection", b"close")), b"bye", False),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_framed_response_is_read_to_its_end(
    driver: Driver,
    network: Network,
    method: str,
    answer: bytes,
    body: bytes,
    is_kept: bool,
    piece: int,
) -> None:
    pieces = [Give(answer[at : at + piece]) for at in range(0, len(answer), piece)]
    again: list[Step] = [TakeRequest(), Give(reply(b"again"))] if is_kept else []
    network.play(TakeRequest(), *pieces, *again)
    pool = driver.pool()
    assert pool.request(method, URL_A).body == body
    assert len(network.open_connections) == is_kept
    if is_kept:
        assert pool.request("GET", URL_A).body == b"again"


@pytest.mark.parametrize("answer", [head(b"200 OK"), b"HTTP/1.0 200 OK\r\n\r\n"])
def test_unframed_response_ends_with_its_connection(
    driver: Driver, network: Network, answer: bytes
) -> None:
    network.play(TakeRequest(), Give(answer), Give(b"one "), Give(b"two"), End())
    pool = driver.pool()
    assert pool.request("GET", URL_A).body == b"one two"
    assert not network.open_connections
    assert pool.is_quiet


def test_head_comes_as_it_was_sent(driver: Driver, network: Network) -> None:
    network.answer(
        b"HTTP/1.1 299 Sort of fine\r\nX-One: a\r\nx-one:  b\r\nEMPTY:\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    response = driver.pool().request("GET", URL_A)
    assert response.status == 299
    assert response.headers == [
        (b"X-One", b"a"),
        (b"x-one", b"b"),
        (b"EMPTY", b""),
        (b"Content-Length", b"0"),
    ]
    assert response.extension("http_version") == b"HTTP/1.1"
    assert response.extension("reason_phrase") == b"Sort of fine"


def test_body_is_handed_out_as_it_comes(driver: Driver, network: Network) -> None:
    network.play(
        TakeRequest(),
        Give(reply(b"0123456789")[:-10]),
        Give(b"0123"),
        Give(b"45"),
        Give(b"6789"),
    )
    response = driver.pool().open("GET")
    assert [response.next_chunk() for _ in range(4)] == [b"0123", b"45", b"6789", None]
    assert response.next_chunk() is None


def test_response_can_be_read_twice(driver: Driver, network: Network) -> None:
    network.answer(reply(b"once"))
    response = driver.pool().open("GET")
    assert response.read() == b"once"
    assert response.read() == b"once"
    assert response.body == b"once"


def test_body_that_was_closed_cannot_be_read(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"0123456789")[:-1]))
    response = driver.pool().open("GET")
    response.close()
    with pytest.raises(RuntimeError, match="closed before its body had been read"):
        response.read()


def test_content_is_there_after_reading_only(driver: Driver, network: Network) -> None:
    network.answer(reply(b"later"))
    response = driver.pool().open("GET")
    with pytest.raises(RuntimeError, match=r"after 'response\.read\(\)'"):
        assert response.body
    response.close()


def test_response_ends_with_its_block(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"0123456789")[:-1]))
    pool = driver.pool()
    with pool.stream("GET", URL_A) as response:
        assert response.next_chunk() == b"012345678"
        assert pool.counts == ("Requests: 1 active, 0 queued | Connections: 1 active, 0 idle")
    assert pool.counts == "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle"
    assert not network.open_connections


# -- trailers ------------------------------------------------------------------------


def test_trailers_stand_in_the_extensions_once_the_body_is_read(
    driver: Driver, network: Network
) -> None:
    trailers = b"Checksum: abc\r\ngrpc-status: 0\r\n\r\n"
    network.answer(CHUNKED + b"4\r\nbody\r\n0\r\n" + trailers, reply(b"again"))
    pool = driver.pool()
    response = pool.open("GET")
    assert response.extension("trailing_headers") is None
    assert response.read() == b"body"
    assert response.extension("trailing_headers") == [
        (b"Checksum", b"abc"),
        (b"grpc-status", b"0"),
    ]
    assert pool.request("GET", URL_A).body == b"again"


def test_response_without_trailers_has_no_such_extension(
    driver: Driver, network: Network
) -> None:
    network.answer(CHUNKED + b"4\r\nbody\r\n0\r\n\r\n")
    assert driver.pool().request("GET", URL_A).extension("trailing_headers") is None


# -- what servers do wrong -----------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([End()], r"^Server disconnected without sending a response\.$"),
        ([Give(b"HTTP/1.1 2"), End()], r"^Server disconnected after 10 bytes"),
        ([Give(b"SSH-2.0-OpenSSH\r\n\r\n")], r"illegal status line"),
        ([Give(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n")], r"illegal header line"),
        ([Give(reply(b"x", (b"Content-Length", b"2")))], r"(?i)content-length"),
        ([Give(head(b"200 OK", (b"Transfer-Encoding", b"gzip")))], r"(?i)transfer-encoding"),
        ([Give(head(b"200 OK", (b"X", b"a" * 110_000)))], r"longer than 102400|too big|large"),
        (
            [Give(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 110_000)],
            r"longer than 102400|too big|large",
        ),
    ],
)
def test_wrong_head_is_an_error_that_closes_the_connection(
    driver: Driver, network: Network, steps: list[Step], message: str
) -> None:
    network.play(TakeRequest(), *steps)
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    with pytest.raises(RemoteProtocolError, match=message):
        pool.request("GET", URL_A)
    assert not network.open_connections
    assert pool.face.connections == []
    assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"fresh"


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (
            [Give(reply(b"0123456789")[:-4]), End()],
            RemoteProtocolError,
            r"received 6 bytes, expected 10",
        ),
        ([Give(CHUNKED + b"3\r\nab"), End()], RemoteProtocolError, r"incomplete chunked read"),
        ([Give(CHUNKED + b"xyz\r\n")], RemoteProtocolError, r"chunk"),
        ([Give(CHUNKED + b"2\r\nabc\r\n")], RemoteProtocolError, r"."),
        ([Give(reply(b"abc")[:-1]), FailRead(ReadError("reset"))], ReadError, r"^reset$"),
        ([Give(head(b"200 OK")), FailRead(ReadError("reset"))], ReadError, r"^reset$"),
    ],
)
def test_wrong_body_is_an_error_that_closes_the_connection(
    driver: Driver,
    network: Network,
    steps: list[Step],
    error: type[Exception],
    message: str,
) -> None:
    network.play(TakeRequest(), *steps)
    network.answer(reply(b"fresh"))
    pool = driver.pool()
    response = pool.open("GET")
    with pytest.raises(error, match=message):
        response.read()
    # At once: closing the response is not waited for.
    assert not network.open_connections
    assert pool.is_quiet
    with pytest.raises(ReadError, match="could not be read to its end") as caught:
        response.read()
    assert isinstance(caught.value.__cause__, error)
    assert pool.request("GET", URL_A).body == b"fresh"


def test_head_of_90_kilobytes_is_fine(driver: Driver, network: Network) -> None:
    value = b"a" * 90_000
    network.answer(reply(b"body", (b"X", value)))
    response = driver.pool().request("GET", URL_A)
    assert (response.headers[1], response.body) == ((b"X", value), b"body")


def test_what_was_read_before_an_error_is_not_lost(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(reply(b"0123456789")[:-4]), End())
    response = driver.pool().open("GET")
    assert response.next_chunk() == b"012345"
    with pytest.raises(RemoteProtocolError):
        response.next_chunk()
