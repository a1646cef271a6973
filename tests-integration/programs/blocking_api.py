"""All that blocking code may use: `python -m programs.blocking_api URL`.

Written as users write, and read by type checkers: what has a type says which. Its twin is
`async_api`. The server at the URL answers "ok" to everything.
"""

import collections.abc
import ssl
import sys
import typing

import httpcore
from httpcore_mock import http2_response

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
ORIGIN = httpcore.Origin(b"http", b"example.com", 80)
Options = collections.abc.Iterable[httpcore.SOCKET_OPTION]


def use_values() -> None:
    url = httpcore.URL(scheme="https", host="example.com", port=None, target="/a?b=c")
    assert url == httpcore.URL("https://example.com/a?b=c") != httpcore.URL(b"http://other/")
    typing.assert_type(bytes(url), bytes)
    typing.assert_type(url.port, int | None)
    typing.assert_type((url.scheme, url.host, url.target), tuple[bytes, bytes, bytes])
    typing.assert_type(url.origin, httpcore.Origin)
    assert str(url.origin) == "https://example.com:443"
    typing.assert_type(ORIGIN.port, int)
    for headers in ({"A": "b"}, [("A", "b")], {b"A": b"b"}, [(b"A", b"b")]):
        request = httpcore.Request("GET", url, headers=headers, content=b"", extensions={})
        assert request.headers == [(b"A", b"b")]
    typing.assert_type(request.method, bytes)
    typing.assert_type(request.url, httpcore.URL)
    typing.assert_type(request.headers, list[tuple[bytes, bytes]])
    assert isinstance(request.stream, collections.abc.Iterable)
    response = httpcore.Response(200, headers=[], content=b"ok", extensions={})
    typing.assert_type(response.status, int)
    typing.assert_type(response.read(), bytes)
    typing.assert_type(response.content, bytes)
    typing.assert_type(response.iter_stream(), collections.abc.Iterator[bytes])
    response.close()
    context = httpcore.default_ssl_context()
    typing.assert_type(context, ssl.SSLContext)
    proxy = httpcore.Proxy("http://h:1", auth=(b"a", b"b"), headers=[], ssl_context=None)
    typing.assert_type(proxy.url, httpcore.URL)
    typing.assert_type(proxy.auth, tuple[bytes, bytes] | None)
    typing.assert_type(proxy.headers, list[tuple[bytes, bytes]])
    typing.assert_type(proxy.ssl_context, ssl.SSLContext | None)


def use_exceptions() -> None:
    tree: dict[type[Exception], tuple[type[Exception], ...]] = {
        httpcore.TimeoutException: (
            httpcore.ConnectTimeout,
            httpcore.ReadTimeout,
            httpcore.WriteTimeout,
            httpcore.PoolTimeout,
        ),
        httpcore.NetworkError: (
            httpcore.ConnectError,
            httpcore.ReadError,
            httpcore.WriteError,
        ),
        httpcore.ProtocolError: (
            httpcore.LocalProtocolError,
            httpcore.RemoteProtocolError,
        ),
        Exception: (
            httpcore.ProxyError,
            httpcore.UnsupportedProtocol,
            httpcore.ConnectionNotAvailable,
        ),
    }
    for parent, children in tree.items():
        for child in children:
            try:
                raise child
            except parent:
                pass


def use_functions(url: str) -> None:
    response = httpcore.request("POST", url, headers={"A": "b"}, content=b"body", extensions={})
    typing.assert_type(response, httpcore.Response)
    with httpcore.stream("GET", url, headers=None, content=None, extensions=None) as streamed:
        typing.assert_type(streamed, httpcore.Response)
        for part in streamed.iter_stream():
            typing.assert_type(part, bytes)


def parts() -> collections.abc.Iterator[bytes]:
    yield b"par"
    yield b"ts"


