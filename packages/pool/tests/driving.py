"""How scenarios drive a pool: plain calls, whatever the colour of what is driven.

A scenario is a plain function over a `Driver`, a `Client` and a `Reply`. What those
do with blocking code is written in `driving_blocking.py`; with async code, in
`driving_async.py`, the same calls run to their end in the event loop of another
thread, so that every scenario is written once.
"""

import abc
import collections.abc
import contextlib
import ssl
import threading
import types
import typing

from script_steps import Step
from scripted import PATIENCE, Network

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    NetworkBackend,
    NetworkStream,
)
from httpcore_pool import (
    URL,
    AsyncConnectionInterface,
    AsyncConnectionPool,
    AsyncHTTP2Connection,
    AsyncHTTP11Connection,
    AsyncHTTPConnection,
    ConnectionInterface,
    ConnectionPool,
    HTTP2Connection,
    HTTP11Connection,
    HTTPConnection,
    Origin,
    Proxy,
    Request,
    Response,
)

T = typing.TypeVar("T")

AnyBackend = NetworkBackend | AsyncNetworkBackend
AnyStream = NetworkStream | AsyncNetworkStream
AnyPool = ConnectionPool | AsyncConnectionPool
AnyConnection = (
    HTTPConnection
    | HTTP11Connection
    | HTTP2Connection
    | AsyncHTTPConnection
    | AsyncHTTP11Connection
    | AsyncHTTP2Connection
)
AnyConnectionInterface = ConnectionInterface | AsyncConnectionInterface

Fields = collections.abc.Sequence[tuple[bytes, bytes]]
Chunks = collections.abc.Iterable[bytes]
Body = collections.abc.Iterable[bytes] | collections.abc.AsyncIterable[bytes]
Extensions = dict[str, object]
# What a trace callback is told is of as many types as there are events.
Told = tuple[str, dict[str, object]]
# What create_connection() is to do: given what it would do, and the origin.
Create = collections.abc.Callable[
    [collections.abc.Callable[[Origin], AnyConnectionInterface], Origin], object
]

HOST = b"example.test"
URL_A = "http://example.test/"
URL_B = "http://other.test/"
URL_TLS = "https://example.test/"
ORIGIN_A = Origin(b"http", HOST, 80)


