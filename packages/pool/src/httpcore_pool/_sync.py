"""The public classes for blocking code: forwarding and docstrings."""

import collections.abc
import ssl
import types
import typing

from httpcore_interface import SOCKET_OPTION, NetworkBackend, NetworkStream

from ._bridge import Blocking, BlockingBackend, BlockingSender, BlockingStream, run
from ._core.connection import Connection
from ._core.foreign import AnyConnection, ForeignConnection
from ._core.http11 import HTTP11Connection as CoreHTTP11Connection
from ._core.options import ConnectOptions
from ._core.pool import Pool
from ._core.route import Route, Way
from ._defaults import default_backend
from ._faces import DialledFace, GivenFace, PoolFace, Questions, does_as
from ._http2 import speak_http2
from ._messages import Content, Extensions, HeaderTypes, Request, Response, build_request
from ._proxy import Proxy
from ._state import Limits
from ._url import URL, Origin

_BLOCKING = Blocking()


class ResponseContext:
    """A response that is closed when its `with` block ends."""

    __slots__ = ("_handle", "_request", "_response")

    def __init__(
        self, handle: collections.abc.Callable[[Request], Response], request: Request
    ) -> None:
        self._handle = handle
        self._request = request
        self._response: Response | None = None

    def __enter__(self) -> Response:
        self._response = self._handle(self._request)
        return self._response

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        if self._response is not None:
            self._response.close()


class RequestInterface:
    """Whatever handles requests: subclasses write `handle_request` alone."""

    def request(
        self,
        method: bytes | str,
        url: URL | bytes | str,
        *,
        headers: HeaderTypes | None = None,
        content: Content | None = None,
        extensions: Extensions | None = None,
    ) -> Response:
        """Sends a request and reads the whole response.

        Args:
            method: Such as `"GET"`.
            url: Where it goes.
            headers: A mapping, or (name, value) pairs. `Host` is added, and
                `Content-Length` or `Transfer-Encoding` where there is content.
            content: The body: bytes, or an iterable of bytes.
            extensions: See `Request`.

        Returns:
            The response; its `content` is there.

        Raises:
            TypeError, ValueError: An argument is not what it should be.
            TimeoutException, NetworkError, ProtocolError, ProxyError, UnsupportedProtocol: As
                `handle_request` does.
        """
        response = self.handle_request(build_request(method, url, headers, content, extensions))
        try:
            response.read()
        finally:
            response.close()
        return response

    def stream(
        self,
        method: bytes | str,
        url: URL | bytes | str,
        *,
        headers: HeaderTypes | None = None,
        content: Content | None = None,
        extensions: Extensions | None = None,
    ) -> ResponseContext:
        """Sends a request; the response is read, as it comes, in a `with` block.

            with pool.stream("GET", "https://example.com/") as response:
                for chunk in response.iter_stream():
                    ...

        Args and errors are those of `request`; they are raised on entering.
        """
        return ResponseContext(
            self.handle_request, build_request(method, url, headers, content, extensions)
        )

    def handle_request(self, request: Request) -> Response:
        """Sends a request, and returns the response once its head has come."""
        raise NotImplementedError(f"{type(self).__name__} does not implement handle_request()")


class ConnectionInterface(RequestInterface, Questions):
    """What a pool asks of a connection; for connections of one's own."""

    def close(self) -> None:
        """Closes the connection, whatever it is doing."""
        raise self._missing("close")


