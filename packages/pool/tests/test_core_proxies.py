"""Requests through proxies: what each hears, and what becomes of the way to the origin."""

import base64
import logging

import pytest
from driving import (
    HOST,
    URL_A,
    URL_TLS,
    Background,
    Driver,
    Extensions,
    PoolClient,
    Reply,
    head,
    plain_context,
    reply,
)
from http2_peer import Peer, echo
from proxy_kinds import (
    BASIC,
    KINDS,
    NAME,
    OPENED,
    PASSWORD,
    SPELLED,
    Kind,
    ServeThrough,
    hears_connect,
    hears_socks4a,
    hears_socks5,
    proxy_of,
)
from script_steps import (
    Dial,
    End,
    FailRead,
    FailWrite,
    Give,
    Hang,
    Pause,
    Received,
    Shake,
    Stall,
    Step,
    Take,
    TakeBytes,
    TakeRequest,
)
from scripted import Network
from virtual_clock import Clock

from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    LocalProtocolError,
    ProxyError,
    ReadError,
    RemoteProtocolError,
    WriteError,
)
from httpcore_pool import URL, Proxy

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
each_name = pytest.mark.parametrize("name", KINDS)


def through(driver: Driver, proxy: Proxy) -> PoolClient:
    return driver.pool(proxy=proxy, ssl_context=plain_context())


def whole(request: Received) -> bytes:
    return reply(request.target)


# -- tunnels -----------------------------------------------------------------------------


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


# -- chains ------------------------------------------------------------------------------


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


# -- forwarding --------------------------------------------------------------------------


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


# -- options of connecting ---------------------------------------------------------------


@each_name
def test_options_concern_the_connection_to_the_proxy(
    driver: Driver, network: Network, name: str
) -> None:
    network.otherwise = lambda: [ServeThrough([name], whole)]
    pool = driver.pool(
        proxy=proxy_of(name),
        ssl_context=plain_context(),
        local_address="127.0.0.1",
        socket_options=iter([(6, 1, 1)]),
        retries=1,
    )
    network.play(Dial(error=ConnectError("refused")))
    pool.request("GET", URL_TLS, extensions={"timeout": {"connect": 7.0}})
    for address in network.attempts:
        assert (address.host, address.local_address) == ("proxy.test", "127.0.0.1")
        assert address.socket_options == ((6, 1, 1),)
        assert address.timeout == 7.0
    assert len(network.attempts) == 2


@each_name
def test_unix_socket_is_the_way_to_the_proxy(
    driver: Driver, network: Network, name: str
) -> None:
    network.otherwise = lambda: [ServeThrough([name], whole)]
    pool = driver.pool(proxy=proxy_of(name), ssl_context=plain_context(), uds="/run/proxy.sock")
    assert pool.request("GET", URL_TLS).body == b"/"
    assert [address.path for address in network.attempts] == ["/run/proxy.sock"]


@each_kind
def test_name_for_tls_is_that_of_the_origin(
    driver: Driver, network: Network, kind: Kind
) -> None:
    network.play(*kind.hears(HOST, 443), TakeRequest(), Give(reply()))
    pool = through(driver, Proxy(kind.url))
    pool.request("GET", URL_TLS, extensions={"sni_hostname": "virtual.test"})
    names = [handshake.server_hostname for handshake in network.connections[0].handshakes]
    assert names == ["proxy.test"] * kind.has_tls + ["virtual.test"]


def test_each_side_of_the_proxy_has_its_context(driver: Driver, network: Network) -> None:
    network.play(*hears_connect(HOST, 443), TakeRequest(), Give(reply()))
    ours, theirs = plain_context(), plain_context()
    pool = driver.pool(proxy=Proxy("https://proxy.test", ssl_context=theirs), ssl_context=ours)
    pool.request("GET", URL_TLS)
    contexts = [handshake.ssl_context for handshake in network.connections[0].handshakes]
    assert contexts == [theirs, ours]


@each_name
@pytest.mark.parametrize(
    "failure", [Dial(error=ConnectError("refused")), Shake(error=ConnectError("bad"))]
)
def test_attempts_are_repeated(
    driver: Driver, network: Network, name: str, failure: Step
) -> None:
    if isinstance(failure, Dial):
        network.play(failure)
    else:
        shakes: list[Step] = [Shake()] * KINDS[name].has_tls
        network.play(*shakes, *KINDS[name].hears(HOST, 443), failure)
    network.otherwise = lambda: [ServeThrough([name], whole)]
    pool = driver.pool(proxy=proxy_of(name), ssl_context=plain_context(), retries=1)
    assert pool.request("GET", URL_TLS).body == b"/"
    assert len(network.attempts) == 2


