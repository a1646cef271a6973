"""Pools behind real proxies: squid, tinyproxy and dante, and chains of them."""

import dataclasses
import hashlib
import json
import socket
import ssl
import urllib.parse

import pytest
from cancelled_stages import answers
from colours import OpenPool, Pool
from peers import dante as dante_server
from peers import squid as squid_server
from peers import tinyproxy as tinyproxy_server
from peers.dante import Dante
from peers.hypercorn import Hypercorn
from peers.ports import Address
from peers.squid import Squid
from peers.starting import StartPeer
from peers.tinyproxy import Tinyproxy
from peers.workers import run_together

import httpcore

LARGE = bytes(range(250)) * 8_000
"""2 MB."""


def spelled(user: str, password: str) -> str:
    """A user and a password as a URL has them."""
    return ":".join(urllib.parse.quote(part, safe="") for part in (user, password))


def proxy_at(
    address: Address, scheme: str = "http", user: str = "", via: httpcore.Proxy | None = None
) -> httpcore.Proxy:
    url = f"{scheme}://{user}{'@' if user else ''}{address.host}:{address.port}"
    return httpcore.Proxy(url, via=via)


@pytest.fixture
def squid_tls(squid: Squid, ssl_context: ssl.SSLContext) -> httpcore.Proxy:
    return httpcore.Proxy(squid.tls.url("https"), ssl_context=ssl_context)


def assert_carries_megabytes(pool: Pool, url: str) -> None:
    """Makes sure that hypercorn gets and gives large bodies."""
    response = pool.request("POST", f"{url}/digest", content=LARGE)
    expected = {"length": len(LARGE), "sha256": hashlib.sha256(LARGE).hexdigest()}
    assert json.loads(response.content) == expected
    is_equal = pool.request("GET", f"{url}/bytes/{len(LARGE)}").content == b"x" * len(LARGE)
    assert is_equal
    # Both ways at once.
    pieces = [LARGE[start : start + 50_000] for start in range(0, len(LARGE), 50_000)]
    is_equal = pool.request("POST", f"{url}/mirror", content=pieces).content == LARGE
    assert is_equal
    assert pool.request("GET", f"{url}/bytes/3").content == b"xxx"


# -- HTTP --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class HTTPProxy:
    """What squid and tinyproxy have in common."""

    plain: Address
    guarded: Address
    user: str
    """With the password, as a URL has both."""
    refusal: int
    """The status that answers a wrong password."""
    keeps_alive: bool
    """Whether its connections outlive a forwarded request."""


@pytest.fixture(
    params=[
        pytest.param("squid", marks=pytest.mark.squid),
        pytest.param("tinyproxy", marks=pytest.mark.tinyproxy),
    ]
)
def http_proxy(request: pytest.FixtureRequest) -> HTTPProxy:
    running: Squid | Tinyproxy = request.getfixturevalue(request.param)
    if isinstance(running, Squid):
        user = spelled(squid_server.USER, squid_server.PASSWORD)
        return HTTPProxy(running.plain, running.guarded, user, 407, keeps_alive=True)
    user = spelled(tinyproxy_server.USER, tinyproxy_server.PASSWORD)
    return HTTPProxy(running.plain, running.guarded, user, 401, keeps_alive=False)


def test_forwarded_requests(
    http_proxy: HTTPProxy, open_pool: OpenPool, start_peer: StartPeer
) -> None:
    origin = start_peer(answers)
    pool = open_pool(proxy=proxy_at(http_proxy.plain))
    # The proxy looks the name up.
    url = f"http://localhost:{origin.port}/path?query"
    for _ in range(3):
        # Idempotent: tinyproxy does not say that it closes, and may do so too late to be seen.
        response = pool.request("PUT", url, content=b"upload")
        assert (response.status, response.content) == (200, b"ok")
    for request in origin.requests:
        assert (request.method, request.target) == (b"PUT", b"/path?query")
        assert request.header(b"host") == b"localhost:%d" % origin.port
        assert request.header(b"via") is not None
        assert request.body == b"upload"
    stats = pool.stats()
    assert stats.opened == (1 if http_proxy.keeps_alive else 3)
    assert stats.active == 0
    if http_proxy.keeps_alive:
        assert stats.retried == 0


