"""A connection that failed is closed at once, not whenever the collector comes."""

import typing

import pytest
from colours import OpenPool, Pool
from peers.deadlines import Signal
from peers.messages import head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

LARGE = b"l" * 30_000_000


@pytest.fixture
def gone() -> Signal:
    return Signal("the client has closed the connection")


StartServer = typing.Callable[[bytes], str]


@pytest.fixture
def start_server(start_peer: StartPeer, gone: Signal) -> StartServer:
    """Starts a peer that sends some bytes and waits for the end; returns its URL."""

    def start(response: bytes) -> str:
        def script(conn: Conversation) -> None:
            conn.receive_head()
            conn.send(response)
            conn.wait_eof()
            gone.set()

        return start_peer(script).url()

    return start


@pytest.mark.parametrize(
    "response",
    [
        b"garbage\r\n\r\n",
        head(200, b"Transfer-Encoding: chunked") + b"xyz\r\n",
        head(200, b"Content-Length: x"),
    ],
)
def test_after_a_response_that_is_not_http(
    start_server: StartServer, open_pool: OpenPool, gone: Signal, response: bytes
) -> None:
    pool = open_pool()
    with pytest.raises(httpcore.RemoteProtocolError):
        pool.request("GET", start_server(response))
    gone.wait()
    assert_clean(pool)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(b"", id="before the head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: ", id="inside the head"),
        pytest.param(reply(b"abc")[:-1], id="inside the body"),
        pytest.param(head(200), id="before the end"),
    ],
)
def test_after_a_read_timeout(
    start_server: StartServer, open_pool: OpenPool, gone: Signal, response: bytes
) -> None:
    pool = open_pool()
    with pytest.raises(httpcore.ReadTimeout):
        pool.request("GET", start_server(response), extensions={"timeout": {"read": 0.05}})
    gone.wait()
    assert_clean(pool)


@pytest.mark.parametrize("in_pieces", [False, True])
def test_after_a_write_timeout(
    start_peer: StartPeer, open_pool: OpenPool, gone: Signal, in_pieces: bool
) -> None:
    timed_out = Signal("the client has given up")

    def does_not_read(conn: Conversation) -> None:
        conn.receive_head()
        timed_out.wait()
        conn.wait_eof()
        gone.set()

    peer = start_peer(does_not_read)
    pool = open_pool()
    content = iter([LARGE[:100_000]] * 300) if in_pieces else LARGE
    timeout = {"timeout": {"write": 0.1, "read": 0.1}}
    with pytest.raises(httpcore.WriteTimeout):
        pool.request("POST", peer.url(), content=content, extensions=timeout)
    timed_out.set()
    gone.wait()
    assert_clean(pool)


def test_after_a_response_that_is_left_early(
    start_server: StartServer, open_pool: OpenPool, gone: Signal
) -> None:
    pool = open_pool()
    with pool.stream("GET", start_server(head(200, b"Content-Length: 10") + b"12345")):
        assert not gone.is_set()
    gone.wait()
    assert_clean(pool)


def test_after_a_response_is_closed_by_hand(
    start_server: StartServer, open_pool: OpenPool, gone: Signal
) -> None:
    pool = open_pool()
    url = start_server(head(200, b"Content-Length: 10") + b"12345")
    response = pool.handle_request(httpcore.Request("GET", url, headers=[(b"Host", b"x")]))
    response.close()
    response.close()
    gone.wait()
    assert_clean(pool)


def test_after_the_body_of_the_request_failed(
    start_server: StartServer, open_pool: OpenPool, gone: Signal
) -> None:
    def body() -> typing.Iterator[bytes]:
        yield b"part"
        raise ZeroDivisionError

    pool = open_pool()
    with pytest.raises(ZeroDivisionError):
        pool.request("POST", start_server(b""), content=body())
    gone.wait()
    assert_clean(pool)


@pytest.mark.parametrize("content", [[b"123"], [b"1234", b"5678"], [b"12345", b"6"], []])
def test_after_a_body_of_another_length_than_announced(
    start_server: StartServer, open_pool: OpenPool, gone: Signal, content: list[bytes]
) -> None:
    pool = open_pool()
    headers = [(b"Content-Length", b"5")]
    with pytest.raises(httpcore.LocalProtocolError):
        pool.request("POST", start_server(b""), headers=headers, content=iter(content))
    gone.wait()
    assert_clean(pool)


def test_after_a_response_that_says_close(
    start_server: StartServer, open_pool: OpenPool, gone: Signal
) -> None:
    pool = open_pool()
    pool.request("GET", start_server(reply(b"", 200, b"Connection: close")))
    gone.wait()
    assert_clean(pool)


def test_after_a_request_that_says_close(
    start_server: StartServer, open_pool: OpenPool, gone: Signal
) -> None:
    pool = open_pool()
    pool.request("GET", start_server(reply()), headers=[(b"Connection", b"close")])
    gone.wait()
    assert_clean(pool)


def assert_clean(pool: Pool) -> None:
    stats = pool.stats()
    assert pool.connections == []
    assert (stats.requests_active, stats.requests_queued) == (0, 0)
    assert stats.opened == stats.closed
