"""Connecting: addresses, names, local ends, and attempts that fail."""

import contextlib
import os
import pathlib
import resource
import socket
import ssl
import sys
import typing

import pytest
from backends import WatchedBackend
from colours import OpenPool, without
from peers.blackhole import Blackhole
from peers.deadlines import Stopwatch
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

REPLACES_RESOLVER = pytest.mark.colours(
    *without("uvloop"), reason="uvloop resolves names without the socket module"
)

needs_unix_sockets = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets"
)


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Makes every name stand for these ports of this host, in this order."""
    stream = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    addresses = [(*stream, ("127.0.0.1", port)) for port in ports]

    def resolve(*_arguments: object, **_options: object) -> list[object]:
        return list(addresses)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@needs_unix_sockets
@pytest.mark.parametrize("tls", [False, True])
def test_unix_socket(
    start_peer: StartPeer,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
    tmp_path: pathlib.Path,
    tls: bool,
) -> None:
    path = tmp_path / "peer.sock"
    peer = start_peer(answers, path=path, tls=tls)
    pool = open_pool(uds=str(path), ssl_context=ssl_context)
    for _ in range(2):
        assert pool.request("GET", peer.url("/there")).content == b"ok"
    assert peer.accepted == 1
    # A port that the scheme implies is not named.
    assert peer.requests[0].header(b"host") == b"localhost"


@needs_unix_sockets
def test_unix_socket_that_does_not_exist(open_pool: OpenPool, tmp_path: pathlib.Path) -> None:
    pool = open_pool(uds=str(tmp_path / "nobody.sock"))
    with pytest.raises(httpcore.ConnectError) as caught:
        pool.request("GET", "http://localhost/")
    assert isinstance(caught.value.__cause__, OSError)
    assert pool.connections == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_local_address(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    open_pool(local_address="127.0.0.9").request("GET", peer.url())
    assert peer.connections[0].client_address[0] == "127.0.0.9"


def test_socket_options_are_set(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    enabled = (1).to_bytes(4, sys.byteorder)
    options: list[httpcore.SOCKET_OPTION] = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.SOL_SOCKET, socket.SO_OOBINLINE, enabled),
    ]
    with open_pool(socket_options=options).stream("GET", peer.url()) as response:
        sock = response.extensions["network_stream"].get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE)


def test_socket_option_that_is_refused_is_a_connect_error(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    peer = start_peer(answers)
    pool = open_pool(socket_options=[(socket.SOL_SOCKET, 99_999, 1)])
    with pytest.raises(httpcore.ConnectError):
        pool.request("GET", peer.url())
    assert pool.connections == []


def test_small_writes_are_sent_at_once(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(answers)
    with open_pool().stream("GET", peer.url()) as response:
        sock = response.extensions["network_stream"].get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_refused_connection_is_a_connect_error(open_pool: OpenPool, refusing_port: int) -> None:
    pool = open_pool()
    with pytest.raises(httpcore.ConnectError) as caught:
        pool.request("GET", f"http://127.0.0.1:{refusing_port}/")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert (pool.connections, len(pool._requests)) == ([], 0)


@REPLACES_RESOLVER
def test_unknown_name_is_a_connect_error(
    open_pool: OpenPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_arguments: object, **_options: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    pool = open_pool()
    with pytest.raises(httpcore.ConnectError, match="not known"):
        pool.request("GET", "http://nowhere.test/")
    assert pool.connections == []


@REPLACES_RESOLVER
def test_address_that_never_answers_holds_nobody_up(
    start_peer: StartPeer,
    open_pool: OpenPool,
    blackhole: Blackhole,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer = start_peer(answers)
    resolve_to(monkeypatch, blackhole.port, peer.port)
    watch = Stopwatch()
    response = open_pool().request(
        "GET", "http://two.test/", extensions={"timeout": {"connect": 5.0}}
    )
    assert response.content == b"ok"
    assert watch.seconds < 1.5


@REPLACES_RESOLVER
def test_address_that_refuses_is_passed_over_at_once(
    start_peer: StartPeer,
    open_pool: OpenPool,
    refusing_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer = start_peer(answers)
    resolve_to(monkeypatch, refusing_port, refusing_port, peer.port)
    watch = Stopwatch()
    assert open_pool().request("GET", "http://three.test/").content == b"ok"
    assert watch.seconds < 0.4


@REPLACES_RESOLVER
def test_connect_timeout_covers_all_addresses_together(
    open_pool: OpenPool, blackhole: Blackhole, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, *[blackhole.port] * 4)
    watch = Stopwatch()
    with pytest.raises(httpcore.ConnectTimeout):
        open_pool().request(
            "GET", "http://four.test/", extensions={"timeout": {"connect": 0.6}}
        )
    assert 0.5 < watch.seconds < 1.5


def test_failed_attempts_are_repeated_with_growing_pauses(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def fails_three_times() -> None:
        if len(backend.attempts) <= 3:
            raise httpcore.ConnectError("not yet")

    backend = WatchedBackend(before_connect=fails_three_times)
    peer = start_peer(answers)
    pool = open_pool(retries=3, network_backend=backend)
    assert pool.request("GET", peer.url()).content == b"ok"
    assert len(backend.attempts) == 4
    assert backend.sleeps == sorted(backend.sleeps)
    assert max(backend.sleeps) > 0


@pytest.mark.parametrize("retries", [0, 2])
def test_last_failure_is_raised(open_pool: OpenPool, refusing_port: int, retries: int) -> None:
    backend = WatchedBackend()
    pool = open_pool(retries=retries, network_backend=backend)
    with pytest.raises(httpcore.ConnectError):
        pool.request("GET", f"http://127.0.0.1:{refusing_port}/")
    assert len(backend.attempts) == retries + 1
    assert pool.connections == []


def test_only_connecting_is_repeated(start_peer: StartPeer, open_pool: OpenPool) -> None:
    def reads_and_closes(conn: Conversation) -> None:
        conn.receive_request()

    peer = start_peer(reads_and_closes)
    with pytest.raises(httpcore.RemoteProtocolError):
        open_pool(retries=5).request("GET", peer.url())
    assert peer.accepted == 1


def test_error_of_the_network_keeps_its_cause(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    def resets(conn: Conversation) -> None:
        conn.receive_request()
        conn.reset()

    peer = start_peer(resets)
    with pytest.raises(httpcore.ReadError) as caught:
        open_pool().request("GET", peer.url())
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.fixture
def many_descriptors() -> typing.Iterator[None]:
    """Takes all the file descriptors that select() could handle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("the system allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    with contextlib.ExitStack() as stack:
        highest = 0
        while highest < 1100:
            highest = os.open(os.devnull, os.O_RDONLY)
            stack.callback(os.close, highest)
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize("tls", [False, True])
def test_file_descriptors_past_1024(
    start_peer: StartPeer, open_pool: OpenPool, ssl_context: ssl.SSLContext, tls: bool
) -> None:
    peer = start_peer(answers, tls=tls)
    pool = open_pool(ssl_context=ssl_context)
    timeout = {"timeout": {"connect": 5.0, "read": 5.0, "write": 5.0}}
    for _ in range(3):
        with pool.stream("GET", peer.url(), extensions=timeout) as response:
            stream = response.extensions["network_stream"]
            assert stream.get_extra_info("socket").fileno() > 1023
            assert response.read() == b"ok"
    assert peer.accepted == 1