def test_tunnel_is_used_again(
    http_proxy: HTTPProxy,
    open_pool: OpenPool,
    start_peer: StartPeer,
    ssl_context: ssl.SSLContext,
) -> None:
    origin = start_peer(answers, tls=True)
    pool = open_pool(proxy=proxy_at(http_proxy.plain), ssl_context=ssl_context)
    url = f"https://localhost:{origin.port}/path"
    for _ in range(3):
        assert pool.request("GET", url).content == b"ok"
    assert (pool.stats().opened, origin.accepted) == (1, 1)
    assert origin.connections[0].server_name == "localhost"
    assert {request.target for request in origin.requests} == {b"/path"}
    assert {request.header(b"via") for request in origin.requests} == {None}


def test_request_is_tunnelled_without_tls(
    http_proxy: HTTPProxy, open_pool: OpenPool, start_peer: StartPeer
) -> None:
    origin = start_peer(answers)
    proxy = httpcore.Proxy(http_proxy.plain.url("http"), tunnel=True)
    assert open_pool(proxy=proxy).request("GET", origin.url()).content == b"ok"
    assert origin.requests[0].header(b"via") is None


def test_password_is_for_the_proxy_only(
    http_proxy: HTTPProxy,
    open_pool: OpenPool,
    start_peer: StartPeer,
    ssl_context: ssl.SSLContext,
) -> None:
    plain, tls = start_peer(answers), start_peer(answers, tls=True)
    proxy = proxy_at(http_proxy.guarded, user=http_proxy.user)
    pool = open_pool(proxy=proxy, ssl_context=ssl_context)
    for origin in (plain, tls):
        assert pool.request("GET", origin.url()).content == b"ok"
        assert origin.requests[0].header(b"proxy-authorization") is None


@pytest.mark.parametrize("user", ["", "somebody:else"], ids=["no password", "a wrong one"])
def test_refused_password(
    http_proxy: HTTPProxy, open_pool: OpenPool, start_peer: StartPeer, user: str
) -> None:
    origin = start_peer(answers)
    pool = open_pool(proxy=proxy_at(http_proxy.guarded, user=user), max_connections=1)
    expected = http_proxy.refusal if user else 407
    # Where it forwards, its answer is the response.
    for _ in range(2):
        response = pool.request("GET", origin.url())
        assert response.status == expected
        is_challenge = b"proxy-authenticate" in {name.lower() for name, _ in response.headers}
        assert is_challenge == (expected == 407)
    for _ in range(2):
        with pytest.raises(httpcore.ProxyError, match=f"^{expected} ") as caught:
            pool.request("GET", origin.url(scheme="https"))
        assert caught.value.status == expected
        assert caught.value.reason
        fields = {name.lower(): value for name, value in caught.value.headers}
        assert fields.get(b"proxy-authenticate", b"basic").lower().startswith(b"basic")
        assert (b"proxy-authenticate" in fields) == (expected == 407)
        assert pool.connections == []
    assert origin.accepted == 0


def test_origin_where_nobody_listens(
    http_proxy: HTTPProxy, open_pool: OpenPool, refusing_port: int
) -> None:
    pool = open_pool(proxy=proxy_at(http_proxy.plain), max_connections=1)
    for _ in range(2):
        with pytest.raises(httpcore.ProxyError) as caught:
            pool.request("GET", f"https://127.0.0.1:{refusing_port}/")
        assert caught.value.status is not None
        assert caught.value.status >= 500
        assert pool.connections == []
    assert pool.request("GET", f"http://127.0.0.1:{refusing_port}/").status >= 500


