"""How pools and connections show themselves: people and test suites read it."""

import pytest
from backends import WatchedBackend
from colours import OpenPool
from peers.hypercorn import Hypercorn
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


def test_pool_and_connection_through_the_life_of_a_request(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    origin = f"http://127.0.0.1:{peer.port}"
    pool = open_pool()
    prefix = open_pool.prefix
    assert repr(pool) == (
        f"<{prefix}ConnectionPool "
        "[Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>"
    )
    with pool.stream("GET", peer.url()) as response:
        connection = pool.connections[0]
        assert repr(response) == "<Response [200]>"
        assert repr(pool) == (
            f"<{prefix}ConnectionPool "
            "[Requests: 1 active, 0 queued | Connections: 1 active, 0 idle]>"
        )
        assert repr(pool.connections) == (
            f"[<{prefix}HTTPConnection ['{origin}', HTTP/1.1, ACTIVE, Request Count: 1]>]"
        )
        assert connection.info() == f"'{origin}', HTTP/1.1, ACTIVE, Request Count: 1"
        assert not connection.is_idle()
        response.read()
    assert repr(pool) == (
        f"<{prefix}ConnectionPool "
        "[Requests: 0 active, 0 queued | Connections: 0 active, 1 idle]>"
    )
    assert repr(pool.connections) == (
        f"[<{prefix}HTTPConnection ['{origin}', HTTP/1.1, IDLE, Request Count: 1]>]"
    )
    assert connection.is_idle()
    pool.request("GET", peer.url())
    assert connection.info() == f"'{origin}', HTTP/1.1, IDLE, Request Count: 2"
    pool.close()
    assert connection.info() == f"'{origin}', HTTP/1.1, CLOSED, Request Count: 2"
    assert connection.is_closed()


def test_connection_that_is_being_made(start_peer: StartPeer, open_pool: OpenPool) -> None:
    seen: list[str] = []

    def look() -> None:
        seen.extend([repr(pool), *map(repr, pool.connections)])

    peer = start_peer(answers)
    pool = open_pool(network_backend=WatchedBackend(before_connect=look))
    pool.request("GET", peer.url())
    prefix = open_pool.prefix
    assert seen == [
        (
            f"<{prefix}ConnectionPool "
            "[Requests: 1 active, 0 queued | Connections: 1 active, 0 idle]>"
        ),
        f"<{prefix}HTTPConnection [CONNECTING]>",
    ]


def test_connection_that_could_not_be_made(open_pool: OpenPool, refusing_port: int) -> None:
    origin, prefix = httpcore.Origin(b"http", b"127.0.0.1", refusing_port), open_pool.prefix
    with open_pool.connection(origin) as connection:
        assert repr(connection) == f"<{prefix}HTTPConnection [CONNECTING]>"
        with pytest.raises(httpcore.ConnectError):
            connection.request("GET", f"http://127.0.0.1:{refusing_port}/")
        assert repr(connection) == f"<{prefix}HTTPConnection [CONNECTION FAILED]>"


def test_single_connection(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    origin = httpcore.Origin(b"http", b"127.0.0.1", peer.port)
    with open_pool.connection(origin) as connection:
        for _ in range(2):
            assert connection.request("GET", peer.url()).content == b"ok"
        with (
            connection.stream("GET", peer.url()),
            pytest.raises(httpcore.ConnectionNotAvailable),
        ):
            connection.request("GET", peer.url())
        with pytest.raises(RuntimeError):
            connection.request("GET", "http://elsewhere.test/")


@pytest.mark.colours("blocking", reason="the stream is SyncBackend's")
def test_connection_over_a_stream_of_ones_own(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    stream = httpcore.SyncBackend().connect_tcp("127.0.0.1", peer.port)
    origin = httpcore.Origin(b"http", b"127.0.0.1", peer.port)
    with httpcore.HTTP11Connection(origin, stream) as connection:
        assert connection.request("GET", peer.url()).content == b"ok"
        assert repr(connection) == (
            f"<HTTP11Connection ['http://127.0.0.1:{peer.port}', IDLE, Request Count: 1]>"
        )


@pytest.mark.colours("blocking", reason="the stream is SyncBackend's")
def test_http2_over_a_stream_of_ones_own(hypercorn: Hypercorn, open_pool: OpenPool) -> None:
    url = httpcore.URL(hypercorn.plain + "/bytes/9")
    origin = url.origin
    stream = httpcore.SyncBackend().connect_tcp(origin.host.decode(), origin.port)
    with httpcore.HTTP2Connection(origin, stream) as connection:
        assert connection.request("GET", url).content == b"x" * 9
        assert repr(connection) == f"<HTTP2Connection ['{origin}', IDLE, Request Count: 1]>"


@pytest.mark.colours("blocking", reason="the two functions are for blocking code alone")
def test_functions_make_pools_of_their_own(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    assert httpcore.request("GET", peer.url()).content == b"ok"
    with httpcore.stream("GET", peer.url()) as response:
        assert b"".join(response.iter_stream()) == b"ok"
    assert peer.accepted == 2
