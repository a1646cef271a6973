"""Pools behind proxies that do what real ones do not, on real sockets.

They speak in single bytes, talk nonsense, fall silent, or lead to origins that fail.
"""

import collections.abc
import contextlib
import pathlib
import socket
import sys
import typing

import pytest
from cancelled_stages import answers, trusting_nobody
from colours import OpenPool, Pool
from peers.certificates import Authority
from peers.deadlines import wait_until
from peers.messages import head, reply
from peers.proxies import KINDS, OPENED, Kind
from peers.scripted import Conversation, ScriptedPeer
from peers.starting import StartPeer
from peers.workers import Worker, outcomes_together, run_together
from stalled_proxies import STAGES, StalledProxy, hears_something

import httpcore

each_kind = pytest.mark.parametrize("kind", KINDS)

OpenBehind = typing.Callable[[str, ScriptedPeer], Pool]


def is_quiet(pool: Pool) -> bool:
    """Whether nothing is under way, and nothing is left."""
    stats = pool.stats()
    under_way = (stats.requests_active, stats.requests_queued, stats.dialling, stats.active)
    return not any(under_way) and stats.idle == len(pool.connections)


@pytest.fixture
def open_behind(open_pool: OpenPool, authority: Authority) -> OpenBehind:
    """Makes a pool for one connection, behind a proxy of some kind."""

    def open_behind(kind: str, proxy: ScriptedPeer) -> Pool:
        return open_pool(
            proxy=KINDS[kind].proxy(proxy.port, authority),
            ssl_context=authority.client_context(),
            max_connections=1,
        )

    return open_behind


# -- tunnels -----------------------------------------------------------------------------


@each_kind
def test_answers_in_single_bytes(
    start_peer: StartPeer, open_behind: OpenBehind, authority: Authority, kind: str
) -> None:
    origin = start_peer(answers, tls=True)
    proxy = start_peer(KINDS[kind].relays(authority, Conversation.send_singly))
    pool = open_behind(kind, proxy)
    for _ in range(2):
        assert pool.request("GET", origin.url()).content == b"ok"
    assert (proxy.accepted, origin.accepted) == (1, 1)
    assert origin.connections[0].received.count(b"somebody") == 0


@pytest.mark.parametrize("kind", ["http", "socks5", "socks4a"])
def test_name_is_looked_up_by_the_proxy(
    start_peer: StartPeer, open_behind: OpenBehind, authority: Authority, kind: str
) -> None:
    origin = start_peer(answers)
    proxy = start_peer(KINDS[kind].relays(authority))
    pool = open_behind(kind, proxy)
    # A name that nobody knows, here or elsewhere (RFC 6761, section 6.4).
    url = f"http://nowhere.invalid:{origin.port}/"
    assert pool.request("GET", url).content == b"ok"
    assert b"nowhere.invalid" in proxy.connections[0].received
    assert origin.requests[0].header(b"host") == b"nowhere.invalid:%d" % origin.port