# -- IPv6 --------------------------------------------------------------------------------

LITERAL = bytes(15) + b"\x01"


@pytest.mark.parametrize("name", ["http", "socks5"])
def test_address_has_brackets_where_they_belong(
    driver: Driver, network: Network, name: str
) -> None:
    if name == "http":
        network.play(*hears_connect(b"[::1]", 8443), TakeRequest(), Give(reply()))
    else:
        network.play(
            Take(b"\x05\x01\x00"),
            Give(b"\x05\x00"),
            Take(b"\x05\x01\x00\x04" + LITERAL + b"\x20\xfb"),
            Give(b"\x05\x00\x00\x04" + bytes(18)),
            TakeRequest(),
            Give(reply()),
        )
    pool = through(driver, proxy_of(name))
    pool.request("GET", "https://[::1]:8443/")
    [connection] = network.connections
    assert connection.handshakes[0].server_hostname == "::1"
    assert connection.requests[-1].header(b"host") == b"[::1]:8443"
    assert "'https://[::1]:8443'" in repr(pool.face.connections)


def test_address_of_a_forwarded_request(driver: Driver, network: Network) -> None:
    network.answer(reply())
    pool = through(driver, proxy_of("http"))
    pool.request("GET", "http://[::1]:8080/p")
    assert network.connections[0].requests[0].target == b"http://[::1]:8080/p"


def test_zone_reaches_the_socket_and_nothing_else(driver: Driver, network: Network) -> None:
    network.play(*hears_connect(b"[fe80::2]", 443), TakeRequest(), Give(reply()))
    network.answer(reply())
    pool = through(driver, Proxy("https://[fe80::1%25eth0]:3128"))
    pool.request("GET", "https://[fe80::2%25eth1]/")
    pool.request("GET", "http://[fe80::2%25eth1]/")
    tunnel, forwarding = network.connections
    assert tunnel.address.host == forwarding.address.host == "fe80::1%eth0"
    names = [handshake.server_hostname for handshake in tunnel.handshakes]
    assert names == ["fe80::1", "fe80::2"]
    assert forwarding.requests[0].target == b"http://[fe80::2]/"
    assert forwarding.requests[0].header(b"host") == b"[fe80::2]"


@pytest.mark.parametrize("scheme", [b"http", b"https"])
@pytest.mark.parametrize("host", [b"a@b.test", b"a/b", b"a?b", b"a#b", b"a\\b", b"b.test:1/"])
def test_host_that_a_proxy_would_take_for_another(
    driver: Driver, network: Network, scheme: bytes, host: bytes
) -> None:
    network.play(TakeBytes(0))
    # Of a whole URL the host is checked; these are the parts.
    url = URL(scheme=scheme, host=host, target=b"/")
    pool = through(driver, proxy_of("http"))
    with pytest.raises(LocalProtocolError, match="the host"):
        pool.request("GET", url)
    assert all(connection.sent == b"" for connection in network.connections)
    assert pool.is_quiet


# -- credentials -------------------------------------------------------------------------


def test_http_proxy_hears_the_credentials_and_the_origin_does_not(
    driver: Driver, network: Network
) -> None:
    network.play(
        *hears_connect(HOST, 443, b"Proxy-Authorization: " + BASIC),
        TakeRequest(),
        Give(reply()),
    )
    through(driver, Proxy(f"http://{SPELLED}@proxy.test")).request("GET", URL_TLS)
    assert network.connections[0].requests[-1].headers == [(b"Host", HOST)]


def test_forwarding_proxy_hears_the_credentials(driver: Driver, network: Network) -> None:
    network.answer(reply())
    through(driver, Proxy("http://proxy.test", auth=(NAME, PASSWORD))).request("GET", URL_A)
    request = network.connections[0].requests[0]
    assert request.header(b"proxy-authorization") == BASIC


