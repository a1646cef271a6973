"""Proxies that refuse, err or are silent: what becomes of the request and of its place."""

import pytest
from driving import (
    HOST,
    URL_A,
    URL_TLS,
    Background,
    Driver,
    Extensions,
    Reply,
    head,
    plain_context,
    reply,
)
from proxy_kinds import (
    KINDS,
    OPENED,
    Kind,
    each_kind,
    each_name,
    proxy_of,
    through,
)
from script_steps import (
    Dial,
    End,
    FailRead,
    FailWrite,
    Give,
    Hang,
    Pause,
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
    WriteError,
)
from httpcore_pool import Proxy


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