@pytest.mark.squid
def test_origin_that_squid_does_not_go_to(squid: Squid, open_pool: OpenPool) -> None:
    pool = open_pool(proxy=proxy_at(squid.plain))
    # An address of the documentation's, where there is nothing.
    with pytest.raises(httpcore.ProxyError, match=r"^403 ") as caught:
        pool.request("GET", "https://192.0.2.1/")
    assert (caught.value.status, caught.value.reason) == (403, b"Forbidden")
    assert pool.request("GET", "http://192.0.2.1/").status == 403


@pytest.mark.squid
def test_tunnels_and_forwarded_requests_share_one_place(
    squid: Squid, open_pool: OpenPool, start_peer: StartPeer, ssl_context: ssl.SSLContext
) -> None:
    plain, tls = start_peer(answers), start_peer(answers, tls=True)
    pool = open_pool(proxy=proxy_at(squid.plain), ssl_context=ssl_context, max_connections=1)
    for _ in range(3):
        for origin in (plain, tls):
            assert pool.request("GET", origin.url()).content == b"ok"
            assert len(pool.connections) == 1

    def get(number: int) -> bytes:
        return pool.request("GET", (plain, tls)[number % 2].url()).content

    assert run_together(10, get) == [b"ok"] * 10
    assert pool.stats().active == 0


@pytest.mark.squid
@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_address_of_ipv6_through_squid(
    squid: Squid,
    open_pool: OpenPool,
    start_peer: StartPeer,
    ssl_context: ssl.SSLContext,
    scheme: str,
) -> None:
    try:
        origin = start_peer(answers, host="::1", tls=scheme == "https")
    except OSError:
        pytest.skip("::1 cannot be listened on here")
    pool = open_pool(proxy=proxy_at(squid.plain), ssl_context=ssl_context)
    assert pool.request("GET", origin.url("/")).content == b"ok"
    assert origin.requests[0].header(b"host") == b"[::1]:%d" % origin.port


# -- HTTP over TLS -----------------------------------------------------------------------


@pytest.mark.squid
def test_forwarding_over_tls(
    squid_tls: httpcore.Proxy, open_pool: OpenPool, hypercorn: Hypercorn
) -> None:
    pool = open_pool(proxy=squid_tls)
    assert_carries_megabytes(pool, hypercorn.plain)
    with pool.stream("GET", f"{hypercorn.plain}/bytes/3") as response:
        stream = response.extensions["network_stream"]
        assert stream.get_extra_info("ssl_object") is not None


@pytest.mark.squid
def test_tls_in_tls(
    squid_tls: httpcore.Proxy,
    open_pool: OpenPool,
    hypercorn: Hypercorn,
    ssl_context: ssl.SSLContext,
) -> None:
    pool = open_pool(proxy=squid_tls, ssl_context=ssl_context)
    assert_carries_megabytes(pool, hypercorn.tls)


@pytest.mark.squid
def test_proxy_that_is_not_trusted(
    squid: Squid, open_pool: OpenPool, hypercorn: Hypercorn, ssl_context: ssl.SSLContext
) -> None:
    # What trusts the origin is nobody's word for the proxy.
    pool = open_pool(proxy=proxy_at(squid.tls, "https"), ssl_context=ssl_context)
    for url in (hypercorn.tls, hypercorn.plain):
        with pytest.raises(httpcore.ConnectError, match=r"(?i)certificate"):
            pool.request("GET", url)
        assert pool.connections == []


# -- HTTP/2 ------------------------------------------------------------------------------


@pytest.fixture(
    params=[
        pytest.param("squid", marks=pytest.mark.squid),
        pytest.param("squid_tls", marks=pytest.mark.squid),
        pytest.param("dante", marks=pytest.mark.dante),
    ]
)
def tunnel(request: pytest.FixtureRequest) -> httpcore.Proxy:
    running: Squid | Dante | httpcore.Proxy = request.getfixturevalue(request.param)
    if isinstance(running, httpcore.Proxy):
        return running
    return proxy_at(running.plain, "http" if isinstance(running, Squid) else "socks5")


