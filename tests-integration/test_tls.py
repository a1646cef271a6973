"""TLS: what is asked for, who is trusted, and connections that end without a goodbye."""

import contextlib
import gc
import socket
import ssl
import subprocess
import sys
import typing

import pytest
from backends import WatchedBackend
from colours import OpenPool
from peers.certificates import Authority
from peers.deadlines import Signal
from peers.messages import chunked_reply, head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"secret"))


def refused(authority: Authority) -> typing.Callable[[Conversation], None]:
    """A script for a client that does not trust the certificate."""

    def script(conn: Conversation) -> None:
        # With TLS 1.3 the server is told after its own handshake is over.
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            conn.start_tls(authority.server_context())
            assert not conn.has_more()

    return script


def test_request_over_tls(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(answers, tls=True)
    pool = open_pool(ssl_context=ssl_context)
    with pool.stream("GET", peer.url()) as response:
        stream = response.extensions["network_stream"]
        assert stream.get_extra_info("ssl_object").version().startswith("TLSv1")
        assert response.read() == b"secret"
    assert pool.request("GET", peer.url()).content == b"secret"
    assert peer.accepted == 1


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(reply(b"whole"), id="sized"),
        pytest.param(chunked_reply(b"whole"), id="chunked"),
        pytest.param(head(200) + b"whole", id="until the end"),
        pytest.param(reply(b"whole", 200, b"Connection: close"), id="closing"),
    ],
)
def test_connection_cut_behind_a_whole_body_is_no_error(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext, response: bytes
) -> None:
    def cuts(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(response)
        conn.cut()

    peer = start_peer(cuts, tls=True)
    pool = open_pool(ssl_context=ssl_context)
    for _ in range(2):
        assert pool.request("GET", peer.url()).content == b"whole"


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(reply(b"whole")[:-1], id="sized"),
        pytest.param(chunked_reply(b"whole")[:-5], id="chunked"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", id="head"),
    ],
)
def test_connection_cut_inside_a_response_is_an_error(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext, response: bytes
) -> None:
    def cuts(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(response)
        conn.cut()

    peer = start_peer(cuts, tls=True)
    pool = open_pool(ssl_context=ssl_context)
    with pytest.raises((httpcore.RemoteProtocolError, httpcore.ReadError)):
        pool.request("GET", peer.url())
    assert pool.connections == []


def test_name_of_the_url_is_asked_for(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(answers, tls=True)
    pool = open_pool(ssl_context=ssl_context)
    pool.request("GET", f"https://localhost:{peer.port}/")
    assert peer.connections[0].server_name == "localhost"


def test_sni_hostname_replaces_the_name_of_the_url(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(answers, tls=True)
    pool = open_pool(ssl_context=ssl_context)
    pool.request("GET", peer.url(), extensions={"sni_hostname": "localhost"})
    assert peer.connections[0].server_name == "localhost"
    assert peer.requests[0].header(b"host") == b"127.0.0.1:%d" % peer.port


def test_certificate_of_an_unknown_authority_is_refused(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    peer = start_peer(refused(authority))
    pool = open_pool()
    with pytest.raises(httpcore.ConnectError, match=r"(?i)certificate"):
        pool.request("GET", peer.url(scheme="https"))
    assert pool.connections == []


def test_certificate_for_another_name_is_refused(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    peer = start_peer(refused(authority))
    pool = open_pool(ssl_context=authority.client_context())
    extensions = {"sni_hostname": "elsewhere.test"}
    with pytest.raises(httpcore.ConnectError, match=r"(?i)hostname|certificate"):
        pool.request("GET", peer.url(scheme="https"), extensions=extensions)


def closes_at_once(conn: Conversation) -> None:
    conn.close()


def resets_at_once(conn: Conversation) -> None:
    conn.reset()


def speaks_plainly(conn: Conversation) -> None:
    conn.receive(1)
    conn.send(b"HTTP/1.1 400 This port has no TLS\r\n\r\n")


def first_cause(exc: BaseException) -> BaseException:
    while exc.__cause__ is not None:
        exc = exc.__cause__
    return exc


@pytest.mark.parametrize("script", [closes_at_once, resets_at_once, speaks_plainly])
def test_failed_handshake_is_a_connect_error_and_leaves_nothing(
    start_peer: StartPeer,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
    script: typing.Callable[[Conversation], None],
) -> None:
    peer = start_peer(script)
    pool = open_pool(ssl_context=ssl_context, max_connections=1)
    for number in range(1, 4):
        with pytest.raises(httpcore.ConnectError) as caught:
            pool.request("GET", peer.url(scheme="https"))
        assert isinstance(first_cause(caught.value), OSError)
        assert (peer.accepted, pool.connections) == (number, [])


def test_connection_that_is_reset_before_the_handshake(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    is_reset = Signal("the server has reset the connection")

    def resets(conn: Conversation) -> None:
        conn.reset()
        is_reset.set()

    peer = start_peer(resets)
    backend = WatchedBackend(before_tls=is_reset.wait)
    pool = open_pool(ssl_context=ssl_context, network_backend=backend)
    with pytest.raises(httpcore.ConnectError):
        pool.request("GET", peer.url(scheme="https"))
    assert pool.connections == []


@pytest.mark.colours("blocking", reason="SyncBackend's way to a handshake")
def test_connection_that_is_reset_while_the_handshake_is_prepared(
    start_peer: StartPeer,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_reset, is_reset = Signal("the handshake is prepared"), Signal("the server has reset")

    def resets(conn: Conversation) -> None:
        may_reset.wait()
        conn.reset()
        is_reset.set()

    def ask(sock: socket.socket) -> object:
        may_reset.set()
        is_reset.wait()
        return socket.socket.getpeername(sock)

    # The ssl module has then taken the socket over, and is to close it when it fails.
    monkeypatch.setattr(ssl.SSLSocket, "getpeername", ask)
    peer = start_peer(resets)
    pool = open_pool(ssl_context=ssl_context)
    with pytest.raises(httpcore.ConnectError):
        pool.request("GET", peer.url(scheme="https"))
    gc.collect()
    assert pool.connections == []


def test_handshake_that_lasts_too_long_is_given_up(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    gone = Signal("the client has closed the connection")

    def says_nothing(conn: Conversation) -> None:
        conn.wait_eof()
        gone.set()

    peer = start_peer(says_nothing)
    pool = open_pool(ssl_context=ssl_context)
    timeout = {"timeout": {"connect": 0.1}}
    with pytest.raises(httpcore.ConnectTimeout):
        pool.request("GET", peer.url(scheme="https"), extensions=timeout)
    gone.wait()
    assert pool.connections == []


def test_handshake_that_fails_once_is_tried_again(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    def answers_over_tls(conn: Conversation) -> None:
        conn.start_tls(authority.server_context())
        answers(conn)

    peer = start_peer(closes_at_once, answers_over_tls)
    pool = open_pool(ssl_context=authority.client_context(), retries=1)
    assert pool.request("GET", peer.url(scheme="https")).content == b"secret"


def test_only_http11_is_offered(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    protocols: list[str | None] = []

    def script(conn: Conversation) -> None:
        protocols.append(conn.negotiated_protocol())
        answers(conn)

    def prefers_http2() -> ssl.SSLContext:
        context = authority.server_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    peer = start_peer(script, tls=prefers_http2)
    open_pool(ssl_context=authority.client_context()).request("GET", peer.url())
    assert protocols == ["http/1.1"]


class CountingContext(ssl.SSLContext):
    """Counts how often it is told what to offer."""

    alpn_calls = 0

    def set_alpn_protocols(self, alpn_protocols: typing.Iterable[str]) -> None:
        self.alpn_calls += 1
        super().set_alpn_protocols(alpn_protocols)


def test_context_of_the_caller_is_not_changed_at_every_connection(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    context = CountingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.certificate)
    peer = start_peer(answers, tls=True)
    pool = open_pool(ssl_context=context, max_keepalive_connections=0)
    for _ in range(3):
        pool.request("GET", peer.url())
    assert peer.accepted == 3
    assert context.alpn_calls <= 1


def test_default_context_is_made_once(
    start_peer: StartPeer,
    open_pool: OpenPool,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loads: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def counting(context: ssl.SSLContext, *args: object, **options: object) -> None:
        loads.append(context)
        # Passed on as they came, whatever they are.
        load(context, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counting)
    peer = start_peer(refused(authority))
    for _ in range(2):
        pool = open_pool()
        for _ in range(3):
            with pytest.raises(httpcore.ConnectError):
                pool.request("GET", peer.url(scheme="https"))
    # None at all if an earlier test made it.
    assert len(loads) <= 1


def test_plain_requests_need_no_context(start_peer: StartPeer) -> None:
    peer = start_peer(answers)
    # In a process of its own, where no other test has made one.
    program = """if True:
        import ssl, sys
        def refuse(*arguments, **options):
            raise AssertionError("a context was made")
        ssl.SSLContext.__new__ = refuse
        import httpcore
        print(httpcore.request("GET", sys.argv[1]).status)
    """
    command = [sys.executable, "-c", program, peer.url()]
    answer = subprocess.run(command, capture_output=True, check=False, timeout=30)
    assert (answer.stdout, answer.stderr) == (b"200\n", b"")


def test_secure_websocket_scheme_means_tls(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    peer = start_peer(answers, tls=True)
    pool = open_pool(ssl_context=ssl_context)
    assert pool.request("GET", peer.url(scheme="wss")).content == b"secret"


def test_websocket_scheme_means_plain(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    assert open_pool().request("GET", peer.url(scheme="ws")).content == b"secret"
