"""A reused connection that the server gives up is not the user's problem.

What may be sent again is sent again, once, on a new connection; nothing that could
then happen twice.
"""

import ssl
import typing

import pytest
from backends import WatchedBackend
from colours import OpenPool, without
from peers.deadlines import Signal
from peers.messages import head, reply
from peers.scripted import Conversation, Script
from peers.starting import StartPeer

import httpcore

SAFE_TO_REPEAT = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]
NOT_SAFE_TO_REPEAT = ["POST", "PATCH"]
# What a request gets for a connection that ended before any response.
ENDED = (httpcore.RemoteProtocolError, httpcore.NetworkError)

Ending = typing.Callable[[Conversation], None]


def by_closing(conn: Conversation) -> None:
    conn.close()


def by_resetting(conn: Conversation) -> None:
    conn.reset()


def by_keeping_silent(conn: Conversation) -> None:
    conn.wait_eof()


def by_half_an_answer(conn: Conversation) -> None:
    conn.send(b"HTTP/1.1 2")
    conn.close()


def by_an_interim_answer(conn: Conversation) -> None:
    conn.send(head(103))
    conn.close()


ENDINGS = pytest.mark.parametrize("ending", [by_closing, by_resetting])


def answers(conn: Conversation) -> None:
    for request in conn.each_request():
        conn.send(reply(b"" if request.method == b"HEAD" else b"fresh"))


def ends_second_request(ending: Ending) -> Script:
    def script(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(b"first"))
        if conn.has_more():
            conn.receive_request()
            ending(conn)

    return script


@ENDINGS
@pytest.mark.parametrize("method", SAFE_TO_REPEAT)
def test_idempotent_request_on_a_stale_connection_is_sent_once_more(
    start_peer: StartPeer, open_pool: OpenPool, method: str, ending: Ending
) -> None:
    peer = start_peer(ends_second_request(ending), answers)
    pool = open_pool()
    pool.request("GET", peer.url())
    body = b"again" if method == "PUT" else None
    response = pool.request(method, peer.url("/second"), content=body)
    assert response.content == (b"" if method == "HEAD" else b"fresh")
    assert [len(conn.requests) for conn in peer.connections] == [2, 1]
    # The very same request, byte by byte.
    assert peer.connections[1].requests[0] == peer.connections[0].requests[1]


@ENDINGS
@pytest.mark.parametrize("method", NOT_SAFE_TO_REPEAT)
def test_request_that_may_have_been_acted_on_is_never_sent_again(
    start_peer: StartPeer, open_pool: OpenPool, method: str, ending: Ending
) -> None:
    peer = start_peer(ends_second_request(ending))
    pool = open_pool()
    pool.request("GET", peer.url())
    with pytest.raises(ENDED):
        pool.request(method, peer.url(), content=b"order one")
    assert peer.accepted == 1
    assert pool.connections == []


