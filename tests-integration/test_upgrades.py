"""After a 101, or a 2xx to CONNECT, the connection is the caller's."""

import select
import typing

import pytest
from colours import OpenPool
from peers.deadlines import Signal, wait_until
from peers.messages import head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer
from peers.workers import Worker

import httpcore

UPGRADING = [(b"Connection", b"upgrade"), (b"Upgrade", b"shouting")]
SWITCHING = head(101, b"Connection: upgrade", b"Upgrade: shouting")


def shouts(conn: Conversation) -> None:
    """Switches protocols, greets in the same segment, and repeats lines loudly."""
    conn.receive_head()
    conn.send(SWITCHING + b"hello")
    while conn.has_more():
        conn.send(conn.receive_line().upper())


def test_bytes_right_behind_the_head_come_first(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(shouts)
    with open_pool().stream("GET", peer.url(), headers=UPGRADING) as response:
        assert response.status == 101
        stream = response.extensions["network_stream"]
        assert stream.get_extra_info("is_readable") is True
        assert stream.read(3, timeout=5) == b"hel"
        assert stream.get_extra_info("is_readable") is True
        assert stream.read(100, timeout=5) == b"lo"
        assert stream.get_extra_info("is_readable") is False
        stream.write(b"louder\r\n", timeout=5)
        assert stream.read(100, timeout=5) == b"LOUDER"


def test_head_of_the_switch_is_handed_out(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(shouts)
    with open_pool().stream("GET", peer.url(), headers=UPGRADING) as response:
        assert (b"Upgrade", b"shouting") in response.headers


def test_connection_that_switched_is_closed_with_its_response(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    gone = Signal("the client has closed the connection")

    def script(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(SWITCHING)
        conn.wait_eof()
        gone.set()

    peer = start_peer(script)
    pool = open_pool()
    with pool.stream("GET", peer.url(), headers=UPGRADING):
        assert not gone.is_set()
    gone.wait()
    assert pool.connections == []


def test_accepted_connect_becomes_a_tunnel(start_peer: StartPeer, open_pool: OpenPool) -> None:
    def tunnels(conn: Conversation) -> None:
        conn.receive_head()
        # A length means nothing here (RFC 9110, section 9.3.6).
        conn.send(head(200, b"Content-Length: 3") + b"first bytes")
        conn.send(conn.receive(4).upper())

    peer = start_peer(tunnels)
    extensions = {"target": b"example.com:443"}
    with open_pool().stream("CONNECT", peer.url(), extensions=extensions) as response:
        stream = response.extensions["network_stream"]
        assert stream.read(100, timeout=5) == b"first bytes"
        stream.write(b"ping", timeout=5)
        assert stream.read(100, timeout=5) == b"PING"
    assert peer.requests[0].method == b"CONNECT"
    assert peer.requests[0].target == b"example.com:443"


def test_refused_connect_is_an_ordinary_response(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def refuses(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.send(reply(b"not from here", 403))

    peer = start_peer(refuses)
    pool = open_pool()
    for _ in range(2):
        response = pool.request("CONNECT", peer.url(), extensions={"target": b"a.test:443"})
        assert (response.status, response.content) == (403, b"not from here")
    assert peer.accepted == 1


@pytest.fixture
def switched(
    start_peer: StartPeer, open_pool: OpenPool
) -> typing.Iterator[httpcore.NetworkStream]:
    """The caller's end of a connection on which the server says nothing."""

    def script(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(SWITCHING)
        conn.wait_eof()

    peer = start_peer(script)
    with open_pool().stream("GET", peer.url(), headers=UPGRADING) as response:
        stream = response.extensions["network_stream"]
        assert isinstance(stream, httpcore.NetworkStream)
        yield stream


def test_read_that_another_thread_ends_by_closing_is_a_read_error(
    switched: httpcore.NetworkStream,
) -> None:
    entered = Signal("the reader is about to read")

    def read() -> bytes:
        entered.set()
        return switched.read(100)

    reader = Worker(read)
    entered.wait()
    switched.close()
    assert isinstance(reader.error(), httpcore.ReadError)


def test_write_that_another_thread_ends_by_closing_is_a_write_error(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    closed = Signal("the stream is closed")

    def reads_nothing(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(SWITCHING)
        closed.wait()

    peer = start_peer(reads_nothing)
    with open_pool().stream("GET", peer.url(), headers=UPGRADING) as response:
        stream = response.extensions["network_stream"]
        assert isinstance(stream, httpcore.NetworkStream)
        sock = stream.get_extra_info("socket")
        # More than buffers hold: it waits.
        writer = Worker(lambda: stream.write(bytes(100_000_000)))
        wait_until(lambda: not select.select([], [sock], [], 0)[1], "the write waits")
        stream.close()
        closed.set()
        assert isinstance(writer.error(), httpcore.WriteError)


def test_closed_stream_refuses_reads_and_writes(switched: httpcore.NetworkStream) -> None:
    switched.close()
    switched.close()
    with pytest.raises(httpcore.ReadError):
        switched.read(100, timeout=1)
    with pytest.raises(httpcore.WriteError):
        switched.write(b"late", timeout=1)


@pytest.mark.parametrize(
    "fact", ["client_addr", "server_addr", "socket", "ssl_object", "is_readable"]
)
def test_closed_stream_can_be_asked_for_facts(
    switched: httpcore.NetworkStream, fact: str
) -> None:
    known = switched.get_extra_info(fact)
    switched.close()
    assert switched.get_extra_info(fact) in {known, None, True}


def test_facts_about_an_open_stream(switched: httpcore.NetworkStream) -> None:
    server, client = (switched.get_extra_info(f"{end}_addr") for end in ("server", "client"))
    assert switched.get_extra_info("socket").getpeername() == server
    assert switched.get_extra_info("socket").getsockname() == client
    assert switched.get_extra_info("ssl_object") is None
    assert switched.get_extra_info("no such fact") is None