class _Entered:
    """A resource that a `with` block closes."""

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes it."""
        raise NotImplementedError


class HTTP11Connection(_Entered, GivenFace, ConnectionInterface):
    """An HTTP/1.1 connection over a stream that is open already.

    Args:
        origin: Where the stream leads.
        stream: The open connection.
        keepalive_expiry: Seconds after which it has expired when idle.
    """

    def __init__(
        self, origin: Origin, stream: NetworkStream, keepalive_expiry: float | None = None
    ) -> None:
        self._origin = origin
        self._keepalive_expiry = keepalive_expiry
        self._core = CoreHTTP11Connection(BlockingStream(stream), _BLOCKING)

    def handle_request(self, request: Request) -> Response:
        """Sends a request, and returns the response once its head has come.

        Raises:
            RuntimeError: The request goes to another origin.
            ConnectionNotAvailable: The connection is in use, or was closed.
        """
        return run(self._core.handle_alone(request, self._origin))

    def close(self) -> None:
        """Closes the connection, whatever it is doing."""
        run(self._core.aclose())


class HTTP2Connection(_Entered, GivenFace, ConnectionInterface):
    """An HTTP/2 connection over a stream that is open already; for many requests at once.

    Args:
        origin: Where the stream leads.
        stream: The open connection, on which nothing was said yet.
        keepalive_expiry: Seconds after which it has expired when idle.

    Raises:
        ImportError: What HTTP/2 needs is not installed.
    """

    def __init__(
        self, origin: Origin, stream: NetworkStream, keepalive_expiry: float | None = None
    ) -> None:
        self._origin = origin
        self._keepalive_expiry = keepalive_expiry
        # Of a backend it needs no more than the base class has: events, and pauses.
        backend = BlockingBackend(NetworkBackend())
        self._core = speak_http2(BlockingStream(stream), _BLOCKING, backend)

    def handle_request(self, request: Request) -> Response:
        """Sends a request, and returns the response once its head has come.

        Raises:
            RuntimeError: The request goes to another origin.
            ConnectionNotAvailable: The server takes no more requests at once, or the
                connection was closed.
        """
        return run(self._core.handle_alone(request, self._origin))

    def close(self) -> None:
        """Closes the connection, whatever it is doing."""
        run(self._core.aclose())


class HTTPConnection(_Entered, DialledFace, ConnectionInterface):
    """A connection to one origin, made when the first request needs it.

    Args:
        origin: Where it goes.
        ssl_context: For origins with TLS; None is the default of the process.
        keepalive_expiry: Seconds after which it has expired when idle.
        http1: Whether HTTP/1.1 is enabled.
        http2: Whether HTTP/2 is enabled.
        retries: How often a failed attempt to connect is repeated.
        local_address: The address to connect from.
        uds: The Unix socket to connect to, whatever the origin.
        network_backend: Who connects; None is `SyncBackend`.
        socket_options: Arguments of `setsockopt`.
        keepalive_ping: Seconds. An HTTP/2 server that sends nothing for so long, though a
            request waits, is asked by a PING; if it sends nothing for as long again, the
            connection is closed, and its requests fail with ReadError. None: never.
    """

    def __init__(
        self,
        origin: Origin,
        ssl_context: ssl.SSLContext | None = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        retries: int = 0,
        local_address: str | None = None,
        uds: str | None = None,
        network_backend: NetworkBackend | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
        *,
        keepalive_ping: float | None = None,
    ) -> None:
        options = ConnectOptions.of(
            ssl_context=ssl_context,
            keepalive_expiry=keepalive_expiry,
            http1=http1,
            http2=http2,
            retries=retries,
            local_address=local_address,
            uds=uds,
            socket_options=socket_options,
            keepalive_ping=keepalive_ping,
        )
        backend = BlockingBackend(network_backend or default_backend())
        self._adopt(Connection(origin, options, backend, _BLOCKING))

    def handle_request(self, request: Request) -> Response:
        """Sends a request, and returns the response once its head has come.

        Raises:
            RuntimeError: The request goes to another origin.
            ConnectionNotAvailable: The connection is in use, or was closed.
        """
        return run(self._core.handle(request))

    def close(self) -> None:
        """Closes the connection, whatever it is doing."""
        run(self._core.aclose())


class ForwardHTTPConnection(HTTPConnection):
    """A pool's connection to a proxy that forwards requests to one origin."""


class TunnelHTTPConnection(HTTPConnection):
    """A pool's connection to one origin, in a tunnel through an HTTP proxy."""


class Socks4Connection(HTTPConnection):
    """A pool's connection to one origin, through a proxy that speaks SOCKS4."""


class Socks5Connection(HTTPConnection):
    """A pool's connection to one origin, through a proxy that speaks SOCKS5."""


_FACES = {
    Way.DIRECT: HTTPConnection,
    Way.FORWARD: ForwardHTTPConnection,
    Way.TUNNEL: TunnelHTTPConnection,
    Way.SOCKS4: Socks4Connection,
    Way.SOCKS5: Socks5Connection,
}


