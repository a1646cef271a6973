"""Timeouts: which one ends what, at nothing, at infinity, and over the whole exchange."""

import collections.abc
import contextlib
import socket
import ssl
import threading

import pytest
from colours import OpenPool, without
from peers.blackhole import Blackhole
from peers.deadlines import Signal, Stopwatch
from peers.messages import chunk, head, reply
from peers.scripted import ClientGoneError, Conversation
from peers.starting import StartPeer

import httpcore

REPLACES_RESOLVER = pytest.mark.colours(
    *without("uvloop"), reason="uvloop resolves names without the socket module"
)

FOREVER = float("inf")
# Never set: waiting for it lets time pass.
PAUSE = threading.Event()
OPERATIONS = ["connect", "read", "write", "pool", "total"]


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


def keeps_silent(conn: Conversation) -> None:
    conn.wait_eof()


def drips_head(conn: Conversation) -> None:
    drip(conn, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 100)


def drips_sized_body(conn: Conversation) -> None:
    drip(conn, b"x" * 1000, head(200, b"Content-Length: 1000"))


def drips_chunks(conn: Conversation) -> None:
    drip(conn, chunk(b"x") * 100, head(200, b"Transfer-Encoding: chunked"))


def drips_to_the_end(conn: Conversation) -> None:
    drip(conn, b"x" * 1000, head(200))


def drip(conn: Conversation, drops: bytes, start: bytes = b"") -> None:
    """Sends a byte every 20 ms, which no read timeout ever notices."""
    conn.receive_request()
    conn.send(start)
    # The client leaves at any moment.
    with contextlib.suppress(ConnectionError):
        for number in range(len(drops)):
            conn.send(drops[number : number + 1])
            if not conn.is_silent(0.02):
                return


def test_connect_timeout(open_pool: OpenPool, blackhole: Blackhole) -> None:
    pool = open_pool()
    watch = Stopwatch()
    with pytest.raises(httpcore.ConnectTimeout):
        pool.request(
            "GET",
            f"http://127.0.0.1:{blackhole.port}/",
            extensions={"timeout": {"connect": 0.1}},
        )
    assert 0.05 < watch.seconds < 1
    assert pool.connections == []


