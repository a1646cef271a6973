"""Bodies of responses: where they end, and what must never be taken for one."""

import gc
import ssl

import pytest
from colours import OpenPool
from peers.deadlines import Signal
from peers.messages import chunked_reply, head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

CLOSE_DELIMITED = b"HTTP/1.1 200 OK\r\n\r\nall of it"
FRAMINGS = {
    "sized": reply(b"all of it"),
    "chunked": chunked_reply(b"all", b" of", b" it"),
    "chunk extensions": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
        b"3;a=b\r\nall\r\n006;c\r\n of it\r\n0;last\r\n\r\n"
    ),
    "until the end": CLOSE_DELIMITED,
    "HTTP/1.0 until the end": CLOSE_DELIMITED.replace(b"/1.1", b"/1.0"),
    "closing anyway": reply(b"all of it", 200, b"Connection: close"),
}


@pytest.mark.parametrize("singly", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_body_ends_where_its_framing_says(
    start_peer: StartPeer, open_pool: OpenPool, framing: str, singly: bool
) -> None:
    def script(conn: Conversation) -> None:
        conn.receive_request()
        (conn.send_singly if singly else conn.send)(FRAMINGS[framing])

    peer = start_peer(script)
    pool = open_pool()
    for _ in range(2):
        assert pool.request("GET", peer.url()).content == b"all of it"


@pytest.mark.parametrize("framing", ["sized", "chunked", "chunk extensions"])
def test_connection_is_kept_after_a_body_of_known_end(
    start_peer: StartPeer, open_pool: OpenPool, framing: str
) -> None:
    def script(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.send(FRAMINGS[framing])

    peer = start_peer(script)
    pool = open_pool()
    for _ in range(3):
        assert pool.request("GET", peer.url()).content == b"all of it"
    assert peer.accepted == 1


@pytest.mark.parametrize(
    ("method", "response"),
    [
        ("HEAD", head(200, b"Content-Length: 1000")),
        ("HEAD", head(200, b"Transfer-Encoding: chunked")),
        ("GET", head(204)),
        ("GET", head(304, b"Content-Length: 1000")),
        ("GET", reply(b"")),
        ("GET", chunked_reply()),
    ],
)
def test_response_without_a_body_leaves_the_connection_usable(
    start_peer: StartPeer, open_pool: OpenPool, method: str, response: bytes
) -> None:
    def script(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.send(response)

    peer = start_peer(script)
    pool = open_pool()
    for _ in range(3):
        assert pool.request(method, peer.url()).content == b""
    assert peer.accepted == 1


def test_trailers_are_handed_out(start_peer: StartPeer, open_pool: OpenPool) -> None:
    trailers = (b"X-Checksum: abc", b"X-Signature: def")

    def script(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.send(chunked_reply(b"body", trailers=trailers))

    peer = start_peer(script)
    pool = open_pool()
    for _ in range(2):
        response = pool.request("GET", peer.url())
        assert response.content == b"body"
        expected = [(b"X-Checksum", b"abc"), (b"X-Signature", b"def")]
        found = response.extensions["trailing_headers"]
        assert [(name.lower(), value) for name, value in found] == [
            (name.lower(), value) for name, value in expected
        ]
    assert peer.accepted == 1


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(reply(b"x" * 2048)[: -2048 + 512], id="sized"),
        pytest.param(reply(b"x" * 2048)[:-2048], id="sized, nothing came"),
        pytest.param(chunked_reply(b"x" * 2048)[:-100], id="inside a chunk"),
        pytest.param(chunked_reply(b"x" * 2048)[:-5], id="before the last chunk"),
        pytest.param(chunked_reply(b"x" * 2048)[:-2], id="inside the trailers"),
    ],
)
@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
def test_body_that_breaks_off_is_an_error(
    start_peer: StartPeer, open_pool: OpenPool, response: bytes, resets: bool
) -> None:
    received = Signal("the client has the head")

    def script(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(response)
        received.wait()
        if resets:
            conn.reset()

    peer = start_peer(script)
    pool = open_pool()
    with pool.stream("GET", peer.url()) as answer:
        received.set()
        with pytest.raises(httpcore.ReadError if resets else httpcore.RemoteProtocolError):
            answer.read()
    assert pool.connections == []


NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


@pytest.mark.parametrize(
    ("method", "response"),
    [
        pytest.param("GET", reply(b"mine") + NEXT, id="sized"),
        pytest.param("GET", chunked_reply(b"mine") + NEXT, id="chunked"),
        pytest.param("GET", reply(b"mine") + b"more than was announced", id="too long"),
        pytest.param("GET", reply(b"mine") + b"\n", id="one byte"),
        pytest.param("GET", head(204) + NEXT, id="no content"),
        pytest.param("GET", head(304, b"Content-Length: 4") + b"mine", id="not modified"),
        pytest.param("HEAD", reply(b"mine"), id="head"),
    ],
)
def test_bytes_behind_a_response_are_never_the_next_response(
    start_peer: StartPeer, open_pool: OpenPool, method: str, response: bytes
) -> None:
    def sends_too_much(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(response)
        conn.wait_eof()

    def answers(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(b"mine too"))

    peer = start_peer(sends_too_much, answers)
    pool = open_pool()
    assert pool.request(method, peer.url()).content in {b"mine", b""}
    assert pool.request("GET", peer.url()).content == b"mine too"
    assert [len(conn.requests) for conn in peer.connections] == [1, 1]


@pytest.mark.parametrize("unsolicited", [NEXT, head(408, b"Connection: close"), b"?"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_bytes_that_come_to_an_idle_connection_end_it(
    start_peer: StartPeer,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
    unsolicited: bytes,
    tls: bool,
) -> None:
    asked, sent = Signal("the response was read"), Signal("the server has sent too much")

    def speaks_unasked(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(b"mine"))
        asked.wait()
        conn.send(unsolicited)
        sent.set()
        conn.wait_eof()

    def answers(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(b"mine too"))

    peer = start_peer(speaks_unasked, answers, tls=tls)
    pool = open_pool(ssl_context=ssl_context)
    assert pool.request("GET", peer.url()).content == b"mine"
    asked.set()
    sent.wait()
    assert pool.request("GET", peer.url()).content == b"mine too"


def test_body_can_be_read_again_once_it_was_read(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(lambda conn: conn.send(reply(b"whole")))
    with open_pool().stream("GET", peer.url()) as response:
        with pytest.raises(RuntimeError):
            _ = response.content
        assert response.read() == b"whole"
        assert response.read() == b"whole"
        assert response.content == b"whole"


def test_pieces_arrive_as_they_come(start_peer: StartPeer, open_pool: OpenPool) -> None:
    taken = Signal("the first piece was taken")

    def script(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(head(200, b"Content-Length: 10") + b"first")
        taken.wait()
        conn.send(b"other")

    peer = start_peer(script)
    with open_pool().stream("GET", peer.url()) as response:
        pieces = iter(response.iter_stream())
        assert next(pieces) == b"first"
        taken.set()
        assert b"".join(pieces) == b"other"


def endless(conn: Conversation) -> None:
    conn.receive_request()
    conn.send(head(200, b"Content-Length: 1000000000"))
    conn.send_until_gone(b"e" * 65_536)


def test_response_that_is_left_early_closes_its_connection(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(endless)
    pool = open_pool(max_connections=1)
    for number in range(1, 4):
        with pool.stream("GET", peer.url()) as response:
            next(iter(response.iter_stream()))
        assert pool.connections == []
        assert peer.accepted == number


def test_error_in_the_callers_code_closes_the_connection(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(endless)
    pool = open_pool(max_connections=1)
    with pytest.raises(ZeroDivisionError), pool.stream("GET", peer.url()):
        _ = 1 // 0
    assert pool.connections == []


def test_response_that_nobody_holds_any_more_gives_its_slot_back(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(endless)
    pool = open_pool(max_connections=1)
    for _ in range(3):
        response = pool.handle_request(httpcore.Request("GET", peer.url(), headers=HOST))
        pieces = iter(response.iter_stream())
        next(pieces)
        del pieces, response
        gc.collect()
    soon = {"timeout": {"pool": 5.0}}
    with pool.stream("GET", peer.url(), extensions=soon):
        assert len(pool.connections) == 1


HOST = [(b"Host", b"localhost")]