@pytest.mark.parametrize("kind", ["http", "https", "guarded-socks5"])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_websocket_through_a_tunnel(
    start_peer: StartPeer,
    open_behind: OpenBehind,
    authority: Authority,
    kind: str,
    scheme: str,
) -> None:
    fields = [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]

    def switches(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(head(101, *(b"%b: %b" % field for field in fields)) + b"hello")
        while conn.has_more():
            conn.send(conn.receive_line().upper())

    origin = start_peer(switches, tls=scheme == "wss")
    pool = open_behind(kind, start_peer(KINDS[kind].relays(authority)))
    with pool.stream("GET", origin.url("/chat", scheme=scheme), headers=fields) as response:
        assert response.status == 101
        stream = response.extensions["network_stream"]
        assert (stream.get_extra_info("ssl_object") is not None) == (
            scheme == "wss" or KINDS[kind].has_tls
        )
        assert stream.read(3, timeout=5) == b"hel"
        assert stream.read(100, timeout=5) == b"lo"
        stream.write(b"louder\r\n", timeout=5)
        assert stream.read(100, timeout=5) == b"LOUDER"
    assert pool.connections == []
    assert origin.requests[0].target == b"/chat"


@pytest.mark.parametrize("kind", ["http", "https"])
def test_early_answer_ends_an_upload_through_a_tunnel(
    start_peer: StartPeer, open_behind: OpenBehind, authority: Authority, kind: str
) -> None:
    produced = 0

    def pieces() -> collections.abc.Iterator[bytes]:
        nonlocal produced
        # Far more than fits into all that lies between.
        for _ in range(1000):
            produced += 1
            yield b"u" * 65_536

    def refuses(conn: Conversation) -> None:
        conn.receive_head()
        conn.send(reply(b"too large", 413))
        conn.wait_eof()

    origin = start_peer(refuses, tls=True)
    pool = open_behind(kind, start_peer(KINDS[kind].relays(authority)))
    response = pool.request("POST", origin.url(), content=pieces())
    assert (response.status, response.content) == (413, b"too large")
    assert produced < 1000
    assert pool.connections == []


@each_kind
def test_end_of_an_idle_tunnel_is_noticed(
    start_peer: StartPeer, open_behind: OpenBehind, authority: Authority, kind: str
) -> None:
    def answers_once(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(reply(b"ok"))

    origin = start_peer(answers_once, tls=True)
    proxy = start_peer(KINDS[kind].relays(authority))
    pool = open_behind(kind, proxy)
    for number in range(1, 4):
        # One that is not sent again, if it was lost.
        response = pool.request("POST", origin.url(), content=b"upload")
        assert response.content == b"ok"
        stream = response.extensions["network_stream"]
        wait_until(lambda: proxy.open_ends == 0, "the proxy has closed the connection")
        wait_until(lambda: bool(stream.get_extra_info("is_readable")), "the end has come")
        assert proxy.accepted == number
    assert pool.stats().retried == 0


def test_proxy_is_shared_by_pools_of_all_colours(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    origin = start_peer(answers, tls=True)
    peer = start_peer(KINDS["https"].relays(authority))
    proxy = KINDS["https"].proxy(peer.port, authority)
    context = authority.client_context()
    pools = [open_pool(proxy=proxy, ssl_context=context) for _ in range(2)]
    with httpcore.ConnectionPool(proxy=proxy, ssl_context=context) as blocking:
        for pool in (*pools, blocking) * 2:
            assert pool.request("GET", origin.url()).content == b"ok"
    assert peer.accepted == 3


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
def test_unix_socket_is_the_way_to_the_proxy(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority, tmp_path: pathlib.Path
) -> None:
    origin = start_peer(answers, tls=True)
    for kind in ("https", "socks5"):
        path = tmp_path / f"{kind}.sock"
        proxy = start_peer(KINDS[kind].relays(authority), path=path)
        pool = open_pool(
            proxy=KINDS[kind].proxy(1080, authority),
            ssl_context=authority.client_context(),
            uds=str(path),
        )
        assert pool.request("GET", origin.url()).content == b"ok"
        assert proxy.accepted == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one address only")
def test_local_address_is_where_the_proxy_sees_us(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    origin = start_peer(answers)
    proxy = start_peer(KINDS["socks5"].relays(authority))
    pool = open_pool(
        proxy=KINDS["socks5"].proxy(proxy.port, authority), local_address="127.0.0.9"
    )
    assert pool.request("GET", origin.url()).content == b"ok"
    assert proxy.connections[0].client_address[0] == "127.0.0.9"


def test_proxy_that_hangs_up_once_is_tried_again(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    origin = start_peer(answers, tls=True)
    proxy = start_peer(Conversation.reset, KINDS["http"].relays(authority))
    pool = open_pool(
        proxy=KINDS["http"].proxy(proxy.port, authority),
        ssl_context=authority.client_context(),
        retries=1,
    )
    assert pool.request("GET", origin.url()).content == b"ok"
    assert proxy.accepted == 2


# -- failures ----------------------------------------------------------------------------

NONSENSE = {
    "garbage": b"\x16\x03\x01 what is this\r\n\r\n",
    "nothing": b"",
    "early bytes": OPENED + b"early",
    "endless head": OPENED[:-2] + b"A: b\r\n" * 200_000,
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_an_error_of_the_proxy(
    start_peer: StartPeer, open_behind: OpenBehind, authority: Authority, answer: bytes
) -> None:
    def test(name: str, kind: Kind) -> None:
        def babbles(conn: Conversation) -> None:
            if kind.has_tls:
                conn.start_tls(authority.server_context())
            conn.receive(1)
            # The client closes as soon as it has heard enough.
            with contextlib.suppress(OSError):
                conn.send(answer)

        pool = open_behind(name, start_peer(babbles))
        for _ in range(2):
            with pytest.raises(httpcore.ProxyError):
                pool.request("GET", "https://nowhere.invalid/")
            assert pool.connections == []
            assert is_quiet(pool)

    for name, kind in KINDS.items():
        test(name, kind)


@each_kind
def test_failed_handshakes_behind_a_proxy_use_up_no_places(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority, kind: str
) -> None:
    def is_distrusted(conn: Conversation) -> None:
        # With TLS 1.3 the server is told after its own handshake is over.
        with contextlib.suppress(OSError):
            conn.start_tls(authority.server_context())
            assert not conn.has_more()

    distrusted, healthy = start_peer(is_distrusted), start_peer(answers)
    proxy = start_peer(KINDS[kind].relays(authority))
    pool = open_pool(
        proxy=KINDS[kind].proxy(proxy.port, authority),
        ssl_context=trusting_nobody(),
        max_connections=2,
    )
    soon = {"timeout": {"pool": 5.0}}
    for _ in range(3):
        with pytest.raises(httpcore.ConnectError, match=r"(?i)certificate"):
            pool.request("GET", distrusted.url(scheme="https"), extensions=soon)
        assert pool.connections == []
        assert is_quiet(pool)
    assert pool.request("GET", healthy.url(), extensions=soon).content == b"ok"
    wait_until(lambda: proxy.open_ends == 1, "the proxy notices the end of the others")


@pytest.mark.parametrize("kind", ["https", "socks5"])
def test_many_at_once_of_which_some_fail(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority, kind: str
) -> None:
    plain, tls = start_peer(answers), start_peer(answers, tls=True)
    # Closes in the midst of the handshake.
    broken = start_peer(hears_something)
    urls = [plain.url(), tls.url(), broken.url(scheme="https")]
    proxy = start_peer(KINDS[kind].relays(authority))
    pool = open_pool(
        proxy=KINDS[kind].proxy(proxy.port, authority),
        ssl_context=authority.client_context(),
        max_connections=3,
    )

    def get(number: int) -> bytes:
        return pool.request("GET", urls[number % 3]).content

    for number, outcome in enumerate(outcomes_together(24, get)):
        assert (
            outcome == b"ok" if number % 3 < 2 else isinstance(outcome, httpcore.ConnectError)
        )
    assert is_quiet(pool)
    assert pool.stats().idle <= 3


@pytest.mark.parametrize("limit", ["connect", "total"])
def test_silent_proxy_is_given_up(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority, limit: str
) -> None:
    origin = start_peer(answers)
    every_stage = [
        StalledProxy(start_peer, authority, kind, stage)
        for kind, stage in STAGES
        # What is forwarded is not connected any more: that is a read.
        if stage != "response"
    ]

    def give_up(number: int) -> None:
        stalled = every_stage[number]
        pool = open_pool(proxy=stalled.proxy, ssl_context=trusting_nobody(), max_connections=1)
        short = {"timeout": {limit: 0.5, "read": 60.0, "write": 60.0}}
        with pytest.raises(httpcore.ConnectTimeout):
            pool.request("GET", stalled.url(origin.port), extensions=short)
        assert pool.connections == []
        assert is_quiet(pool)
        wait_until(lambda: stalled.peer.open_ends == 0, "the proxy notices")
        soon = {"timeout": {"pool": 5.0}}
        assert pool.request("GET", origin.url(), extensions=soon).content == b"ok"

    run_together(len(every_stage), give_up)


def test_closing_the_pool_ends_the_talk_with_the_proxy(
    start_peer: StartPeer, open_pool: OpenPool, authority: Authority
) -> None:
    def close_while_it_talks(stalled: StalledProxy) -> None:
        pool = open_pool(proxy=stalled.proxy, ssl_context=trusting_nobody())
        talking = Worker(lambda: pool.request("GET", stalled.url(1)))
        stalled.reached.wait()
        pool.close()
        assert isinstance(talking.error(), httpcore.NetworkError | RuntimeError)
        assert (pool.connections, len(pool._requests)) == ([], 0)
        wait_until(lambda: stalled.peer.open_ends == 0, "the proxy notices")

    for kind, stage in STAGES:
        close_while_it_talks(StalledProxy(start_peer, authority, kind, stage))
