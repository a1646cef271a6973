"""Tunnels through proxies, and through chains of them: what each of them hears."""

import base64

import pytest
from driving import (
    HOST,
    URL_A,
    URL_TLS,
    Driver,
    head,
    plain_context,
    reply,
)
from http2_peer import Peer, echo
from proxy_kinds import (
    KINDS,
    OPENED,
    Kind,
    each_kind,
    hears_connect,
    hears_socks4a,
    hears_socks5,
    proxy_of,
    through,
)
from script_steps import (
    Give,
    TakeBytes,
    TakeRequest,
)
from scripted import Network

from httpcore_interface import (
    ProxyError,
)
from httpcore_pool import Proxy


@each_kind
def test_https_goes_through_a_tunnel(driver: Driver, network: Network, kind: Kind) -> None:
    network.play(*kind.hears(HOST, 443), TakeRequest(), Give(reply(b"body")))
    pool = through(driver, Proxy(kind.url))
    response = pool.request("GET", URL_TLS)
    assert response.body == b"body"
    [connection] = network.connections
    assert connection.address.host == "proxy.test"
    assert connection.requests[-1].target == b"/"
    names = [handshake.server_hostname for handshake in connection.handshakes]
    assert names == ["proxy.test"] * kind.has_tls + ["example.test"]
    assert repr(pool.face.connections) == (
        f"[<{driver.prefix}{kind.connection} "
        "['https://example.test:443', HTTP/1.1, IDLE, Request Count: 1]>]"
    )


@each_kind
def test_tunnel_is_used_again(driver: Driver, network: Network, kind: Kind) -> None:
    network.play(
        *kind.hears(HOST, 443), TakeRequest(), Give(reply()), TakeRequest(), Give(reply())
    )
    pool = through(driver, Proxy(kind.url))
    for _ in range(2):
        pool.request("GET", URL_TLS)
    assert len(network.connections) == 1


@pytest.mark.parametrize("name", ["http", "https", "socks5", "socks4a"])
def test_websocket_without_tls_is_tunnelled_without_tls(
    driver: Driver, network: Network, name: str
) -> None:
    kind = KINDS[name]
    fields = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))
    network.play(
        *kind.hears(HOST, 80),
        TakeRequest(),
        Give(head(b"101 Switching Protocols", *fields) + b"hello"),
    )
    pool = through(driver, Proxy(kind.url))
    with pool.stream(
        "GET", "ws://example.test/", headers=[(b"Host", HOST), *fields]
    ) as response:
        assert response.status == 101
        assert response.wire.read(100) == b"hello"
    assert len(network.connections[0].handshakes) == kind.has_tls


@pytest.mark.parametrize("name", ["http", "socks5", "socks4a"])
def test_websocket_with_tls_gets_it_behind_the_proxy(
    driver: Driver, network: Network, name: str
) -> None:
    kind = KINDS[name]
    network.play(*kind.hears(HOST, 443), TakeRequest(), Give(reply()))
    through(driver, Proxy(kind.url)).request("GET", "wss://example.test/")
    [handshake] = network.connections[0].handshakes
    assert handshake.server_hostname == "example.test"


@pytest.mark.parametrize("name", ["socks5", "socks4a"])
def test_socks_tunnels_plain_http_too(driver: Driver, network: Network, name: str) -> None:
    kind = KINDS[name]
    network.play(*kind.hears(HOST, 80), TakeRequest(), Give(reply(b"body")))
    pool = through(driver, Proxy(kind.url))
    assert pool.request("GET", URL_A).body == b"body"
    assert network.connections[0].requests[0].target == b"/"
    assert not network.connections[0].handshakes


@pytest.mark.parametrize("url", ["http://example.test/", "ws://example.test/"])
def test_everything_is_tunnelled_if_that_is_asked_for(
    driver: Driver, network: Network, url: str
) -> None:
    network.play(*hears_connect(HOST, 80), TakeRequest(), Give(reply()))
    through(driver, proxy_of("http", tunnel=True)).request("GET", url)
    assert network.connections[0].requests[0].target == b"/"


def test_http2_is_spoken_in_a_tunnel(driver: Driver, network: Network) -> None:
    peer = Peer(echo)
    network.play(*hears_connect(HOST, 443), peer)
    network.alpn = "h2"
    pool = driver.pool(proxy=proxy_of("http"), http2=True, ssl_context=plain_context())
    response = pool.request("GET", URL_TLS + "path")
    assert response.body == b"/path"
    assert response.extension("http_version") == b"HTTP/2"


def test_http2_without_tls_is_tunnelled_where_nothing_else_is_spoken(
    driver: Driver, network: Network
) -> None:
    network.play(*hears_connect(HOST, 80), Peer(echo))
    pool = driver.pool(proxy=proxy_of("http"), http1=False, http2=True)
    assert pool.request("GET", URL_A + "path").body == b"/path"


def test_proxy_that_chooses_http2_is_refused(driver: Driver, network: Network) -> None:
    network.play(TakeBytes(0))
    network.alpn = "h2"
    with pytest.raises(ProxyError, match="the proxy has chosen HTTP/2"):
        through(driver, proxy_of("https")).request("GET", URL_TLS)
    assert not network.open_connections


def test_proxies_are_passed_in_order(driver: Driver, network: Network) -> None:
    network.play(
        *hears_socks5(b"second.test", 3129),
        *hears_connect(b"third.test", 1080),
        *hears_socks4a(HOST, 443),
        TakeRequest(),
        Give(reply(b"body")),
    )
    proxy = Proxy(
        "socks4a://third.test",
        via=Proxy("https://second.test:3129", via=Proxy("socks5://first.test:1081")),
    )
    pool = through(driver, proxy)
    assert pool.request("GET", URL_TLS).body == b"body"
    [connection] = network.connections
    assert (connection.address.host, connection.address.port) == ("first.test", 1081)
    names = [handshake.server_hostname for handshake in connection.handshakes]
    assert names == ["second.test", "example.test"]


def test_last_proxy_of_a_chain_forwards(driver: Driver, network: Network) -> None:
    network.play(*hears_socks5(b"proxy.test", 3128), TakeRequest(), Give(reply()))
    through(driver, proxy_of("http", via=proxy_of("socks5"))).request("GET", URL_A)
    assert network.connections[0].requests[0].target == b"http://example.test/"


def test_each_proxy_hears_its_own_credentials(driver: Driver, network: Network) -> None:
    first = Proxy("http://first.test", auth=("one", "1"))
    second = Proxy("http://second.test", auth=("two", "2"), via=first)
    network.play(
        TakeRequest(), Give(OPENED), TakeRequest(), Give(OPENED), TakeRequest(), Give(reply())
    )
    through(driver, second).request("GET", URL_TLS)
    fields = [
        request.header(b"proxy-authorization") for request in network.connections[0].requests
    ]
    assert fields == [
        b"Basic " + base64.b64encode(b"one:1"),
        b"Basic " + base64.b64encode(b"two:2"),
        None,
    ]
