"""Proxies as values: what a URL says, and what is kept of it."""

import ssl

import pytest
from driving import plain_context
from proxy_kinds import BASIC, NAME, PASSWORD, SPELLED

from httpcore_interface import UnsupportedProtocol
from httpcore_pool import (
    URL,
    AsyncConnectionPool,
    AsyncHTTPProxy,
    AsyncSOCKSProxy,
    ConnectionPool,
    HTTPProxy,
    Proxy,
    SOCKSProxy,
)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://proxy.test", 80),
        ("https://proxy.test", 443),
        ("socks4://proxy.test", 1080),
        ("socks4a://proxy.test", 1080),
        ("socks5://proxy.test", 1080),
        ("socks5h://proxy.test", 1080),
        (b"http://proxy.test:3128", 3128),
        (URL("socks5://proxy.test:9050"), 9050),
    ],
)
def test_port_that_is_left_out_is_that_of_the_scheme(url: URL | bytes | str, port: int) -> None:
    origin = Proxy(url).url.origin
    assert (origin.host, origin.port) == (b"proxy.test", port)


@pytest.mark.parametrize(
    ("url", "auth"),
    [
        ("http://proxy.test", None),
        ("http://@proxy.test", None),
        ("http://:@proxy.test", None),
        ("http://name@proxy.test", (b"name", b"")),
        ("http://name:@proxy.test", (b"name", b"")),
        ("http://:word@proxy.test", (b"", b"word")),
        ("http://a:b:c@proxy.test", (b"a", b"b:c")),
        ("http://a@b:c@d@proxy.test", (b"a@b", b"c@d")),
        (b"socks5://%3a%40:%2F%25@proxy.test", (b":@", b"/%")),
        (f"http://{SPELLED}@proxy.test", (NAME, PASSWORD)),
        # Of a path and of a query they are no part.
        ("http://proxy.test/a@b", None),
        ("http://proxy.test?a@b", None),
    ],
)
def test_user_stands_in_the_url(url: str | bytes, auth: tuple[bytes, bytes] | None) -> None:
    proxy = Proxy(url)
    assert proxy.auth == auth
    assert proxy.url.host == b"proxy.test"


def test_user_that_is_given_counts_more_than_the_urls() -> None:
    proxy = Proxy("http://other:one@proxy.test", auth=("user", "p:ss wörd"))
    assert proxy.auth == (NAME, PASSWORD)
    assert proxy.headers == [(b"Proxy-Authorization", BASIC)]


def test_fields_stand_behind_the_credentials() -> None:
    proxy = Proxy("http://proxy.test", (NAME, PASSWORD), {"X-Tenant": "one"})
    assert proxy.headers == [(b"Proxy-Authorization", BASIC), (b"X-Tenant", b"one")]


def test_field_with_credentials_is_sent_in_place_of_the_others() -> None:
    fields = {"proxy-authorization": "Bearer token"}
    proxy = Proxy("http://user:word@proxy.test", headers=fields)
    assert proxy.headers == [(b"proxy-authorization", b"Bearer token")]


def test_socks_has_no_fields_for_credentials() -> None:
    assert Proxy("socks5://user:word@proxy.test").headers == []


def test_representation_shows_no_secret() -> None:
    proxy = Proxy(
        "http://user:word@proxy.test:3128",
        headers={"X-Key": "secret"},
        via=Proxy("socks5://proxy.test"),
    )
    assert repr(proxy) == (
        "Proxy(b'http://proxy.test:3128/', auth=[secret], via=Proxy(b'socks5://proxy.test/'))"
    )