class ConnectionPool(_Entered, PoolFace[ConnectionInterface], RequestInterface):
    """Sends requests over connections that are kept and shared; for threads.

    Requests that find no connection free wait for one, first come, first served,
    for at most their `pool` timeout.

    Args:
        ssl_context: For origins with TLS; None is the default of the process.
        proxy: What requests go through; None is the direct way.
        max_connections: The most connections at once; None is no limit.
        max_keepalive_connections: The most of them that are kept while idle.
        keepalive_expiry: Seconds that one of those is kept.
        http1: Whether HTTP/1.1 is enabled.
        http2: Whether HTTP/2 is enabled.
        retries: How often a failed attempt to connect is repeated.
        local_address: The address to connect from.
        uds: The Unix socket to connect to, whatever the origin or the proxy.
        network_backend: Who connects; None is `SyncBackend`.
        socket_options: Arguments of `setsockopt`.
        max_connections_per_origin: The most connections to one origin.
        max_connection_age: Seconds after which a connection takes no more requests.
        keepalive_ping: Seconds. An HTTP/2 server that sends nothing for so long, though a
            request waits, is asked by a PING; if it sends nothing for as long again, the
            connection is closed, and its requests fail with ReadError. None: never.

    Raises:
        ValueError: An option is out of range.
        TypeError: The proxy is none.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
        max_connections: int | None = 10,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        retries: int = 0,
        local_address: str | None = None,
        uds: str | None = None,
        network_backend: NetworkBackend | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
        *,
        max_connections_per_origin: int | None = None,
        max_connection_age: float | None = None,
        keepalive_ping: float | None = None,
    ) -> None:
        limits = Limits.of(
            max_connections=max_connections,
            max_connections_per_origin=max_connections_per_origin,
            max_keepalive_connections=max_keepalive_connections,
            keepalive_expiry=keepalive_expiry,
            max_connection_age=max_connection_age,
        )
        self._options = ConnectOptions.of(
            ssl_context=ssl_context,
            keepalive_expiry=keepalive_expiry,
            http1=http1,
            http2=http2,
            retries=retries,
            local_address=local_address,
            uds=uds,
            socket_options=socket_options,
            proxy=proxy,
            keepalive_ping=keepalive_ping,
        )
        self._backend = None if network_backend is None else BlockingBackend(network_backend)
        self._core = Pool(
            limits,
            _BLOCKING,
            self._make_connection,
            self._blocking_backend,
            self._options.sharing_schemes,
        )

    def create_connection(self, origin: Origin) -> ConnectionInterface:
        """Makes the connection that the pool is about to use, not connected yet."""
        backend = BlockingBackend(self._network_backend)
        core = Connection(origin, self._options, backend, _BLOCKING)
        return _FACES[Route.to(origin, self._options).way]._of(core)

    def _make_connection(self, origin: Origin) -> AnyConnection:
        connection = self.create_connection(origin)
        if does_as(connection, HTTPConnection):
            return connection._core
        if not hasattr(connection, "handle_request"):
            raise TypeError(
                "create_connection() must return an ConnectionInterface, "
                f"but returned {type(connection).__name__}"
            )
        may_share = origin.scheme in self._options.sharing_schemes
        sender = BlockingSender(connection)
        return ForeignConnection(connection, sender, _BLOCKING, may_share=may_share)

    def _blocking_backend(self) -> BlockingBackend:
        if self._backend is None:
            self._backend = BlockingBackend(default_backend())
        return self._backend

    @property
    def _network_backend(self) -> NetworkBackend:
        # Programs read and replace it, to guard where connections go.
        return self._blocking_backend().backend

    @_network_backend.setter
    def _network_backend(self, backend: NetworkBackend) -> None:
        self._backend = BlockingBackend(backend)

    def handle_request(self, request: Request) -> Response:
        """Sends a request, and returns the response once its head has come.

        The connection is the response's until its body has been read, or it is
        closed.

        Raises:
            UnsupportedProtocol: The URL's scheme is none of http, https, ws, wss.
            PoolTimeout: No connection became available in time.
            ConnectError, ConnectTimeout: None could be established.
            ProxyError: A proxy refused.
            LocalProtocolError: The request is not valid.
            RemoteProtocolError: The response is not valid.
            ReadError, ReadTimeout, WriteError, WriteTimeout: As the names say.
            RuntimeError: The pool is closed.
        """
        return run(self._core.handle(request))

    def close(self) -> None:
        """Closes every connection; whoever waits or reads gets an error at once.

        A closed pool takes no requests, until a `with` block opens it anew.
        """
        run(self._core.aclose())

    def __enter__(self) -> typing.Self:
        self._core.reopen()
        return self
