"""URLs and origins, as users hold them."""

import pickle

import pytest

from httpcore_pool import URL, Origin
from httpcore_pool._url import _split_url


def parts(url: URL) -> tuple[bytes, bytes, int | None, bytes]:
    return url.scheme, url.host, url.port, url.target


# -- taking apart ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.com/", (b"http", b"example.com", None, b"/")),
        ("http://example.com", (b"http", b"example.com", None, b"/")),
        ("https://example.com:443/", (b"https", b"example.com", 443, b"/")),
        ("HTTPS://EXAMPLE.com/Path", (b"https", b"example.com", None, b"/Path")),
        ("http://example.com:8080/a/b;c=d", (b"http", b"example.com", 8080, b"/a/b;c=d")),
        ("http://example.com/a?b=c&d", (b"http", b"example.com", None, b"/a?b=c&d")),
        ("http://example.com?b=c", (b"http", b"example.com", None, b"/?b=c")),
        ("http://example.com:80?b", (b"http", b"example.com", 80, b"/?b")),
        ("http://example.com/?", (b"http", b"example.com", None, b"/?")),
        ("http://example.com/a??b?", (b"http", b"example.com", None, b"/a??b?")),
        ("http://example.com/a#b", (b"http", b"example.com", None, b"/a")),
        ("http://example.com/a?b#c?d#e", (b"http", b"example.com", None, b"/a?b")),
        ("http://example.com#b", (b"http", b"example.com", None, b"/")),
        ("http://example.com:8080#b", (b"http", b"example.com", 8080, b"/")),
        ("http://example.com//a//b", (b"http", b"example.com", None, b"//a//b")),
        ("http://example.com/a:b@c", (b"http", b"example.com", None, b"/a:b@c")),
        ("http://example.com/%20%ff", (b"http", b"example.com", None, b"/%20%ff")),
        ("http://example.com/a b", (b"http", b"example.com", None, b"/a b")),
        ("http://xn--bcher-kva.example/", (b"http", b"xn--bcher-kva.example", None, b"/")),
        ("http://a_b.example/", (b"http", b"a_b.example", None, b"/")),
        ("http://example.com./", (b"http", b"example.com.", None, b"/")),
        ("http://127.0.0.1:1/", (b"http", b"127.0.0.1", 1, b"/")),
        ("http://example.com:/", (b"http", b"example.com", None, b"/")),
        ("http://example.com:0/", (b"http", b"example.com", 0, b"/")),
        ("http://example.com:00080/", (b"http", b"example.com", 80, b"/")),
        ("http://example.com:65535/", (b"http", b"example.com", 65535, b"/")),
        ("socks5h://127.0.0.1:1080", (b"socks5h", b"127.0.0.1", 1080, b"/")),
        ("git+ssh://host/", (b"git+ssh", b"host", None, b"/")),
    ],
)
def test_url_is_taken_apart(
    text: str, expected: tuple[bytes, bytes, int | None, bytes]
) -> None:
    assert parts(URL(text)) == expected
    assert parts(URL(text.encode())) == expected


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://user@example.com/", b"example.com", None),
        ("http://user:secret@example.com:8080/", b"example.com", 8080),
        ("http://user:80@example.com/", b"example.com", None),
        ("http://us:er:secret@example.com/", b"example.com", None),
        ("http://a@b@example.com/", b"example.com", None),
        ("http://@example.com/", b"example.com", None),
        ("http://user:secret@[::1]:80/", b"::1", 80),
        ("http://[::1]@example.com/", b"example.com", None),
    ],
)
def test_user_is_no_part_of_it(text: str, host: bytes, port: int | None) -> None:
    url = URL(text)
    assert (url.host, url.port) == (host, port)
    assert b"secret" not in bytes(url)
    assert "secret" not in repr(url)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://[::1]/", b"::1", None),
        ("http://[::1]", b"::1", None),
        ("http://[::1]:8080", b"::1", 8080),
        ("http://[::1]:8080?a", b"::1", 8080),
        ("http://[2001:DB8::A]/", b"2001:db8::a", None),
        ("http://[::ffff:192.0.2.1]:80/", b"::ffff:192.0.2.1", 80),
        ("http://[fe80::1%25eth0]/", b"fe80::1%eth0", None),
        ("http://[FE80::1%25Eth0]:8080/", b"fe80::1%Eth0", 8080),
        ("http://[fe80::1%eth0]/", b"fe80::1%eth0", None),
        ("http://[fe80::1%2525]/", b"fe80::1%25", None),
        ("http://[fe80::1%253]/", b"fe80::1%3", None),
    ],
)
def test_address_stands_without_its_brackets(text: str, host: bytes, port: int | None) -> None:
    url = URL(text)
    assert (url.host, url.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.com", (b"", b"", None, b"example.com")),
        ("/a?b#c", (b"", b"", None, b"/a?b")),
        ("//example.com/a", (b"", b"example.com", None, b"/a")),
        ("?a", (b"", b"", None, b"/?a")),
        ("http:", (b"http", b"", None, b"/")),
        ("http:/a", (b"http", b"", None, b"/a")),
        ("http:///a", (b"http", b"", None, b"/a")),
        ("http://", (b"http", b"", None, b"/")),
        ("http://:80/", (b"http", b"", 80, b"/")),
        ("http://user@/", (b"http", b"", None, b"/")),
        ("localhost:8080/a", (b"localhost", b"", None, b"8080/a")),
        ("127.0.0.1:8080/a", (b"", b"", None, b"127.0.0.1:8080/a")),
        (" http://example.com/", (b"", b"", None, b" http://example.com/")),
    ],
)
def test_what_is_missing_is_left_empty(
    text: str, expected: tuple[bytes, bytes, int | None, bytes]
) -> None:
    assert parts(URL(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://exa mple.com/",
        "http://example.com /",
        "http:// example.com/",
        "http://exam\tple.com/",
        "http://example.com\n",
        "http://example.com\r\n/",
        "http://example.com\r\nX: y/",
        "http://exam\x00ple.com/",
        "http://exam\x7fple.com/",
        "//exa mple.com/",
        "http://example.com\\a",
        "http://<example.com>/",
        'http://"example.com"/',
        "http://example.com|x/",
        "http://{host}/",
        "http://[::1/",
        "http://::1]/",
        "http://::1/",
        "http://[::1]x/",
        "http://x[::1]/",
        "http://[]/",
        "http://[example.com]/",
        "http://[127.0.0.1]/",
        "http://[::1 ]/",
        "http://[::1\n]/",
        "http://[::g]/",
        "http://[::1%]/",
        "http://[fe80::1%25eth 0]/",
        "http://[[::1]]/",
        "http://exam[p]le.com/",
        "http://example.com:http/",
        "http://example.com:80a/",
        "http://example.com:-80/",
        "http://example.com:+80/",
        "http://example.com: 80/",
        "http://example.com:80 /",
        "http://example.com:8_0/",
        "http://example.com:80:80/",
        "http://example.com:80\n",
    ],
)
def test_host_and_port_have_to_be_readable(text: str) -> None:
    for url in (text, text.encode()):
        with pytest.raises(ValueError, match="is not a valid URL: its host or port") as caught:
            URL(url)
        assert repr(text.encode()) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "http://user:word@exa mple.com/",
        "http://user:word@ex@mple.com:port/",
        "http://user:w/rd@exa mple.com/",
        "http://user:wo?rd@exa\nmple.com/",
    ],
)
def test_user_of_a_url_that_cannot_be_read_is_not_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"//\[secret\]@.* is not a valid URL") as caught:
        URL(text)
    assert "user" not in str(caught.value)
    assert "rd" not in str(caught.value)


