"""How scenarios drive async code: each call runs to its end in an event loop.

Calls that are made in that loop's own thread, by a hook that is called in the middle
of what runs there, can only close something, and that begins once the loop is free.
"""

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
from event_loops import Function, Guard, Loop, unguarded
from injected_faults import CancelHere
from pace import LoopPace, Pace
from scripted import Network
from scripted_async_backend import AsyncScriptedBackend

from httpcore_interface import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream
from httpcore_pool import (
    URL,
    AsyncConnectionInterface,
    AsyncConnectionPool,
    AsyncHTTP2Connection,
    AsyncHTTP11Connection,
    AsyncHTTPConnection,
    Origin,
    Request,
    Response,
)

T = typing.TypeVar("T")


class Runner:
    """Runs what is called in an event loop.

    Args:
        loop: The event loop.

    Attributes:
        guard: How calls are awaited there.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.guard: Guard = unguarded

    def run(self, function: Function[T]) -> T:
        return self.loop.run(function, self.guard)

    def close(self, function: Function[object]) -> None:
        if self.loop.is_here:
            self.loop.run_soon(function)
        else:
            self.run(function)


class AsyncWire(Wire):
    """The stream of a connection whose protocol has changed."""

    def __init__(self, stream: AsyncNetworkStream, runner: Runner) -> None:
        self._stream = stream
        self._runner = runner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._runner.run(lambda: self._stream.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._runner.run(lambda: self._stream.write(buffer, timeout))

    def close(self) -> None:
        self._runner.close(self._stream.aclose)

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str) -> Wire:
        stream = self._runner.run(
            lambda: self._stream.start_tls(ssl_context, server_hostname, timeout=5.0)
        )
        return AsyncWire(stream, self._runner)

    def fact(self, info: str) -> object:
        return typing.cast("object", self._stream.get_extra_info(info))


class AsyncReply(Reply):
    """A response."""

    def __init__(self, response: Response, runner: Runner) -> None:
        super().__init__(response)
        self._runner = runner
        self._chunks: collections.abc.AsyncIterator[bytes] | None = None

    @property
    def wire(self) -> Wire:
        stream: object = self.response.extensions["network_stream"]
        assert isinstance(stream, AsyncNetworkStream)
        return AsyncWire(stream, self._runner)

    def read(self) -> bytes:
        return self._runner.run(self.response.aread)

    def next_chunk(self) -> bytes | None:
        return self._runner.run(self._next_chunk)

    async def _next_chunk(self) -> bytes | None:
        if self._chunks is None:
            self._chunks = self.response.aiter_stream()
        return await anext(self._chunks, None)

    def close(self) -> None:
        self._runner.close(self.response.aclose)


class AsyncClient(Client):
    """Whatever takes requests."""

    def __init__(
        self,
        face: AsyncConnectionPool
        | AsyncHTTPConnection
        | AsyncHTTP11Connection
        | AsyncHTTP2Connection,
        runner: Runner,
    ) -> None:
        self._face = face
        self._runner = runner

    def request(
        self,
        method: str | bytes,
        url: URL | str | bytes,
        *,
        headers: Fields | None = None,
        content: bytes | Body | None = None,
        extensions: Extensions | None = None,
    ) -> Reply:
        response = self._runner.run(
            lambda: self._face.request(
                method, url, headers=headers, content=content, extensions=extensions
            )
        )
        return AsyncReply(response, self._runner)

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
        context = self._face.stream(
            method, url, headers=headers, content=content, extensions=extensions
        )
        response = self._runner.run(context.__aenter__)
        try:
            yield AsyncReply(response, self._runner)
        except BaseException as exc:
            # Else it is gone when the function is called.
            raised = exc
            self._runner.run(
                lambda: context.__aexit__(type(raised), raised, raised.__traceback__)
            )
            raise
        self._runner.run(lambda: context.__aexit__(None, None, None))

    def send(self, request: Request) -> Reply:
        response = self._runner.run(lambda: self._face.handle_async_request(request))
        return AsyncReply(response, self._runner)

    def close(self) -> None:
        self._runner.close(self._face.aclose)

    def __enter__(self) -> typing.Self:
        self._runner.run(self._face.__aenter__)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._runner.run(lambda: self._face.__aexit__(exc_type, exc, traceback))


class AsyncPoolClient(AsyncClient, PoolClient):
    """A pool."""

    def __init__(self, face: AsyncConnectionPool, runner: Runner) -> None:
        super().__init__(face, runner)
        self.face = face


class AsyncConnectionClient(AsyncClient, ConnectionClient):
    """A connection without a pool."""

    def __init__(
        self,
        face: AsyncHTTPConnection | AsyncHTTP11Connection | AsyncHTTP2Connection,
        runner: Runner,
    ) -> None:
        super().__init__(face, runner)
        self.face = face


class Parts(collections.abc.AsyncIterator[bytes]):
    """A request's body that comes part by part."""

    def __init__(self, chunks: Chunks, pace: Pace) -> None:
        self._chunks = iter(chunks)
        self._pace = pace

    async def __anext__(self) -> bytes:
        await self._pace.checkpoint()
        try:
            for chunk in self._chunks:
                return chunk
        except CancelHere:
            await self._pace.cancel()
        raise StopAsyncIteration