def test_server_that_hangs_up_is_named_in_the_error(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(ends_second_request(by_closing))
    pool = open_pool()
    pool.request("GET", peer.url())
    # Dependents match this message.
    message = r"Server disconnected without sending a response\."
    with pytest.raises(httpcore.RemoteProtocolError, match=message):
        pool.request("POST", peer.url(), content=b"order one")


def test_body_that_cannot_be_produced_again_is_not_sent_again(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(ends_second_request(by_closing))
    pool = open_pool()
    pool.request("GET", peer.url())
    with pytest.raises(ENDED):
        pool.request("PUT", peer.url(), content=iter([b"only", b"once"]))
    assert peer.accepted == 1


def test_request_is_never_sent_a_third_time(start_peer: StartPeer, open_pool: OpenPool) -> None:
    def reads_and_closes(conn: Conversation) -> None:
        conn.receive_request()

    peer = start_peer(ends_second_request(by_closing), reads_and_closes)
    pool = open_pool()
    pool.request("GET", peer.url())
    with pytest.raises(ENDED):
        pool.request("GET", peer.url())
    assert peer.accepted == 2


def test_second_attempt_uses_no_other_old_connection(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    stale = ends_second_request(by_closing)
    peer = start_peer(stale, stale, answers)
    pool = open_pool()
    with pool.stream("GET", peer.url()), pool.stream("GET", peer.url()):
        assert peer.accepted == 2
    assert pool.request("GET", peer.url()).content == b"fresh"
    assert peer.accepted == 3


@pytest.mark.parametrize("ending", [by_half_an_answer, by_an_interim_answer])
def test_request_is_not_sent_again_once_bytes_of_a_response_came(
    start_peer: StartPeer, open_pool: OpenPool, ending: Ending
) -> None:
    peer = start_peer(ends_second_request(ending))
    pool = open_pool()
    pool.request("GET", peer.url())
    with pytest.raises(httpcore.RemoteProtocolError):
        pool.request("GET", peer.url())
    assert peer.accepted == 1


def test_request_that_timed_out_is_not_sent_again(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(ends_second_request(by_keeping_silent))
    pool = open_pool()
    pool.request("GET", peer.url())
    with pytest.raises(httpcore.ReadTimeout):
        pool.request("GET", peer.url(), extensions={"timeout": {"read": 0.1}})
    assert peer.accepted == 1


@ENDINGS
def test_request_on_a_new_connection_is_not_sent_again(
    start_peer: StartPeer, open_pool: OpenPool, ending: Ending
) -> None:
    def reads_and_ends(conn: Conversation) -> None:
        conn.receive_request()
        ending(conn)

    peer = start_peer(reads_and_ends)
    pool = open_pool()
    with pytest.raises(ENDED):
        pool.request("GET", peer.url())
    assert peer.accepted == 1
    assert pool.connections == []


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("method", SAFE_TO_REPEAT + NOT_SAFE_TO_REPEAT)
def test_connection_closed_while_idle_is_not_used(
    start_peer: StartPeer,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
    tls: bool,
    method: str,
) -> None:
    closed = Signal("the server has closed the idle connection")

    def closes_after_one(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(b"first"))
        conn.close()
        closed.set()

    peer = start_peer(closes_after_one, answers, tls=tls)
    pool = open_pool(ssl_context=ssl_context)
    pool.request("GET", peer.url())
    closed.wait()
    assert pool.request(method, peer.url(), content=b"once").status == 200
    assert [len(conn.requests) for conn in peer.connections] == [1, 1]


@ENDINGS
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_connection_that_ends_between_the_look_and_the_write(
    start_peer: StartPeer, open_pool: OpenPool, method: str, ending: Ending
) -> None:
    may_end, ended = Signal("the client has looked"), Signal("the connection has ended")

    def ends_when_idle(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(b"first"))
        may_end.wait()
        ending(conn)
        ended.set()

    def before_write() -> None:
        if pool.stats().reused and not ended.is_set():
            may_end.set()
            ended.wait()

    peer = start_peer(ends_when_idle, answers)
    pool = open_pool(network_backend=WatchedBackend(before_write=before_write))
    pool.request("GET", peer.url())
    assert pool.request(method, peer.url(), content=b"again").content == b"fresh"
    assert peer.accepted == 2


def test_stale_connection_over_tls_is_replaced(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(ends_second_request(by_closing), answers, tls=True)
    pool = open_pool(ssl_context=ssl_context)
    pool.request("GET", peer.url())
    assert pool.request("GET", peer.url()).content == b"fresh"


@pytest.mark.colours(
    *without("uvloop"), reason="uvloop keeps its sockets open, whoever closes them"
)
def test_socket_that_was_closed_under_an_idle_connection_is_not_used(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool()
    response = pool.request("GET", peer.url())
    response.extensions["network_stream"].get_extra_info("socket").close()
    assert pool.request("GET", peer.url()).content == b"fresh"
    assert peer.accepted == 2


def test_second_attempt_is_counted(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(ends_second_request(by_closing), answers)
    pool = open_pool()
    pool.request("GET", peer.url())
    pool.request("GET", peer.url())
    assert pool.stats().retried == 1