@pytest.mark.parametrize("port", [65536, 99999, 10**20])
def test_port_has_to_be_in_range(port: int) -> None:
    message = f"^a port must be 0 to 65535, but is {port}$"
    with pytest.raises(ValueError, match=message):
        URL(f"http://example.com:{port}/")
    # Parts are taken as they are: whoever connects is told.
    assert URL(scheme="http", host="example.com", port=port).origin.port == port


@pytest.mark.parametrize("text", ["http://bücher.example/", "http://a/ü", "http://a/?ü", "ü"])
def test_strings_are_ascii(text: str) -> None:
    with pytest.raises(ValueError, match="ascii"):
        URL(text)
    with pytest.raises(TypeError, match="url must be ascii where it is a str"):
        URL(text)
    with pytest.raises(ValueError, match="is not a valid URL"):
        URL(text.encode())
    with pytest.raises(ValueError, match="ascii"):
        URL(scheme="http", host=text)
    with pytest.raises(ValueError, match="ascii"):
        URL(scheme="http", host="a", target=text)


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^url must be bytes or str, but got int\.$"):
        URL(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^scheme must be bytes or str, but got int\.$"):
        URL(scheme=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^host must be bytes or str, but got NoneType\.$"):
        URL(host=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^target must be bytes or str, but got list\.$"):
        URL(target=[])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^port must be an integer, but got str\.$"):
        URL(host="a", port="80")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="positional"):
        URL("http://a/", b"http")  # type: ignore[call-arg]


# -- putting together --------------------------------------------------------------


@pytest.mark.parametrize("text", [True, False])
def test_parts_are_taken_as_they_are(*, text: bool) -> None:
    if text:
        url = URL(scheme="https", host="Example.com", port=8080, target="/a?b#c")
    else:
        url = URL(scheme=b"https", host=b"Example.com", port=8080, target=b"/a?b#c")
    assert parts(url) == (b"https", b"Example.com", 8080, b"/a?b#c")


def test_parts_are_empty_by_default() -> None:
    for url in (URL(), URL(""), URL(b"")):
        assert parts(url) == (b"", b"", None, b"")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("::1", b"::1"),
        ("[::1]", b"::1"),
        ("[fe80::1%25eth0]", b"fe80::1%eth0"),
        ("fe80::1%25eth0", b"fe80::1%eth0"),
        ("fe80::1%eth0", b"fe80::1%eth0"),
        ("a%25b", b"a%25b"),
    ],
)
def test_address_given_as_a_part_stands_without_its_brackets(
    host: str, expected: bytes
) -> None:
    assert URL(scheme="http", host=host).host == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL("https://example.com/a?b#c"), b"https://example.com/a?b"),
        (URL("HTTP://Example.com:80"), b"http://example.com:80/"),
        (URL("http://[::1]:8080/a"), b"http://[::1]:8080/a"),
        (URL("http://[::1]/a"), b"http://[::1]/a"),
        (URL("http://[fe80::1%25eth0]/a"), b"http://[fe80::1%25eth0]/a"),
        (URL(scheme="http", host="::1", target="*"), b"http://[::1]*"),
        (URL("/a"), b":///a"),
    ],
)
def test_url_as_bytes(url: URL, expected: bytes) -> None:
    assert bytes(url) == expected