def test_chain_begins_with_the_nearest() -> None:
    first = Proxy("socks5://first.test")
    second = Proxy("http://second.test", via=first)
    third = Proxy("http://third.test", via=second)
    assert third.chain == (first, second, third)
    assert first.chain == (first,)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://user:s3cr3t@proxy.test", "unsupported protocol 'ftp://'"),
        ("ws://proxy.test", "unsupported protocol 'ws://'"),
        ("proxy.test:3128", "missing a protocol"),
        ("s3cr3t:s3cr3t@proxy.test:3128", "missing a protocol"),
        ("//proxy.test:3128", "missing a protocol"),
    ],
)
def test_protocol_that_no_proxy_speaks(url: str, message: str) -> None:
    with pytest.raises(UnsupportedProtocol, match=message) as refusal:
        Proxy(url)
    assert "s3cr3t" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["http://user:s3cr3t@", "http://user:s3cr3t@pro xy.test", "http://u:s3cr3t@h:999999"]
)
def test_url_without_a_readable_host_is_told_without_its_user(url: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - what it says is looked at below
        Proxy(url)
    assert "s3cr3t" not in str(refusal.value)


def test_secret_that_is_not_ascii_is_not_shown() -> None:
    for arguments in (("http://user:s3cr3\xe9@proxy.test",), ("http://p.test", None, SECRET)):
        with pytest.raises(ValueError, match="ASCII") as refusal:
            Proxy(*arguments)
        # An error of a codec keeps the whole text, and its repr shows it.
        error: BaseException | None = refusal.value
        while error is not None:
            assert "s3cr3" not in repr(error)
            error = error.__cause__ or error.__context__


SECRET = {"Proxy-Authorization": "Bearer s3cr3\xe9"}


def test_name_with_a_colon_is_none_for_http() -> None:
    with pytest.raises(ValueError, match="colon") as refusal:
        Proxy("http://proxy.test", auth=("us:er", "s3cr3t"))
    assert "s3cr3t" not in str(refusal.value)
    assert Proxy("socks5://proxy.test", auth=("us:er", "")).auth == (b"us:er", b"")


@pytest.mark.parametrize("url", [None, 7, ["http://proxy.test"]])
def test_url_of_a_wrong_type(url: object) -> None:
    with pytest.raises(TypeError, match="url must be bytes or str"):
        Proxy(url)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("auth", ["us", ("user",), ("us", "s3cr3t", "er"), {"us": "s3cr3t"}])
def test_credentials_that_are_no_pair(auth: object) -> None:
    with pytest.raises(TypeError, match="auth must be a pair of bytes or str") as refusal:
        Proxy("http://proxy.test", auth=auth)  # type: ignore[arg-type]  # the point
    assert "s3cr3t" not in str(refusal.value)


def test_other_arguments_of_wrong_types() -> None:
    with pytest.raises(TypeError, match="auth must be"):
        Proxy("http://proxy.test", auth=("user", 7))  # type: ignore[arg-type]  # the point
    with pytest.raises(TypeError, match="via must be a Proxy, but got str"):
        Proxy("http://proxy.test", via="http://other.test")  # type: ignore[arg-type]  # the point
    with pytest.raises(TypeError, match="tunnel must be None or a bool, but got str"):
        Proxy("http://proxy.test", tunnel="no")  # type: ignore[arg-type]  # the point


# -- pools -------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", [ConnectionPool, AsyncConnectionPool])
def test_pool_takes_proxies_only(pool: type[ConnectionPool | AsyncConnectionPool]) -> None:
    with pytest.raises(TypeError, match="proxy must be a Proxy, but got str"):
        pool(proxy="http://proxy.test")  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("pool", [HTTPProxy, AsyncHTTPProxy])
def test_http_proxy_is_a_pool(pool: type[HTTPProxy | AsyncHTTPProxy]) -> None:
    auth, context = ("user", "p:ss wörd"), plain_context()
    face = pool("https://proxy.test", auth, {"X": "y"}, proxy_ssl_context=context)
    assert isinstance(face, ConnectionPool | AsyncConnectionPool)
    # Programs read these two.
    assert face._proxy_url == URL("https://proxy.test")
    assert face._proxy_headers == [(b"Proxy-Authorization", BASIC), (b"X", b"y")]
    assert not hasattr(face, "proxy")


@pytest.mark.parametrize("pool", [HTTPProxy, AsyncHTTPProxy])
def test_proxy_without_tls_takes_no_context(pool: type[HTTPProxy | AsyncHTTPProxy]) -> None:
    with pytest.raises(RuntimeError, match="https://"):
        pool("http://proxy.test", proxy_ssl_context=plain_context())


@pytest.mark.parametrize("pool", [SOCKSProxy, AsyncSOCKSProxy])
def test_socks_proxy_is_a_pool(pool: type[SOCKSProxy | AsyncSOCKSProxy]) -> None:
    face = pool(b"socks5://proxy.test", ("user", "word"), max_connections=3)
    assert isinstance(face, ConnectionPool | AsyncConnectionPool)
    # Programs tell them apart so.
    assert "socks" in str(type(face)).lower()


def test_origins_are_not_offered_what_the_proxy_is() -> None:
    offered: list[tuple[str, list[str]]] = []

    class Context(ssl.SSLContext):
        def set_alpn_protocols(self, alpn_protocols: object) -> None:
            assert isinstance(alpn_protocols, list)
            offered.append((self.name, alpn_protocols))

        name = ""

    ours, theirs = Context(ssl.PROTOCOL_TLS_CLIENT), Context(ssl.PROTOCOL_TLS_CLIENT)
    ours.name, theirs.name = "ours", "theirs"
    ConnectionPool(
        proxy=Proxy("https://proxy.test", ssl_context=theirs), ssl_context=ours, http2=True
    )
    assert offered == [("theirs", ["http/1.1"]), ("ours", ["h2", "http/1.1"])]
