"""The proxies that the demo and the documentation go through: what they do, and refuse."""

import contextlib
import ssl

import pytest
from example_site import PROXY_AUTH
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore
from tools.demo.proxy import Proxies

SCHEMES = ("http", "https", "socks5", "socks4a")

# What they say to who may not come in.
REFUSALS = {
    "http": "407 Proxy Authentication Required",
    "https": "407 Proxy Authentication Required",
    "socks5": "Invalid username/password",
    "socks4a": "code 93",
}


def answers(conn: Conversation) -> None:
    for request in conn.each_request():
        conn.send(reply(request.body or b"Hello, world!"))


def through(
    proxies: Proxies, scheme: str, context: ssl.SSLContext, auth: tuple[bytes, bytes] | None
) -> httpcore.ConnectionPool:
    proxy = httpcore.Proxy(proxies.url(scheme), auth, ssl_context=context)
    return httpcore.ConnectionPool(proxy=proxy, ssl_context=context)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_forwarded_and_tunnelled_requests_arrive_as_they_were(
    start_peer: StartPeer, proxies: Proxies, ssl_context: ssl.SSLContext, scheme: str
) -> None:
    peers = [start_peer(answers), start_peer(answers, tls=True)]
    with through(proxies, scheme, ssl_context, PROXY_AUTH) as pool:
        for peer in peers:
            for content in (b"", bytes(100_000)):
                response = pool.request("POST", peer.url("/path?query"), content=content)
                assert response.content == (content or b"Hello, world!")
    for peer in peers:
        assert len(peer.connections) == 1
        for request in peer.requests:
            assert request.target == b"/path?query"
            assert request.header(b"proxy-authorization") is None


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("is_known", [True, False])
def test_who_has_the_password_comes_in(
    start_peer: StartPeer,
    guarded_proxies: Proxies,
    ssl_context: ssl.SSLContext,
    scheme: str,
    *,
    is_known: bool,
) -> None:
    peer = start_peer(answers, tls=True)
    user, password = PROXY_AUTH
    # SOCKS4 has no passwords.
    auth = (user if is_known else b"you", password)
    with through(guarded_proxies, scheme, ssl_context, auth) as pool:
        refusal: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if not is_known:
            refusal = pytest.raises(httpcore.ProxyError, match=REFUSALS[scheme])
        with refusal:
            assert pool.request("GET", peer.url()).status == 200
    assert len(guarded_proxies.asked) == len(peer.requests) == is_known


@pytest.mark.parametrize("scheme", SCHEMES)
def test_origin_that_is_not_there_is_a_refusal(
    refusing_port: int, proxies: Proxies, ssl_context: ssl.SSLContext, scheme: str
) -> None:
    with (
        through(proxies, scheme, ssl_context, None) as pool,
        pytest.raises(httpcore.ProxyError, match=r"^502 |refused"),
    ):
        pool.request("GET", f"https://127.0.0.1:{refusing_port}/")
    assert len(proxies.asked) == 1


def test_origin_that_is_not_there_is_a_bad_gateway(
    refusing_port: int, proxies: Proxies, ssl_context: ssl.SSLContext
) -> None:
    with through(proxies, "http", ssl_context, None) as pool:
        assert pool.request("GET", f"http://127.0.0.1:{refusing_port}/").status == 502


def test_clients_that_talk_nonsense_end_only_themselves(
    start_peer: StartPeer, proxies: Proxies, ssl_context: ssl.SSLContext
) -> None:
    backend = httpcore.SyncBackend()
    for port in (proxies.port, proxies.tls_port):
        for nonsense in (b"nonsense\r\n\r\n", b"\x05\x00", b"\x04" + bytes(300), b"GET "):
            with contextlib.closing(backend.connect_tcp("127.0.0.1", port)) as stream:
                stream.write(nonsense)
    peer = start_peer(answers)
    with through(proxies, "https", ssl_context, None) as pool:
        assert pool.request("GET", peer.url()).content == b"Hello, world!"
