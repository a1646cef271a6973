"""What callers may get wrong, and that it costs the pool nothing."""

import pytest
from driving import HOST, URL_A, Driver, reply
from scripted import Network

from httpcore_interface import ConnectError, LocalProtocolError, UnsupportedProtocol
from httpcore_pool import URL, Proxy

Field = tuple[bytes, bytes]


@pytest.mark.parametrize(
    ("method", "url", "headers", "message"),
    [
        pytest.param("GET", URL_A, [(b"X", b"a\r\nY: b")], "Illegal header value", id="value"),
        pytest.param("GET", URL_A, [(b"X", b"a\nb")], "Illegal header value", id="value-lf"),
        pytest.param("GET", URL_A, [(b"X", b"a\0")], r"Illegal header value b'a\\x00'"),
        pytest.param("GET", URL_A, [(b"X", b" a")], "Illegal header value", id="value-space"),
        pytest.param("GET", URL_A, [(b"X: y", b"a")], "Illegal header name", id="name-colon"),
        pytest.param("GET", URL_A, [(b"X\r\nY", b"a")], "Illegal header name", id="name-crlf"),
        pytest.param("GET", URL_A, [(b"", b"a")], "Illegal header name", id="name-empty"),
        pytest.param("GET ", URL_A, [], "Illegal method", id="method-space"),
        pytest.param("GET\r\n", URL_A, [], "Illegal method", id="method-crlf"),
        pytest.param("", URL_A, [], "Illegal method", id="method-empty"),
        pytest.param("GET", URL_A + "a b", [], "Illegal target", id="target-space"),
        pytest.param("GET", URL_A + "a\r\nb", [], "Illegal target", id="target-crlf"),
        pytest.param("GET", URL_A, [(b"Host", b"a"), (b"Host", b"b")], "(?i)host", id="hosts"),
        pytest.param(
            "POST",
            URL_A,
            [(b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked")],
            "both Content-Length and Transfer-Encoding",
            id="framings",
        ),
        pytest.param(
            "POST", URL_A, [(b"Content-Length", b"-3")], "(?i)content-length", id="length"
        ),
        pytest.param("POST", URL_A, [(b"Transfer-Encoding", b"gzip")], "(?i)transfer-encoding"),
    ],
)
@pytest.mark.parametrize("is_used", [False, True], ids=["new", "used"])
def test_request_that_is_not_valid_is_not_sent(
    driver: Driver,
    network: Network,
    method: str,
    url: str,
    headers: list[Field],
    message: str,
    is_used: bool,
) -> None:
    network.serve(lambda request: reply(b"fine"))
    pool = driver.pool(max_connections=1)
    if is_used:
        pool.request("GET", URL_A)
    with pytest.raises(LocalProtocolError, match=message):
        pool.request(method, url, headers=headers)
    assert pool.is_quiet
    # Not a byte of it was written, so the connection is as good as before.
    assert pool.request("GET", URL_A).body == b"fine"
    assert [len(connection.written) for connection in network.connections] == [1 + is_used]


def test_request_without_a_host_is_not_sent(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply(b"fine"))
    pool = driver.pool()
    with pytest.raises(LocalProtocolError, match=r"(?i)host"):
        pool.open("GET", headers=[])
    assert pool.is_quiet


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.test/", r"^Request URL has an unsupported protocol 'ftp://'\.$"),
        ("example.test/", r"^Request URL is missing an 'http://' or 'https://' protocol\.$"),
        ("/path", r"^Request URL is missing an 'http://' or 'https://' protocol\.$"),
        (URL(scheme=b"\xff", host=HOST), "unsupported protocol"),
    ],
)
def test_scheme_that_cannot_be_spoken_is_refused(
    driver: Driver, network: Network, url: str | URL, message: str
) -> None:
    pool = driver.pool()
    with pytest.raises(UnsupportedProtocol, match=message):
        pool.request("GET", url)
    assert network.operations == []
    assert pool.is_quiet