def test_socks5_proxy_hears_the_credentials(driver: Driver, network: Network) -> None:
    network.play(
        Take(b"\x05\x02\x02\x00"),
        Give(b"\x05\x02"),
        Take(b"\x01\x04user" + bytes([len(PASSWORD)]) + PASSWORD),
        Give(b"\x01\x00"),
        *hears_socks5(HOST, 443)[2:],
        TakeRequest(),
        Give(reply()),
    )
    through(driver, Proxy(f"socks5://{SPELLED}@proxy.test")).request("GET", URL_TLS)


@pytest.mark.parametrize("name", ["http", "https", "socks5", "socks4a"])
@pytest.mark.parametrize("url", [URL_A, URL_TLS])
def test_credentials_are_never_shown(
    driver: Driver,
    network: Network,
    caplog: pytest.LogCaptureFixture,
    name: str,
    url: str,
) -> None:
    secrets = ("s3cr3t", base64.b64encode(b"whoami:s3cr3t").decode(), "whoami")
    proxy = Proxy(KINDS[name].url, auth=("whoami", "s3cr3t"))
    told, trace = driver.recorder()
    network.play(TakeBytes(1), Give(b"nonsense\r\n\r\n"), End())
    pool = through(driver, proxy)
    expected = (ProxyError, RemoteProtocolError)
    with caplog.at_level(logging.DEBUG, "httpcore"), pytest.raises(expected) as failure:
        pool.request("GET", url, extensions={"trace": trace})
    texts = [repr(proxy), repr(pool.face), repr(pool.face.connections), caplog.text]
    exc: BaseException | None = failure.value
    while exc is not None:
        texts.append(repr(exc) + str(exc))
        exc = exc.__cause__
    texts += [repr(event) for event in told if not event[0].startswith("http11.")]
    for text in texts:
        for secret in secrets:
            assert secret not in text


# -- refusals ----------------------------------------------------------------------------


def test_refusal_says_what_the_proxy_said(driver: Driver, network: Network) -> None:
    challenge = (b"Proxy-Authenticate", b'Basic realm="x"')
    network.play(
        TakeRequest(),
        Give(reply(b"no", challenge, status=b"407 Proxy Authentication Required")),
    )
    pool = through(driver, proxy_of("http"))
    with pytest.raises(ProxyError) as refusal:
        pool.request("GET", URL_TLS)
    exc = refusal.value
    assert str(exc) == "407 Proxy Authentication Required"
    assert (exc.status, exc.reason) == (407, b"Proxy Authentication Required")
    assert challenge in exc.headers
    assert not network.open_connections
    assert pool.is_quiet


REFUSALS: dict[str, tuple[list[Step], str]] = {
    "http": ([TakeRequest(), Give(head(b"502 Bad Gateway"))], "502 Bad Gateway"),
    "https": ([TakeRequest(), Give(head(b"502 Bad Gateway"))], "502 Bad Gateway"),
    "socks5": (
        [
            Take(b"\x05\x01\x00"),
            Give(b"\x05\x00"),
            TakeBytes(19),
            Give(b"\x05\x05\x00\x01" + bytes(6)),
        ],
        "connection refused",
    ),
    "socks5h": ([Take(b"\x05\x01\x00"), Give(b"\x05\xff")], "authentication"),
    "socks4a": ([TakeBytes(22), Give(b"\x00\x5b" + bytes(6))], "rejected or failed"),
}


@each_name
def test_refusals_keep_no_place(driver: Driver, network: Network, name: str) -> None:
    steps, message = REFUSALS[name]
    pool = driver.pool(proxy=proxy_of(name), ssl_context=plain_context(), max_connections=1)
    for _ in range(3):
        network.play(*steps)
        with pytest.raises(ProxyError, match=message):
            pool.request("GET", URL_TLS)
        assert not network.open_connections
        assert pool.face.connections == []
    network.play(*KINDS[name].hears(HOST, 443), TakeRequest(), Give(reply()))
    pool.request("GET", URL_TLS)


@each_name
@pytest.mark.parametrize(
    "answer", [b"", b"garbage from nowhere\r\n\r\n"], ids=["end", "garbage"]
)
def test_what_is_no_answer_is_an_error_of_the_proxy(
    driver: Driver, network: Network, name: str, answer: bytes
) -> None:
    network.play(TakeBytes(1), *([Give(answer)] if answer else []), End())
    pool = through(driver, proxy_of(name))
    with pytest.raises(ProxyError):
        pool.request("GET", URL_TLS)
    assert not network.open_connections