def test_http2_in_a_tunnel(
    tunnel: httpcore.Proxy,
    open_pool: OpenPool,
    hypercorn: Hypercorn,
    ssl_context: ssl.SSLContext,
) -> None:
    pool = open_pool(proxy=tunnel, ssl_context=ssl_context, http2=True)

    def exchange(number: int) -> bytes:
        if number % 5:
            return pool.request("GET", f"{hypercorn.tls}/bytes/{number}").content
        body = b"x" * number * 10_000
        return pool.request("POST", f"{hypercorn.tls}/mirror", content=body).content[:number]

    assert run_together(40, exchange) == [b"x" * number for number in range(40)]
    response = pool.request("GET", f"{hypercorn.tls}/bytes/{len(LARGE)}")
    assert response.extensions["http_version"] == b"HTTP/2"
    assert len(response.content) == len(LARGE)
    assert pool.stats().opened == 1


# -- SOCKS -------------------------------------------------------------------------------


@pytest.mark.dante
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "example.com"])
def test_socks5(
    dante: Dante,
    open_pool: OpenPool,
    start_peer: StartPeer,
    ssl_context: ssl.SSLContext,
    scheme: str,
    host: str,
) -> None:
    # What example.com is here, nobody but this proxy knows.
    origin = start_peer(answers, tls=True)
    pool = open_pool(proxy=proxy_at(dante.plain, scheme), ssl_context=ssl_context)
    for _ in range(2):
        assert pool.request("GET", f"https://{host}:{origin.port}/").content == b"ok"
    assert origin.accepted == 1
    assert origin.requests[0].header(b"host") == f"{host}:{origin.port}".encode()


@pytest.mark.dante
@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_socks5_to_an_address_of_ipv6(
    dante: Dante, open_pool: OpenPool, start_peer: StartPeer, ssl_context: ssl.SSLContext
) -> None:
    try:
        origin = start_peer(answers, host="::1", tls=True)
    except OSError:
        pytest.skip("::1 cannot be listened on here")
    pool = open_pool(proxy=proxy_at(dante.plain, "socks5"), ssl_context=ssl_context)
    assert pool.request("GET", origin.url()).content == b"ok"


@pytest.mark.dante
def test_socks5_with_a_password(
    dante: Dante, open_pool: OpenPool, hypercorn: Hypercorn, ssl_context: ssl.SSLContext
) -> None:
    user = spelled(dante_server.USER, dante_server.PASSWORD)
    pool = open_pool(proxy=proxy_at(dante.guarded, "socks5", user), ssl_context=ssl_context)
    for url in (hypercorn.tls, hypercorn.plain):
        assert pool.request("GET", f"{url}/bytes/3").content == b"xxx"


@pytest.mark.dante
@pytest.mark.parametrize(
    ("user", "message"),
    [("", "asks for authentication"), ("somebody:else", "Invalid username/password")],
)
def test_socks5_with_no_password_or_a_wrong_one(
    dante: Dante, open_pool: OpenPool, start_peer: StartPeer, user: str, message: str
) -> None:
    origin = start_peer(answers)
    pool = open_pool(proxy=proxy_at(dante.guarded, "socks5", user), max_connections=1)
    for _ in range(2):
        with pytest.raises(httpcore.ProxyError, match=message):
            pool.request("GET", origin.url())
        assert pool.connections == []
    assert origin.accepted == 0