@pytest.mark.parametrize("url", ["http://[::1/", "http://exa mple.test/", "http://a:99999/"])
def test_url_that_cannot_be_read_is_refused(driver: Driver, network: Network, url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|port"):
        driver.pool().request("GET", url)
    assert network.operations == []


class AsyncBody:
    """A body for async code."""

    def __aiter__(self) -> "AsyncBody":
        return self

    async def __anext__(self) -> bytes:
        raise AssertionError


@pytest.mark.parametrize("headers", [[], [(b"Content-Length", b"3")]])
def test_body_of_the_other_colour_is_refused(
    driver: Driver, network: Network, headers: list[Field]
) -> None:
    network.serve(lambda request: reply(b"fine"))
    pool = driver.pool()
    ours, body = ("an async", [b"abc"]) if driver.prefix else ("a blocking", AsyncBody())
    with pytest.raises(TypeError, match=f"{ours} connection pool needs a request body"):
        pool.request("POST", URL_A, headers=headers, content=body)
    assert pool.is_quiet
    assert pool.request("GET", URL_A).body == b"fine"
    assert len(network.connections) == 1


def test_headers_of_another_type_are_refused(driver: Driver, network: Network) -> None:
    fields: list[Field] = "X: y"  # type: ignore[assignment]  # that is the point
    with pytest.raises(TypeError, match="headers must be a mapping or sequence"):
        driver.pool().request("GET", URL_A, headers=fields)
    assert network.operations == []


def test_target_of_the_callers_own_is_sent_as_it_stands(
    driver: Driver, network: Network
) -> None:
    network.answer(reply(), reply())
    pool = driver.pool()
    pool.request("OPTIONS", URL_A, extensions={"target": b"*"})
    pool.request("GET", URL_A, extensions={"target": b"//double"})
    targets = [request.target for request in network.connections[0].requests]
    assert targets == [b"*", b"//double"]


def test_target_of_the_callers_own_splits_no_request(driver: Driver, network: Network) -> None:
    network.serve(lambda request: reply())
    with pytest.raises(LocalProtocolError):
        driver.pool().request(
            "GET", URL_A, extensions={"target": b"/ HTTP/1.1\r\nX: y\r\n\r\nGET /"}
        )
    assert network.connections[0].written == []


def test_header_of_the_callers_own_counts(driver: Driver, network: Network) -> None:
    network.answer(reply())
    driver.pool().request(
        "POST",
        URL_A,
        headers=[(b"x-one", b"1"), (b"HOST", b"virtual.test")],
        content=b"abc",
    )
    [request] = network.connections[0].requests
    assert sorted(request.headers) == [
        (b"Content-Length", b"3"),
        (b"HOST", b"virtual.test"),
        (b"x-one", b"1"),
    ]


@pytest.mark.parametrize("url", ["http:///x", "https://:8080/", "http://user@/"])
def test_url_without_a_host_is_refused_before_anything(
    driver: Driver, network: Network, url: str
) -> None:
    pool = driver.pool()
    with pytest.raises(LocalProtocolError, match="has no host"):
        pool.request("GET", url)
    assert not network.connections
    assert pool.is_quiet


def test_timeout_that_is_no_mapping_is_refused_before_anything(
    driver: Driver, network: Network
) -> None:
    pool = driver.pool()
    with pytest.raises(TypeError, match=r"such as \{'read': 5.0\}, but is 5$"):
        pool.request("GET", URL_A, extensions={"timeout": 5})
    assert not network.connections
    assert pool.is_quiet


@pytest.mark.parametrize("port", [-1, 65536, 123456])
def test_port_that_does_not_exist_cannot_be_connected_to(
    driver: Driver, network: Network, port: int
) -> None:
    """As in 1.x: httpx does not expect that the URL is refused, but maps this."""
    pool = driver.pool(retries=3)
    message = f"a port must be 0 to 65535, but is {port}"
    with pytest.raises(ConnectError, match=message):
        pool.request("GET", URL(scheme="http", host="example.test", port=port))
    assert pool.is_quiet
    proxy = Proxy(URL(scheme="http", host="proxy.test", port=port))
    with pytest.raises(ConnectError, match=message):
        driver.pool(proxy=proxy).request("GET", URL_A)
    assert not network.connections