@each_kind
@pytest.mark.parametrize("size", [1, 3])
def test_answer_in_pieces_is_put_together(
    driver: Driver, network: Network, kind: Kind, size: int
) -> None:
    steps: list[Step] = []
    for step in kind.hears(HOST, 443):
        if isinstance(step, Give):
            parts = range(0, len(step.content), size)
            steps += [Give(step.content[start : start + size]) for start in parts]
        else:
            steps.append(step)
    network.play(*steps, TakeRequest(), Give(reply(b"body")))
    assert through(driver, Proxy(kind.url)).request("GET", URL_TLS).body == b"body"


@each_kind
def test_bytes_from_behind_the_tunnel_are_an_error(
    driver: Driver, network: Network, kind: Kind
) -> None:
    *steps, last = kind.hears(HOST, 443)
    assert isinstance(last, Give)
    network.play(*steps, Give(last.content + b"early"))
    with pytest.raises(ProxyError, match="5 bytes came through the proxy before"):
        through(driver, Proxy(kind.url)).request("GET", URL_TLS)
    assert not network.open_connections


@each_name
@pytest.mark.parametrize(
    "failure",
    [FailRead(ReadError("reset")), FailWrite(WriteError("broken"))],
    ids=["read", "write"],
)
def test_broken_connection_to_the_proxy_is_a_connect_error(
    driver: Driver, network: Network, name: str, failure: Step
) -> None:
    network.play(*([TakeBytes(1)] if isinstance(failure, FailRead) else []), failure)
    with pytest.raises(ConnectError, match="the connection to the proxy broke") as caught:
        through(driver, proxy_of(name)).request("GET", URL_TLS)
    assert isinstance(caught.value.__cause__, ReadError | WriteError)
    assert not network.open_connections


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        ("http", head(b"407 Proxy Authentication Required"), "407 Proxy"),
        ("socks5", b"\x05\xff", "asks for authentication"),
    ],
)
def test_proxy_that_stops_listening_may_have_said_why(
    driver: Driver, network: Network, name: str, answer: bytes, message: str
) -> None:
    network.play(FailWrite(WriteError("broken")), Give(answer))
    with pytest.raises(ProxyError, match=message):
        through(driver, proxy_of(name)).request("GET", URL_TLS)
    network.play(FailWrite(WriteError("broken")), Give(answer[:1]), End())
    with pytest.raises(ConnectError, match="the connection to the proxy broke"):
        through(driver, proxy_of(name)).request("GET", URL_TLS)
    assert not network.open_connections