@pytest.mark.dante
@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("192.0.2.1", r"not allowed by the rules of the proxy \(code 2\)"),
        ("nowhere.invalid", r"host unreachable \(code 4\)"),
        ("127.0.0.1", r"connection refused \(code 5\)"),
    ],
)
def test_socks5_refusals_say_why(
    dante: Dante, open_pool: OpenPool, refusing_port: int, host: str, message: str
) -> None:
    pool = open_pool(proxy=proxy_at(dante.plain, "socks5"), max_connections=1)
    for _ in range(2):
        with pytest.raises(httpcore.ProxyError, match=message):
            pool.request("GET", f"http://{host}:{refusing_port}/")
        assert pool.connections == []


@pytest.mark.dante
def test_socks4(
    dante: Dante,
    open_pool: OpenPool,
    start_peer: StartPeer,
    ssl_context: ssl.SSLContext,
    refusing_port: int,
) -> None:
    origin = start_peer(answers, tls=True)
    proxy = proxy_at(dante.plain, "socks4", "somebody")
    pool = open_pool(proxy=proxy, ssl_context=ssl_context)
    for _ in range(2):
        assert pool.request("GET", origin.url()).content == b"ok"
    assert origin.accepted == 1
    with pytest.raises(httpcore.ProxyError, match=r"request rejected or failed"):
        pool.request("GET", f"http://127.0.0.1:{refusing_port}/")
    with pytest.raises(httpcore.ProxyError, match="takes no names"):
        pool.request("GET", f"https://localhost:{origin.port}/")


# -- chains ------------------------------------------------------------------------------


@pytest.mark.dante
@pytest.mark.squid
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_squid_behind_dante(
    squid: Squid,
    dante: Dante,
    open_pool: OpenPool,
    start_peer: StartPeer,
    scheme: str,
    ssl_context: ssl.SSLContext,
) -> None:
    origin = start_peer(answers, tls=scheme == "https")
    user = spelled(squid_server.USER, squid_server.PASSWORD)
    proxy = proxy_at(squid.guarded, user=user, via=proxy_at(dante.plain, "socks5"))
    pool = open_pool(proxy=proxy, ssl_context=ssl_context)
    for _ in range(2):
        assert pool.request("GET", origin.url()).content == b"ok"
    # It is the last proxy that forwards.
    assert (origin.requests[0].header(b"via") is not None) == (scheme == "http")


@pytest.mark.dante
@pytest.mark.squid
def test_dante_behind_squid(
    squid_tls: httpcore.Proxy,
    dante: Dante,
    open_pool: OpenPool,
    hypercorn: Hypercorn,
    ssl_context: ssl.SSLContext,
) -> None:
    user = spelled(dante_server.USER, dante_server.PASSWORD)
    proxy = proxy_at(dante.guarded, "socks5h", user, via=squid_tls)
    pool = open_pool(proxy=proxy, ssl_context=ssl_context)
    assert_carries_megabytes(pool, hypercorn.tls)
    assert pool.request("GET", f"{hypercorn.plain}/bytes/3").content == b"xxx"


@pytest.mark.dante
@pytest.mark.squid
@pytest.mark.tinyproxy
def test_all_of_them_in_a_row(
    squid: Squid,
    dante: Dante,
    tinyproxy: Tinyproxy,
    open_pool: OpenPool,
    hypercorn: Hypercorn,
    ssl_context: ssl.SSLContext,
) -> None:
    first = proxy_at(tinyproxy.plain)
    second = httpcore.Proxy(squid.tls.url("https"), ssl_context=ssl_context, via=first)
    # Once more over TLS, in the TLS of the tunnel.
    third = httpcore.Proxy(squid.tls.url("https"), ssl_context=ssl_context, via=second)
    proxy = proxy_at(dante.plain, "socks5", via=third)
    pool = open_pool(proxy=proxy, ssl_context=ssl_context)
    response = pool.request("POST", f"{hypercorn.tls}/mirror", content=LARGE[:1_000_000])
    is_equal = response.content == LARGE[:1_000_000]
    assert is_equal
    assert pool.request("GET", f"{hypercorn.tls}/bytes/3").content == b"xxx"
    assert pool.stats().opened == 1