class AsyncDriver(Driver):
    """Makes async pools and connections.

    Args:
        network: What everything is connected to.
        loop: Where everything runs.
    """

    prefix = "Async"

    def __init__(self, network: Network, loop: Loop) -> None:
        super().__init__(network)
        self.loop = loop
        self.runner = Runner(loop)
        network.pace = LoopPace(loop)

    def new_network(self) -> Network:
        return Network(LoopPace(self.loop))

    def backend(self, network: Network | None = None) -> AsyncNetworkBackend:
        return AsyncScriptedBackend(network or self.network)

    def pool(
        self, *, create: Create | None = None, **options: typing.Unpack[PoolOptions]
    ) -> PoolClient:
        of = AsyncConnectionPool if create is None else creating(create)
        face = of(network_backend=self.backend(), **options)
        self._stack.callback(self.loop.run, face.aclose)
        return AsyncPoolClient(face, self.runner)

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
        assert backend is None or isinstance(backend, AsyncNetworkBackend)
        face = AsyncHTTPConnection(
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
        self._stack.callback(self.loop.run, face.aclose)
        return AsyncConnectionClient(face, self.runner)

    def stream(self) -> AnyStream:
        return self.loop.run(lambda: self.backend().connect_tcp("example.test", 80))

    def given(
        self,
        stream: AnyStream,
        origin: Origin = ORIGIN_A,
        keepalive_expiry: float | None = None,
        *,
        http2: bool = False,
    ) -> ConnectionClient:
        assert isinstance(stream, AsyncNetworkStream)
        of = AsyncHTTP2Connection if http2 else AsyncHTTP11Connection
        face = of(origin, stream, keepalive_expiry)
        self._stack.callback(self.loop.run, face.aclose)
        return AsyncConnectionClient(face, self.runner)

    def shut(self, connection: AnyConnectionInterface) -> None:
        assert isinstance(connection, AsyncConnectionInterface)
        self.runner.close(connection.aclose)

    def body(self, chunks: Chunks) -> Body:
        return Parts(chunks, self.network.pace)

    def trace(
        self, callback: collections.abc.Callable[[str, dict[str, object]], object]
    ) -> object:
        async def tell(name: str, info: dict[str, object]) -> None:
            await self.network.pace.checkpoint()
            try:
                callback(name, info)
            except CancelHere:
                await self.network.pace.cancel()

        return tell


def creating(create: Create) -> type[AsyncConnectionPool]:
    """A pool whose connections are made in another way."""

    class Creating(AsyncConnectionPool):
        def create_connection(self, origin: Origin) -> AsyncConnectionInterface:
            # Some tests want it to be wrong.
            return create(super().create_connection, origin)  # type: ignore[return-value]

    return Creating