def use_pools(url: str) -> None:
    told: list[str] = []

    def trace(name: str, info: dict[str, object]) -> None:
        told.append(name)

    with httpcore.ConnectionPool(
        ssl_context=None,
        proxy=None,
        max_connections=10,
        max_keepalive_connections=None,
        keepalive_expiry=5.0,
        http1=True,
        http2=False,
        retries=1,
        local_address=None,
        uds=None,
        network_backend=httpcore.SyncBackend(),
        socket_options=[(6, 1, 1)],
    ) as pool:
        typing.assert_type(pool, httpcore.ConnectionPool)
        response = pool.request(
            "PUT", url, content=parts(), extensions={"trace": trace, "timeout": {"read": 30}}
        )
        assert (response.status, response.content) == (200, b"ok")
        assert told[0] == "connection.connect_tcp.started"
        with pool.stream("GET", httpcore.URL(url)) as streamed:
            typing.assert_type(streamed, httpcore.Response)
            streamed.read()
        bare = pool.handle_request(httpcore.Request("GET", url, headers={"Host": "a"}))
        assert bare.read() == b"ok"
        bare.close()
        typing.assert_type(pool.connections, list[httpcore.ConnectionInterface])
        assert [connection.is_idle() for connection in pool.connections] == [True]
        typing.assert_type(pool.stats(), httpcore.PoolStats)
        typing.assert_type(pool.stats().idle, int)
    proxies: list[httpcore.ConnectionPool] = [
        httpcore.HTTPProxy(
            proxy_url="http://127.0.0.1:1",
            proxy_auth=("user", "password"),
            proxy_headers={"A": "b"},
            ssl_context=None,
            proxy_ssl_context=None,
            max_connections=1,
        ),
        httpcore.SOCKSProxy("socks5://127.0.0.1:1", proxy_auth=("user", "password")),
    ]
    for proxy in proxies:
        proxy.close()


class Stream(httpcore.NetworkStream):
    """A stream of the user's own, without what it does not need."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    # As the interface has it.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return self._stream.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """A backend of the user's own."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Options | None = None,
    ) -> httpcore.NetworkStream:
        return Stream(
            self._backend.connect_tcp(
                host=host,
                port=port,
                timeout=timeout,
                local_address=local_address,
                socket_options=socket_options,
            )
        )

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class Wrapping(httpcore.ConnectionInterface):
    """A connection of the user's own, around another."""

    def __init__(self, connection: httpcore.ConnectionInterface) -> None:
        self._connection = connection

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        return self._connection.handle_request(request)

    def close(self) -> None:
        self._connection.close()

    def info(self) -> str:
        return self._connection.info()

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        return self._connection.can_handle_request(origin)

    def is_available(self) -> bool:
        return self._connection.is_available()

    def has_expired(self) -> bool:
        return self._connection.has_expired()

    def is_idle(self) -> bool:
        return self._connection.is_idle()

    def is_closed(self) -> bool:
        return self._connection.is_closed()


class Pool(httpcore.ConnectionPool):
    """A pool of the user's own, as httpx-socks has."""

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        backend = Backend(httpcore.SyncBackend())
        return Wrapping(httpcore.HTTPConnection(origin, network_backend=backend))


def use_connections(url: str) -> None:
    with Pool() as pool:
        typing.assert_type(pool, Pool)
        assert pool.request("GET", url).content == b"ok"
    with httpcore.HTTPConnection(
        origin=httpcore.URL(url).origin,
        ssl_context=None,
        keepalive_expiry=None,
        http1=True,
        http2=False,
        retries=0,
        local_address=None,
        uds=None,
        network_backend=None,
        socket_options=None,
    ) as connection:
        typing.assert_type(connection, httpcore.HTTPConnection)
        assert connection.request("GET", url).content == b"ok"
    stream = httpcore.MockStream([HEAD, b"ok"])
    with httpcore.HTTP11Connection(ORIGIN, stream, keepalive_expiry=1.0) as http1:
        assert http1.request("GET", "http://example.com/").content == b"ok"
    stream = httpcore.MockStream([http2_response(body=b"ok")], http2=True)
    with httpcore.HTTP2Connection(ORIGIN, stream, keepalive_expiry=1.0) as http2:
        assert http2.request("GET", "http://example.com/").content == b"ok"
    mock: httpcore.NetworkBackend = httpcore.MockBackend([HEAD, b"ok"], http2=False)
    with httpcore.ConnectionPool(network_backend=mock) as mocked:
        assert mocked.request("GET", "https://example.com/").content == b"ok"


def main(url: str) -> None:
    use_values()
    use_exceptions()
    use_functions(url)
    use_pools(url)
    use_connections(url)
    sys.stdout.write(f"httpcore {httpcore.__version__}\n")


if __name__ == "__main__":
    main(sys.argv[1])
