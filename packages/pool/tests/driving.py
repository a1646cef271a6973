"""How scenarios drive a pool: plain calls, whatever the colour of what is driven.

A scenario is a plain function over a `Driver`, a `Client` and a `Reply`. What those
do with blocking code is written here; with async code the same calls run to their
end in the event loop of another thread, so that every scenario is written once.
"""

import collections.abc
import contextlib
import ssl
import threading
import types
import typing

from script_steps import Step
from scripted import PATIENCE, Network
from scripted_backend import ScriptedBackend, ScriptedStream

from httpcore_interface import SOCKET_OPTION, NetworkBackend, NetworkStream
from httpcore_pool import (
    URL,
    ConnectionPool,
    HTTP11Connection,
    HTTPConnection,
    Origin,
    Request,
    Response,
)

T = typing.TypeVar("T")

Fields = collections.abc.Sequence[tuple[bytes, bytes]]
Chunks = collections.abc.Iterable[bytes]
Extensions = dict[str, object]
# What a trace callback is told is of as many types as there are events.
Told = tuple[str, dict[str, object]]

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


class Wire:
    """The stream of a connection whose protocol has changed."""

    def __init__(self, stream: NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str) -> "Wire":
        return Wire(self._stream.start_tls(ssl_context, server_hostname, timeout=5.0))

    def fact(self, info: str) -> object:
        return typing.cast("object", self._stream.get_extra_info(info))


class Reply:
    """A response."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self._chunks: collections.abc.Iterator[bytes] | None = None

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
    def wire(self) -> Wire:
        stream: object = self.response.extensions["network_stream"]
        assert isinstance(stream, NetworkStream)
        return Wire(stream)

    def read(self) -> bytes:
        return self.response.read()

    def next_chunk(self) -> bytes | None:
        """The next part of the body; None at its end."""
        if self._chunks is None:
            self._chunks = self.response.iter_stream()
        return next(self._chunks, None)

    def close(self) -> None:
        self.response.close()


class Client:
    """Whatever takes requests: a pool, or a connection."""

    def __init__(self, face: ConnectionPool | HTTPConnection | HTTP11Connection) -> None:
        self._face = face

    def request(
        self,
        method: str | bytes,
        url: URL | str | bytes,
        *,
        headers: Fields | None = None,
        content: bytes | Chunks | None = None,
        extensions: Extensions | None = None,
    ) -> Reply:
        """Sends a request, and reads all of the response."""
        return Reply(
            self._face.request(
                method, url, headers=headers, content=content, extensions=extensions
            )
        )

    @contextlib.contextmanager
    def stream(
        self,
        method: str | bytes,
        url: URL | str | bytes,
        *,
        headers: Fields | None = None,
        content: bytes | Chunks | None = None,
        extensions: Extensions | None = None,
    ) -> collections.abc.Iterator[Reply]:
        """Sends a request; the response ends with the block."""
        with self._face.stream(
            method, url, headers=headers, content=content, extensions=extensions
        ) as response:
            yield Reply(response)

    def open(
        self,
        method: str | bytes,
        url: URL | str | bytes = URL_A,
        *,
        content: bytes | Chunks | None = None,
        extensions: Extensions | None = None,
        headers: Fields = ((b"Host", HOST),),
    ) -> Reply:
        """Sends a request as it stands; the response is the caller's to end."""
        return self.send(
            Request(method, url, headers=headers, content=content, extensions=extensions)
        )

    def send(self, request: Request) -> Reply:
        """Sends a request that was made before."""
        return Reply(self._face.handle_request(request))

    def close(self) -> None:
        """Closes the pool or the connection."""
        self._face.close()

    def __enter__(self) -> typing.Self:
        self._face.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._face.__exit__(exc_type, exc, traceback)


class PoolClient(Client):
    """A pool; its public object is `face`."""

    def __init__(self, face: ConnectionPool) -> None:
        super().__init__(face)
        self.face = face

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

    def __init__(self, face: HTTPConnection | HTTP11Connection) -> None:
        super().__init__(face)
        self.face = face


class Driver:
    """Makes what scenarios drive; this one for blocking code.

    Args:
        network: What everything is connected to.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._stack = contextlib.ExitStack()

    def renew_network(self) -> Network:
        """Begins anew: what is made from here on is connected to a fresh network."""
        network = Network()
        network.clock = self.network.clock
        self.network = network
        return network

    def backend(self) -> NetworkBackend:
        return ScriptedBackend(self.network)

    def pool(
        self,
        of: type[ConnectionPool] = ConnectionPool,
        **options: typing.Unpack[PoolOptions],
    ) -> PoolClient:
        """A pool, closed when the test ends."""
        face = of(network_backend=self.backend(), **options)
        self._stack.callback(face.close)
        return PoolClient(face)

    def connection(
        self,
        origin: Origin = ORIGIN_A,
        *,
        ssl_context: ssl.SSLContext | None = None,
        keepalive_expiry: float | None = None,
        retries: int = 0,
    ) -> ConnectionClient:
        """A connection that dials when it is needed, closed when the test ends."""
        face = HTTPConnection(
            origin,
            ssl_context=ssl_context,
            keepalive_expiry=keepalive_expiry,
            retries=retries,
            network_backend=self.backend(),
        )
        self._stack.callback(face.close)
        return ConnectionClient(face)

    def connected(
        self, *steps: Step, origin: Origin = ORIGIN_A, keepalive_expiry: float | None = None
    ) -> ConnectionClient:
        """A connection over a stream that is open, closed when the test ends."""
        self.network.play(*steps)
        stream = self.backend().connect_tcp("example.test", 80)
        assert isinstance(stream, ScriptedStream)
        face = HTTP11Connection(origin, stream, keepalive_expiry)
        self._stack.callback(face.close)
        return ConnectionClient(face)

    def body(self, chunks: Chunks) -> Chunks:
        """A request's body of so many parts, of this colour."""
        return iter(chunks)

    def trace(
        self, callback: collections.abc.Callable[[str, dict[str, object]], object]
    ) -> object:
        """A trace callback of this colour."""
        return callback

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
