"""What a user asks of a connection, where it goes through a proxy,
and how addresses are spelled."""

import pytest
from driving import (
    HOST,
    URL_TLS,
    Driver,
    plain_context,
    reply,
)
from proxy_kinds import (
    KINDS,
    Kind,
    ServeThrough,
    each_kind,
    each_name,
    hears_connect,
    proxy_of,
    through,
    whole,
)
from script_steps import (
    Dial,
    Give,
    Shake,
    Step,
    Take,
    TakeBytes,
    TakeRequest,
)
from scripted import Network

from httpcore_interface import (
    ConnectError,
    LocalProtocolError,
)
from httpcore_pool import URL, Proxy


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