def reply(body: bytes = b"", *fields: tuple[bytes, bytes], status: bytes = b"200 OK") -> bytes:
    """A response with a Content-Length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body)]
    lines += [b"%b: %b" % field for field in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def head(status: bytes, *fields: tuple[bytes, bytes]) -> bytes:
    """A response's head, such as that of an interim one."""
    lines = [b"HTTP/1.1 " + status, *(b"%b: %b" % field for field in fields)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def plain_context() -> ssl.SSLContext:
    """A context that costs nothing to make: nobody looks at certificates here."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class PoolOptions(typing.TypedDict, total=False):
    """What a pool may be made with, the backend aside."""

    ssl_context: ssl.SSLContext | None
    max_connections: int | None
    max_keepalive_connections: int | None
    keepalive_expiry: float | None
    retries: int
    local_address: str | None
    uds: str | None
    socket_options: collections.abc.Iterable[SOCKET_OPTION] | None
    max_connections_per_origin: int | None
    max_connection_age: float | None
    http1: bool
    http2: bool
    proxy: Proxy | None
    keepalive_ping: float | None


class Wire(abc.ABC):
    """The stream of a connection whose protocol has changed."""

    @abc.abstractmethod
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes: ...

    @abc.abstractmethod
    def write(self, buffer: bytes, timeout: float | None = None) -> None: ...

    @abc.abstractmethod
    def close(self) -> None: ...

    @abc.abstractmethod
    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str) -> "Wire": ...

    @abc.abstractmethod
    def fact(self, info: str) -> object: ...


class Reply(abc.ABC):
    """A response."""

    def __init__(self, response: Response) -> None:
        self.response = response

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return self.response.headers

    def extension(self, name: str) -> object:
        return typing.cast("object", self.response.extensions.get(name))

    @property
    def body(self) -> bytes:
        return self.response.content

    @property
    @abc.abstractmethod
    def wire(self) -> Wire: ...

    @abc.abstractmethod
    def read(self) -> bytes: ...

    @abc.abstractmethod
    def next_chunk(self) -> bytes | None:
        """The next part of the body; None at its end."""

    @abc.abstractmethod
    def close(self) -> None: ...


class Client(abc.ABC):
    """Whatever takes requests: a pool, or a connection."""

    @abc.abstractmethod
    def request(
        self,
        method: str | bytes,
        url: URL | str | bytes,
        *,
        headers: Fields | None = None,
        content: bytes | Body | None = None,
        extensions: Extensions | None = None,
    ) -> Reply:
        """Sends a request, and reads all of the response."""

    @abc.abstractmethod
    def stream(
        self,
        method: str | bytes,
        url: URL | str | bytes,
        *,
        headers: Fields | None = None,
        content: bytes | Body | None = None,
        extensions: Extensions | None = None,
    ) -> contextlib.AbstractContextManager[Reply]:
        """Sends a request; the response ends with the block."""

    def open(
        self,
        method: str | bytes,
        url: URL | str | bytes = URL_A,
        *,
        content: bytes | Body | None = None,
        extensions: Extensions | None = None,
        headers: Fields = ((b"Host", HOST),),
    ) -> Reply:
        """Sends a request as it stands; the response is the caller's to end."""
        return self.send(
            Request(method, url, headers=headers, content=content, extensions=extensions)
        )

    @abc.abstractmethod
    def send(self, request: Request) -> Reply:
        """Sends a request that was made before."""

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the pool or the connection."""

    @abc.abstractmethod
    def __enter__(self) -> typing.Self: ...

    @abc.abstractmethod
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None: ...


class PoolClient(Client):
    """A pool; its public object is `face`."""

    face: AnyPool

    @property
    def counts(self) -> str:
        """What the pool's representation says."""
        return repr(self.face).partition("[")[2].removesuffix("]>")

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way, dialling or waiting."""
        stats = self.face.stats()
        busy = stats.dialling + stats.reserved + stats.active
        return not (busy or stats.requests_active or stats.requests_queued)


class ConnectionClient(Client):
    """A connection without a pool; its public object is `face`."""

    face: AnyConnection


class Driver(abc.ABC):
    """Makes what scenarios drive.

    Args:
        network: What everything is connected to.

    Attributes:
        prefix: What the names of its public classes begin with.
    """

    prefix: str

    def __init__(self, network: Network) -> None:
        self.network = network
        self._stack = contextlib.ExitStack()

    @abc.abstractmethod
    def new_network(self) -> Network:
        """A network for this colour, to which nothing is connected."""

    def renew_network(self) -> Network:
        """Begins anew: what is made from here on is connected to a fresh network."""
        network = self.new_network()
        network.clock = self.network.clock
        self.network = network
        return network

    @abc.abstractmethod
    def backend(self, network: Network | None = None) -> AnyBackend: ...

    @abc.abstractmethod
    def pool(
        self, *, create: Create | None = None, **options: typing.Unpack[PoolOptions]
    ) -> PoolClient:
        """A pool, closed when the test ends.

        Args:
            create: What its `create_connection` does; None leaves that as it is.
            options: Those of the pool's constructor.
        """

    @abc.abstractmethod
    def connection(
        self,
        origin: Origin = ORIGIN_A,
        *,
        backend: AnyBackend | None = None,
        ssl_context: ssl.SSLContext | None = None,
        keepalive_expiry: float | None = None,
        retries: int = 0,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
        http1: bool = True,
        http2: bool = False,
        keepalive_ping: float | None = None,
    ) -> ConnectionClient:
        """A connection that dials when it is needed, closed when the test ends."""

    def connected(
        self, *steps: Step, origin: Origin = ORIGIN_A, keepalive_expiry: float | None = None
    ) -> ConnectionClient:
        """A connection over a stream that is open, closed when the test ends."""
        self.network.play(*steps)
        return self.given(self.stream(), origin, keepalive_expiry)

    @abc.abstractmethod
    def stream(self) -> AnyStream:
        """A stream that has just been opened."""

    @abc.abstractmethod
    def given(
        self,
        stream: AnyStream,
        origin: Origin = ORIGIN_A,
        keepalive_expiry: float | None = None,
        *,
        http2: bool = False,
    ) -> ConnectionClient:
        """A connection over some stream, closed when the test ends."""

    @abc.abstractmethod
    def shut(self, connection: AnyConnectionInterface) -> None:
        """Closes a connection that may be a pool's."""

    @abc.abstractmethod
    def body(self, chunks: Chunks) -> Body:
        """A request's body of so many parts, of this colour."""

    @abc.abstractmethod
    def trace(
        self, callback: collections.abc.Callable[[str, dict[str, object]], object]
    ) -> object:
        """A trace callback of this colour."""

    def recorder(self) -> tuple[list[Told], object]:
        """What a trace callback was told, and the callback."""
        told: list[Told] = []
        return told, self.trace(lambda name, info: told.append((name, info)))

    def close(self) -> None:
        """Closes all that was made."""
        self._stack.close()


class Background(typing.Generic[T]):
    """Something that runs in another thread, and its outcome.

    Args:
        function: What runs.
        at_end: Called, in that thread, when it is over.
    """

    def __init__(
        self,
        function: collections.abc.Callable[[], T],
        at_end: collections.abc.Callable[[], None] | None = None,
    ) -> None:
        self._function = function
        self._at_end = at_end
        self._result: list[T] = []
        self._failure: BaseException | None = None
        self.is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as exc:
            self._failure = exc
        self.is_over = True
        if self._at_end is not None:
            self._at_end()

    @property
    def ident(self) -> int | None:
        """The thread's number."""
        return self._thread.ident

    def result(self) -> T:
        """Waits for the end, and returns or raises what came of it."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "a thread has not come to its end"
        if self._failure is not None:
            raise self._failure
        return self._result[0]
