"""A server may answer before it has read the request's body.

It may then read on, stop reading, end its direction, or be gone; in each case the
client gets the answer, and the upload ends.
"""

import collections.abc
import contextlib
import pathlib
import ssl
import threading
import typing

import pytest
from colours import OpenPool
from peers.deadlines import Signal, Stopwatch
from peers.messages import chunk, head, reply
from peers.scripted import ClientGoneError, Conversation
from peers.starting import StartPeer
from peers.workers import Worker

import httpcore

CHUNK = b"u" * 65_536
# More than the buffers of two sockets hold.
CHUNKS = 500
# Never set: waiting for it lets time pass.
PAUSE = threading.Event()

AfterAnswer = typing.Callable[[Conversation], object]
AFTER_ANSWER = pytest.mark.parametrize(
    "after_answer",
    [
        pytest.param(Conversation.wait_eof, id="reads on"),
        pytest.param(Conversation.close, id="closes"),
        pytest.param(Conversation.reset, id="resets"),
        pytest.param(Conversation.half_close, id="half-closes"),
    ],
)


class Upload:
    """A body in many chunks, of which it counts the ones that were asked for.

    Args:
        answered: Waited for before the second chunk, if given.
    """

    def __init__(self, answered: Signal | None = None) -> None:
        self.produced = 0
        self._answered = answered

    def __iter__(self) -> collections.abc.Iterator[bytes]:
        for number in range(CHUNKS):
            if number == 1 and self._answered:
                self._answered.wait()
            self.produced += 1
            yield CHUNK


HEADERS = pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(b"Content-Length", b"%d" % (CHUNKS * len(CHUNK)))], id="sized"),
        pytest.param([(b"Transfer-Encoding", b"chunked")], id="chunked"),
    ],
)


@HEADERS
@AFTER_ANSWER
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_refusal_during_an_upload_ends_it(
    start_peer: StartPeer,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
    headers: list[tuple[bytes, bytes]],
    after_answer: AfterAnswer,
    tls: bool,
) -> None:
    answered = Signal("the server has answered")

    def refuses(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(reply(b"too large", 413))
        answered.set()
        after_answer(conn)

    peer = start_peer(refuses, tls=tls)
    pool = open_pool(ssl_context=ssl_context)
    upload = Upload(answered)
    response = pool.request("POST", peer.url(), headers=headers, content=upload)
    assert (response.status, response.content) == (413, b"too large")
    assert upload.produced < CHUNKS
    assert pool.connections == []


@HEADERS
def test_connection_with_half_a_request_on_it_is_not_used_again(
    start_peer: StartPeer, open_pool: OpenPool, headers: list[tuple[bytes, bytes]]
) -> None:
    answered = Signal("the server has answered")
    gone = Signal("the client has closed the connection")

    def refuses(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(reply(b"too large", 413))
        answered.set()
        conn.wait_eof()
        gone.set()

    def accepts(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply())

    peer = start_peer(refuses, accepts)
    pool = open_pool()
    pool.request("POST", peer.url(), headers=headers, content=Upload(answered))
    gone.wait()
    assert pool.request("GET", peer.url()).status == 200


@pytest.mark.parametrize("after_answer", [Conversation.close, Conversation.reset])
def test_refusal_is_seen_although_the_body_is_one_large_piece(
    start_peer: StartPeer, open_pool: OpenPool, after_answer: AfterAnswer
) -> None:
    def refuses(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(reply(b"too large", 413, b"Connection: close"))
        after_answer(conn)

    peer = start_peer(refuses)
    response = open_pool().request("POST", peer.url(), content=CHUNK * CHUNKS)
    assert response.status == 413


def test_refusal_is_seen_although_the_server_stops_reading(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    answered = Signal("the test has its answer")

    def refuses(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(reply(b"too large", 413))
        answered.wait()
        conn.wait_eof()

    peer = start_peer(refuses)
    timeout = {"timeout": {"write": 0.3, "read": 5.0}}
    response = open_pool().request(
        "POST", peer.url(), content=CHUNK * CHUNKS, extensions=timeout
    )
    assert response.status == 413
    answered.set()


@pytest.mark.parametrize("in_pieces", [True, False])
def test_refusal_is_seen_although_the_client_is_stuck_in_a_write(
    start_peer: StartPeer, open_pool: OpenPool, tmp_path: pathlib.Path, in_pieces: bool
) -> None:
    upload = Upload()
    answered = Signal("the test has its answer")

    def refuses_late(conn: Conversation) -> None:
        conn.receive_head()
        produced = -1
        while produced != upload.produced:
            produced = upload.produced
            PAUSE.wait(0.2)
        # Every buffer is full, and nothing of it is ever read.
        conn.send(reply(b"too large", 413))
        answered.wait()
        conn.wait_eof()

    # Over TCP the answer's packet may make room for one more piece, by chance.
    path = tmp_path / "peer.sock"
    peer = start_peer(refuses_late, path=path)
    pool = open_pool(uds=str(path))
    content = upload if in_pieces else CHUNK * CHUNKS
    sender = Worker(lambda: pool.request("POST", peer.url(), content=content).status)
    assert sender.result() == 413
    answered.set()


def test_write_that_fails_without_an_answer_is_an_error(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def drops(conn: Conversation) -> None:
        conn.receive_head()
        conn.reset()

    peer = start_peer(drops)
    pool = open_pool()
    with pytest.raises((httpcore.NetworkError, httpcore.RemoteProtocolError)):
        pool.request("POST", peer.url(), content=Upload())
    assert pool.connections == []


def test_answer_that_comes_before_the_body_was_read_leaves_a_usable_pool(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def answers_first(conn: Conversation) -> None:
        while conn.has_more():
            request = conn.receive_head()
            conn.send(reply(b"denied", 401))
            # It reads the body all the same, as polite servers do; the client
            # may have stopped sending it.
            with contextlib.suppress(ClientGoneError):
                conn.receive_body(request)

    peer = start_peer(answers_first)
    pool = open_pool()
    for _ in range(3):
        assert pool.request("POST", peer.url(), content=iter([CHUNK] * 3)).status == 401
        assert pool.request("POST", peer.url(), content=b"small").status == 401
    assert pool.request("GET", peer.url()).status == 401


def test_server_that_echoes_while_it_reads_blocks_nobody(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def echoes(conn: Conversation) -> None:
        request = conn.receive_head()
        assert request.is_chunked
        conn.send(head(200, b"Transfer-Encoding: chunked"))
        size = 1
        while size and conn.has_more():
            size = int(conn.receive_line(), 16)
            # Blocks once the client's buffers are full, and then reads no more.
            conn.send(chunk(conn.receive(size)))
            conn.receive_line()

    peer = start_peer(echoes, lambda conn: conn.send(reply()))
    pool = open_pool()
    watch = Stopwatch()
    upload = Worker(lambda: pool.request("POST", peer.url(), content=Upload()).content)
    outcome = upload.outcome()
    # Either all of it or an error, at once; never a part that passes for the whole.
    if isinstance(outcome, bytes):
        assert len(outcome) == CHUNKS * len(CHUNK)
    else:
        assert isinstance(outcome, httpcore.NetworkError | httpcore.RemoteProtocolError)
    assert watch.seconds < 8