def test_read_timeout_before_the_head(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(keeps_silent)
    watch = Stopwatch()
    with pytest.raises(httpcore.ReadTimeout):
        open_pool().request("GET", peer.url(), extensions={"timeout": {"read": 0.1}})
    assert 0.05 < watch.seconds < 1


def test_read_timeout_begins_anew_with_every_read(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def sends_slowly(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(head(200, b"Content-Length: 6"))
        for _ in range(6):
            assert conn.is_silent(0.25)
            conn.send(b"x")

    peer = start_peer(sends_slowly)
    response = open_pool().request("GET", peer.url(), extensions={"timeout": {"read": 1.0}})
    assert response.content == b"xxxxxx"


@pytest.mark.parametrize("seconds", [None, FOREVER, 1e12, 30])
def test_long_timeouts_change_nothing(
    start_peer: StartPeer,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
    seconds: float | None,
) -> None:
    peer = start_peer(answers, tls=True)
    pool = open_pool(ssl_context=ssl_context)
    extensions = {"timeout": dict.fromkeys(OPERATIONS, seconds)}
    for _ in range(2):
        response = pool.request("POST", peer.url(), content=b"x", extensions=extensions)
        assert response.content == b"ok"


@pytest.mark.parametrize("seconds", [0, 0.0])
def test_timeout_of_zero_ends_what_would_wait(
    start_peer: StartPeer, open_pool: OpenPool, blackhole: Blackhole, seconds: float
) -> None:
    peer = start_peer(keeps_silent)
    pool = open_pool()
    watch = Stopwatch()
    with pytest.raises(httpcore.ReadTimeout):
        pool.request("GET", peer.url(), extensions={"timeout": {"read": seconds}})
    with pytest.raises(httpcore.ConnectTimeout):
        pool.request(
            "GET",
            f"http://127.0.0.1:{blackhole.port}/",
            extensions={"timeout": {"connect": seconds}},
        )
    assert watch.seconds < 1
    assert pool.connections == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_negative_timeout_is_refused_or_over_at_once(
    start_peer: StartPeer, open_pool: OpenPool, operation: str
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    with pytest.raises((httpcore.TimeoutException, httpcore.LocalProtocolError, ValueError)):
        pool.request("GET", peer.url(), extensions={"timeout": {operation: -1.0}})
    assert len(pool._requests) == 0
    assert pool.request("GET", peer.url()).content == b"ok"


@pytest.mark.parametrize(
    "script", [keeps_silent, drips_head, drips_sized_body, drips_chunks, drips_to_the_end]
)
def test_total_bounds_a_response_that_never_ends(
    start_peer: StartPeer,
    open_pool: OpenPool,
    script: collections.abc.Callable[[Conversation], None],
) -> None:
    peer = start_peer(script)
    pool = open_pool()
    timeout = {"timeout": {"total": 0.15, "read": 5.0}}
    watch = Stopwatch()
    with pytest.raises(httpcore.ReadTimeout):
        pool.request("GET", peer.url(), extensions=timeout)
    assert 0.12 < watch.seconds < 1.5
    assert pool.connections == []


def test_total_bounds_a_body_that_is_read_in_pieces(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(drips_sized_body)
    watch = Stopwatch()
    timeout = {"timeout": {"total": 0.15}}
    with open_pool().stream("GET", peer.url(), extensions=timeout) as response:
        pieces = iter(response.iter_stream())
        assert next(pieces) == b"x"
        with pytest.raises(httpcore.ReadTimeout):
            list(pieces)
    assert 0.12 < watch.seconds < 1.5


def test_total_bounds_the_wait_for_a_connection(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(drips_sized_body)
    pool = open_pool(max_connections=1)
    timeout = {"timeout": {"total": 0.2, "pool": 5.0}}
    with pool.stream("GET", peer.url()):
        watch = Stopwatch()
        with pytest.raises(httpcore.PoolTimeout):
            pool.request("GET", peer.url(), extensions=timeout)
        assert 0.15 < watch.seconds < 1.5


def test_total_bounds_connecting(open_pool: OpenPool, blackhole: Blackhole) -> None:
    watch = Stopwatch()
    with pytest.raises(httpcore.ConnectTimeout):
        open_pool(retries=50).request(
            "GET",
            f"http://127.0.0.1:{blackhole.port}/",
            extensions={"timeout": {"total": 0.2, "connect": 5.0}},
        )
    assert 0.15 < watch.seconds < 1.5


def test_total_bounds_the_wait_between_two_attempts_to_connect(
    open_pool: OpenPool, refusing_port: int
) -> None:
    watch = Stopwatch()
    with pytest.raises((httpcore.ConnectTimeout, httpcore.ConnectError)):
        open_pool(retries=50).request(
            "GET",
            f"http://127.0.0.1:{refusing_port}/",
            extensions={"timeout": {"total": 0.15}},
        )
    assert watch.seconds < 1.5


def test_total_bounds_the_handshake(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(keeps_silent)
    pool = open_pool(ssl_context=ssl_context)
    watch = Stopwatch()
    with pytest.raises(httpcore.ConnectTimeout):
        pool.request("GET", peer.url(scheme="https"), extensions={"timeout": {"total": 0.2}})
    assert 0.15 < watch.seconds < 1.5


@pytest.mark.parametrize("in_pieces", [False, True])
def test_total_bounds_an_upload(
    start_peer: StartPeer, open_pool: OpenPool, in_pieces: bool
) -> None:
    timed_out = Signal("the client has given up")

    def reads_slowly(conn: Conversation) -> None:
        conn.receive_head()
        # Enough to begin every write timeout anew.
        with contextlib.suppress(ClientGoneError):
            while not timed_out.is_set():
                conn.discard(100_000)
                PAUSE.wait(0.02)
        conn.wait_eof()

    peer = start_peer(reads_slowly)
    pool = open_pool()
    piece = b"u" * 100_000
    content = iter([piece] * 400) if in_pieces else piece * 400
    watch = Stopwatch()
    with pytest.raises(httpcore.WriteTimeout):
        pool.request(
            "POST",
            peer.url(),
            content=content,
            extensions={"timeout": {"total": 0.15, "write": 5.0}},
        )
    assert 0.12 < watch.seconds < 1.5
    timed_out.set()
    assert pool.connections == []


def test_total_of_zero_is_over_at_once(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    with pytest.raises(httpcore.TimeoutException):
        pool.request("GET", peer.url(), extensions={"timeout": {"total": 0}})
    assert pool.request("GET", peer.url()).content == b"ok"


def test_total_begins_anew_with_every_request(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def answers_after_a_while(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.is_silent(0.4)
            conn.send(reply(b"ok"))

    peer = start_peer(answers_after_a_while)
    pool = open_pool()
    timeout: dict[str, dict[str, float]] = {"timeout": {"total": 1.5}}
    for _ in range(4):
        assert pool.request("GET", peer.url(), extensions=timeout).content == b"ok"


@REPLACES_RESOLVER
def test_name_resolution_is_part_of_the_connect_timeout(
    open_pool: OpenPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Signal("the test is over")

    def never_resolves(*arguments: object, **_options: object) -> list[object]:
        # Whether a name is an address, trio asks in the thread of its loop, by a flag.
        flags = arguments[-1]
        if not (isinstance(flags, int) and flags & socket.AI_NUMERICHOST):
            over.wait()
        raise socket.gaierror(socket.EAI_NONAME, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", never_resolves)
    pool = open_pool()
    watch = Stopwatch()
    with pytest.raises(httpcore.ConnectTimeout):
        pool.request("GET", "http://slow.test/", extensions={"timeout": {"connect": 0.2}})
    assert watch.seconds < 1.5
    over.set()
    assert pool.connections == []