def test_url_survives_being_put_together_and_taken_apart() -> None:
    for text in ("https://a.b:8080/c?d", "http://[fe80::1%25eth0]:1/", "http://a/?b"):
        assert URL(bytes(URL(text))) == URL(text)


def test_repr_shows_the_parts() -> None:
    url = URL("https://example.com:8443/a?b")
    assert repr(url) == ("URL(scheme=b'https', host=b'example.com', port=8443, target=b'/a?b')")
    assert repr(URL("//a")) == "URL(scheme=b'', host=b'a', port=None, target=b'/')"


# -- as values ---------------------------------------------------------------------


def test_urls_are_equal_part_by_part() -> None:
    url = URL("http://example.com:80/a")
    assert url == URL(b"HTTP://user@EXAMPLE.com:80/a#b")
    assert url == URL(scheme="http", host="example.com", port=80, target="/a")
    for other in (
        "https://example.com:80/a",
        "http://example.org:80/a",
        "http://example.com/a",
    ):
        assert url != URL(other)
    assert url != URL("http://example.com:80/b")
    assert url != "http://example.com:80/a"
    assert url != b"http://example.com:80/a"


def test_url_can_be_changed_and_so_is_no_key() -> None:
    url = URL("http://example.com/a")
    url.target = b"/b"
    url.port = 8080
    assert bytes(url) == b"http://example.com:8080/b"
    assert URL("http://example.com/a").target == b"/a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(url)


def test_url_can_be_pickled() -> None:
    url = URL("http://[fe80::1%25eth0]:8080/a?b")
    assert pickle.loads(pickle.dumps(url)) == url


# -- origins -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("http://a/", 80),
        ("https://a/", 443),
        ("ws://a/", 80),
        ("wss://a/", 443),
        ("socks4://a", 1080),
        ("socks4a://a", 1080),
        ("socks5://a", 1080),
        ("socks5h://a", 1080),
        ("https://a:80/", 80),
        ("ftp://a:21/", 21),
        ("http://a:0/", 0),
    ],
)
def test_origin_has_a_port(text: str, port: int) -> None:
    url = URL(text)
    assert url.origin == Origin(url.scheme, b"a", port)
    assert url.origin.port == port


def test_origin_of_an_unknown_scheme_needs_a_port() -> None:
    with pytest.raises(KeyError):
        _ = URL("ftp://a/").origin


def test_origins_are_equal_part_by_part_and_can_be_keys() -> None:
    origin = Origin(b"https", b"example.com", 443)
    assert origin == URL("https://EXAMPLE.com/a").origin
    assert hash(origin) == hash(URL("https://EXAMPLE.com:443/b").origin)
    others = [
        Origin(b"http", b"example.com", 443),
        Origin(b"https", b"example.org", 443),
        Origin(b"https", b"example.com", 444),
    ]
    for other in others:
        assert origin != other
    assert len({origin, *others, Origin(b"https", b"example.com", 443)}) == 4
    assert origin != (b"https", b"example.com", 443)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Origin(b"https", b"example.com", 443), "https://example.com:443"),
        (Origin(b"http", b"::1", 8080), "http://[::1]:8080"),
    ],
)
def test_origin_as_a_string(origin: Origin, expected: str) -> None:
    assert str(origin) == expected


def test_repr_of_an_origin_shows_the_parts() -> None:
    origin = Origin(scheme=b"http", host=b"a", port=80)
    assert repr(origin) == "Origin(scheme=b'http', host=b'a', port=80)"


def test_origin_can_be_pickled() -> None:
    origin = Origin(b"http", b"a", 80)
    assert pickle.loads(pickle.dumps(origin)) == origin


def test_url_with_a_password_is_not_remembered() -> None:
    _split_url.cache_clear()
    assert URL("http://user:secret@a.test/x").host == b"a.test"
    assert _split_url.cache_info().currsize == 0
    assert URL("http://a.test/x").host == b"a.test"
    assert _split_url.cache_info().currsize == 1
