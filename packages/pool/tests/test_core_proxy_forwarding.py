"""Requests that a proxy forwards: what it hears."""

import pytest
from driving import (
    HOST,
    URL_A,
    URL_TLS,
    Driver,
    reply,
)
from proxy_kinds import (
    KINDS,
    Kind,
    each_kind,
    hears_connect,
    proxy_of,
    through,
    whole,
)
from script_steps import (
    Give,
    TakeRequest,
)
from scripted import Network

from httpcore_pool import Proxy


@pytest.mark.parametrize("name", ["http", "https"])
def test_plain_http_is_forwarded(driver: Driver, network: Network, name: str) -> None:
    network.answer(reply(b"body"), reply(b"again"))
    pool = through(driver, proxy_of(name))
    url = "http://example.test:8080/path?query"
    assert pool.request("POST", url, content=b"upload").body == b"body"
    assert pool.request("GET", url).body == b"again"
    [connection] = network.connections
    request = connection.requests[0]
    assert request.target == b"http://example.test:8080/path?query"
    assert request.header(b"host") == b"example.test:8080"
    assert request.body == b"upload"
    assert len(connection.handshakes) == KINDS[name].has_tls
    origin = proxy_of(name).url.origin
    assert repr(pool.face.connections) == (
        f"[<{driver.prefix}ForwardHTTPConnection "
        # What it is connected to is the proxy.
        f"['{origin}', HTTP/1.1, IDLE, Request Count: 2]>]"
    )


def test_each_origin_has_connections_of_its_own(driver: Driver, network: Network) -> None:
    network.serve(whole)
    pool = through(driver, proxy_of("http"))
    for _ in range(2):
        for url in (URL_A, "http://other.test/"):
            assert pool.request("GET", url).body == url.encode()
    assert len(network.connections) == 2


def test_websocket_is_forwarded_if_that_is_asked_for(driver: Driver, network: Network) -> None:
    network.answer(reply())
    pool = through(driver, proxy_of("http", tunnel=False))
    pool.request("GET", "ws://example.test/chat")
    # HTTP's scheme (RFC 6455, section 4.1).
    assert network.connections[0].requests[0].target == b"http://example.test/chat"


def test_https_is_tunnelled_whatever_is_asked_for(driver: Driver, network: Network) -> None:
    network.play(*hears_connect(HOST, 443), TakeRequest(), Give(reply()))
    through(driver, proxy_of("http", tunnel=False)).request("GET", URL_TLS)


def test_fields_for_the_proxy_go_with_each_request(driver: Driver, network: Network) -> None:
    network.answer(reply(), reply())
    proxy = Proxy("http://proxy.test", headers={"X-Proxy": "one", "Via": "two"})
    pool = through(driver, proxy)
    pool.request("GET", URL_A)
    # The request's own is more to the point.
    pool.request("GET", URL_A, headers=[(b"x-proxy", b"three")])
    first, second = network.connections[0].requests
    assert first.headers == [(b"Host", HOST), (b"X-Proxy", b"one"), (b"Via", b"two")]
    assert second.headers == [(b"Host", HOST), (b"Via", b"two"), (b"x-proxy", b"three")]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/other//path", b"http://example.test/other//path"),
        (b"*", b"http://example.test"),
        (b"http://else.test/", b"http://else.test/"),
    ],
)
def test_target_that_is_asked_for_is_the_origins(
    driver: Driver, network: Network, target: bytes, expected: bytes
) -> None:
    network.answer(reply())
    pool = through(driver, proxy_of("http"))
    pool.request("OPTIONS", URL_A, extensions={"target": target})
    assert network.connections[0].requests[0].target == expected


@each_kind
def test_target_that_is_asked_for_never_changes_the_tunnel(
    driver: Driver, network: Network, kind: Kind
) -> None:
    network.play(*kind.hears(HOST, 443), TakeRequest(), Give(reply()))
    pool = through(driver, Proxy(kind.url))
    pool.request("GET", URL_TLS, extensions={"target": b"//elsewhere"})
    assert network.connections[0].requests[-1].target == b"//elsewhere"


def test_answer_of_a_forwarding_proxy_is_a_response(driver: Driver, network: Network) -> None:
    network.answer(reply(b"who?", status=b"407 Proxy Authentication Required"))
    response = through(driver, proxy_of("http")).request("GET", URL_A)
    assert (response.status, response.body) == (407, b"who?")
