"""How scenarios drive blocking code."""

import collections.abc
import contextlib
import ssl
import types
import typing

from driving import (
    ORIGIN_A,
    AnyBackend,
    AnyConnectionInterface,
    AnyStream,
    Body,
    Chunks,
    Client,
    ConnectionClient,
    Create,
    Driver,
    Extensions,
    Fields,
    PoolClient,
    PoolOptions,
    Reply,
    Wire,
)
from scripted import Network
from scripted_backend import ScriptedBackend

from httpcore_interface import SOCKET_OPTION, NetworkBackend, NetworkStream
from httpcore_pool import (
    URL,
    ConnectionInterface,
    ConnectionPool,
    HTTP2Connection,
    HTTP11Connection,
    HTTPConnection,
    Origin,
    Request,
    Response,
)


class BlockingWire(Wire):
    """The stream of a connection whose protocol has changed."""

    def __init__(self, stream: NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str) -> Wire:
        return BlockingWire(self._stream.start_tls(ssl_context, server_hostname, timeout=5.0))

    def fact(self, info: str) -> object:
        return typing.cast("object", self._stream.get_extra_info(info))


class BlockingReply(Reply):
    """A response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self._chunks: collections.abc.Iterator[bytes] | None = None

    @property
    def wire(self) -> Wire:
        stream: object = self.response.extensions["network_stream"]
        assert isinstance(stream, NetworkStream)
        return BlockingWire(stream)

    def read(self) -> bytes:
        return self.response.read()

    def next_chunk(self) -> bytes | None:
        if self._chunks is None:
            self._chunks = self.response.iter_stream()
        return next(self._chunks, None)

    def close(self) -> None:
        self.response.close()


class BlockingClient(Client):
    """Whatever takes requests."""

    def __init__(
        self, face: ConnectionPool | HTTPConnection | HTTP11Connection | HTTP2Connection
    ) -> None:
        self._face = face

    def request(
        self,
        method: str | bytes,
        url: URL | str | bytes,
        *,
        headers: Fields | None = None,
        content: bytes | Body | None = None,
        extensions: Extensions | None = None,
    ) -> Reply:
        return BlockingReply(
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
        content: bytes | Body | None = None,
        extensions: Extensions | None = None,
    ) -> collections.abc.Iterator[Reply]:
        with self._face.stream(
            method, url, headers=headers, content=content, extensions=extensions
        ) as response:
            yield BlockingReply(response)

    def send(self, request: Request) -> Reply:
        return BlockingReply(self._face.handle_request(request))

    def close(self) -> None:
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


class BlockingPoolClient(BlockingClient, PoolClient):
    """A pool."""

    def __init__(self, face: ConnectionPool) -> None:
        super().__init__(face)
        self.face = face


class BlockingConnectionClient(BlockingClient, ConnectionClient):
    """A connection without a pool."""

    def __init__(self, face: HTTPConnection | HTTP11Connection | HTTP2Connection) -> None:
        super().__init__(face)
        self.face = face


class BlockingDriver(Driver):
    """Makes blocking pools and connections."""

    prefix = ""

    def new_network(self) -> Network:
        return Network()

    def backend(self, network: Network | None = None) -> NetworkBackend:
        return ScriptedBackend(network or self.network)

    def pool(
        self, *, create: Create | None = None, **options: typing.Unpack[PoolOptions]
    ) -> PoolClient:
        of = ConnectionPool if create is None else creating(create)
        face = of(network_backend=self.backend(), **options)
        self._stack.callback(face.close)
        return BlockingPoolClient(face)

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
        assert backend is None or isinstance(backend, NetworkBackend)
        face = HTTPConnection(
            origin,
            ssl_context=ssl_context,
            keepalive_expiry=keepalive_expiry,
            retries=retries,
            network_backend=backend or self.backend(),
            socket_options=socket_options,
            http1=http1,
            http2=http2,
            keepalive_ping=keepalive_ping,
        )
        self._stack.callback(face.close)
        return BlockingConnectionClient(face)

    def stream(self) -> AnyStream:
        return self.backend().connect_tcp("example.test", 80)

    def given(
        self,
        stream: AnyStream,
        origin: Origin = ORIGIN_A,
        keepalive_expiry: float | None = None,
        *,
        http2: bool = False,
    ) -> ConnectionClient:
        assert isinstance(stream, NetworkStream)
        of = HTTP2Connection if http2 else HTTP11Connection
        face = of(origin, stream, keepalive_expiry)
        self._stack.callback(face.close)
        return BlockingConnectionClient(face)

    def shut(self, connection: AnyConnectionInterface) -> None:
        assert isinstance(connection, ConnectionInterface)
        connection.close()

    def body(self, chunks: Chunks) -> Body:
        return iter(chunks)

    def trace(
        self, callback: collections.abc.Callable[[str, dict[str, object]], object]
    ) -> object:
        return callback


def creating(create: Create) -> type[ConnectionPool]:
    """A pool whose connections are made in another way."""

    class Creating(ConnectionPool):
        def create_connection(self, origin: Origin) -> ConnectionInterface:
            # Some tests want it to be wrong.
            return create(super().create_connection, origin)  # type: ignore[return-value]

    return Creating