def test_socks4_takes_addresses_only(driver: Driver, network: Network) -> None:
    network.play(
        Take(b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00"),
        Give(b"\x00\x5a" + bytes(6)),
        TakeRequest(),
        Give(reply()),
    )
    pool = through(driver, Proxy("socks4://proxy.test"))
    pool.request("GET", "http://127.0.0.1/")
    network.play(TakeBytes(0))
    with pytest.raises(ProxyError, match="socks4a://"):
        pool.request("GET", URL_A)


def test_field_for_the_proxy_that_cannot_be_sent(driver: Driver, network: Network) -> None:
    network.play(TakeBytes(0))
    proxy = Proxy("http://proxy.test", headers=[(b"X", b"a\r\nb")])
    with pytest.raises(LocalProtocolError):
        through(driver, proxy).request("GET", URL_TLS)
    assert network.connections[0].sent == b""
    assert not network.open_connections


# -- time --------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("limits", [{"connect": 5.0}, {"connect": 60.0, "total": 5.0}])
def test_silent_proxy_is_waited_for_as_long_as_a_connect_may_take(
    driver: Driver, network: Network, clock: Clock, kind: Kind, limits: dict[str, float]
) -> None:
    network.play(Dial(seconds=2.0), TakeBytes(1))
    pool = through(driver, Proxy(kind.url))
    before = clock.now
    # A connection that takes long to read or write is another thing.
    extensions: Extensions = {"timeout": {"read": 0.1, "write": 0.1, **limits}}
    with pytest.raises(ConnectTimeout):
        pool.request("GET", URL_TLS, extensions=extensions)
    assert clock.now - before == 5.0
    assert not network.open_connections
    assert pool.is_quiet


def test_proxy_that_takes_nothing_is_a_connect_timeout(
    driver: Driver, network: Network
) -> None:
    network.play(Stall())
    with pytest.raises(ConnectTimeout, match="did not open a tunnel in time"):
        through(driver, proxy_of("http")).request(
            "GET", URL_TLS, extensions={"timeout": {"connect": 5.0}}
        )


def test_no_time_is_left_for_the_proxy(driver: Driver, network: Network) -> None:
    network.play(Dial(seconds=5.0))
    with pytest.raises(ConnectTimeout, match="no time was left for the proxy"):
        through(driver, proxy_of("http")).request(
            "GET", URL_TLS, extensions={"timeout": {"connect": 5.0}}
        )


def test_one_deadline_covers_all_steps(driver: Driver, network: Network, clock: Clock) -> None:
    network.play(
        Dial(seconds=1.0),
        Shake(seconds=1.0),
        TakeRequest(),
        Pause(1.0),
        Give(OPENED),
        Shake(seconds=1.0),
        TakeRequest(),
        Give(reply()),
    )
    before = clock.now
    through(driver, proxy_of("https")).request(
        "GET", URL_TLS, extensions={"timeout": {"connect": 5.0}}
    )
    assert clock.now - before == 4.0
    first, second = network.connections[0].handshakes
    assert (first.timeout, second.timeout) == (4.0, 2.0)


# -- the end -----------------------------------------------------------------------------


@each_kind
def test_failed_handshake_behind_the_proxy_keeps_no_place(
    driver: Driver, network: Network, kind: Kind
) -> None:
    pool = driver.pool(proxy=Proxy(kind.url), ssl_context=plain_context(), max_connections=1)
    for _ in range(3):
        shakes: list[Step] = [Shake()] * kind.has_tls
        network.play(*shakes, *kind.hears(HOST, 443), Shake(error=ConnectError("bad")))
        with pytest.raises(ConnectError, match="bad"):
            pool.request("GET", URL_TLS)
        assert not network.open_connections
        assert pool.face.connections == []
        assert pool.is_quiet


@each_kind
def test_closing_the_pool_ends_the_talk_with_the_proxy(
    driver: Driver, network: Network, kind: Kind
) -> None:
    network.play(TakeBytes(1), Hang())
    pool = through(driver, Proxy(kind.url))
    thread: Background[Reply] = Background(lambda: pool.request("GET", URL_TLS))
    network.until_connected(1)
    network.connections[0].until_hanging()
    pool.close()
    with pytest.raises(ConnectError, match="closed"):
        thread.result()
    assert not network.open_connections


# -- who is told -------------------------------------------------------------------------

EVENTS = {
    "http": ["connection.connect_tcp", "proxy.connect", "proxy.start_tls"],
    "https": [
        "connection.connect_tcp",
        "connection.start_tls",
        "proxy.connect",
        "proxy.start_tls",
    ],
    "socks5": ["socks5.connect_tcp", "socks5.setup_socks5_connection", "socks5.start_tls"],
    "socks5h": ["socks5.connect_tcp", "socks5.setup_socks5_connection", "socks5.start_tls"],
    "socks4a": ["socks4.connect_tcp", "socks4.setup_socks4_connection", "socks4.start_tls"],
}


@each_name
def test_every_step_is_told(driver: Driver, network: Network, name: str) -> None:
    network.otherwise = lambda: [ServeThrough([name], whole)]
    told, trace = driver.recorder()
    through(driver, proxy_of(name)).request("GET", URL_TLS, extensions={"trace": trace})
    names = [event for event, _ in told if not event.startswith("http11.")]
    assert names == [
        f"{event}.{when}" for event in EVENTS[name] for when in ("started", "complete")
    ]
    [info] = [
        info
        for event, info in told
        if event.endswith((".connect.started", "_connection.started"))
    ]
    assert info == {"host": HOST, "port": 443, "timeout": None}


@pytest.mark.parametrize(
    ("name", "logger"), [("http", "httpcore.proxy"), ("socks5", "httpcore.socks")]
)
def test_loggers_of_proxies_write_by_themselves(
    driver: Driver,
    network: Network,
    caplog: pytest.LogCaptureFixture,
    name: str,
    logger: str,
) -> None:
    network.otherwise = lambda: [ServeThrough([name], whole)]
    with caplog.at_level(logging.DEBUG, logger):
        through(driver, proxy_of(name)).request("GET", URL_TLS)
    assert {record.name for record in caplog.records} == {logger}
