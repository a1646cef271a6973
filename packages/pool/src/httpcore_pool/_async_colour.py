"""The async colour: what async callers have, as `_core` sees it, and the reverse.

The twin of `_bridge.py`, without a bridge: `_core` speaks async streams, so those
pass as they are, and nothing is awaited here that `_core` does not await itself.
"""

import collections.abc
import types
import typing

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    NetworkBackend,
    NetworkStream,
)

from ._core.closing import Closable
from ._core.colour import OpenResponse
from ._core.trace import Info, Tracer, is_logged
from ._core.upload import check_chunk
from ._interruption import Interruptible, interruptible
from ._messages import BodyStream, Extensions, Request, Response, unread_stream
from ._runner import current_runner, has_ended, run_elsewhere

T = typing.TypeVar("T")


def check_stream(stream: AsyncNetworkStream) -> AsyncNetworkStream:
    """Returns a stream, if async code can use it.

    Raises:
        TypeError: It is blocking.
    """
    if isinstance(stream, NetworkStream):
        raise TypeError(
            "an async connection needs an async network stream, but got the blocking "
            f"{type(stream).__name__}."
        )
    return stream


class InterruptibleBackend(AsyncNetworkBackend):
    """A backend for one connection, whose connect can be ended by who closes that.

    Args:
        backend: Who connects.

    Raises:
        TypeError: It is blocking: what it connected would be lost in being awaited.
    """

    __slots__ = ("_is_interrupted", "_wait", "backend")

    def __init__(self, backend: AsyncNetworkBackend) -> None:
        if isinstance(backend, NetworkBackend):
            raise TypeError(
                "an async connection needs an async network backend, but got the blocking "
                f"{type(backend).__name__}."
            )
        self.backend = backend
        self._is_interrupted = False
        self._wait: Interruptible | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connects; see `NetworkBackend.connect_tcp`."""
        return check_stream(
            await self._run(
                self.backend.connect_tcp(
                    host=host,
                    port=port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            )
        )

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connects; see `NetworkBackend.connect_unix_socket`."""
        return check_stream(
            await self._run(
                self.backend.connect_unix_socket(
                    path=path, timeout=timeout, socket_options=socket_options
                )
            )
        )

    async def sleep(self, seconds: float) -> None:
        """Waits; a pause between two attempts to connect can be ended like those."""
        await self._run(self.backend.sleep(seconds))

    def create_event(self) -> AsyncEvent:
        """Returns a fresh one-shot event."""
        return self.backend.create_event()

    async def _run(self, waiting: collections.abc.Awaitable[T]) -> T:
        if self._is_interrupted:
            if isinstance(waiting, collections.abc.Coroutine):
                waiting.close()
            raise ConnectError("the connect was interrupted before it began")
        wait = self._wait = interruptible()
        if wait is None:
            return await waiting
        try:
            return await wait.run(waiting)
        finally:
            self._wait = None

    def interrupt(self) -> None:
        """Ends the connect that is under way, if one is, and any that is to come."""
        self._is_interrupted = True
        wait = self._wait
        if wait is not None:
            wait.interrupt()


class AsyncBody:
    """A response's body, for async code: an async iterator that can be closed.

    No async generator: those are closed by an event loop, at a time of its own.
    """

    __slots__ = ("_exchange",)

    def __init__(self, exchange: OpenResponse) -> None:
        self._exchange = exchange

    def __aiter__(self) -> "AsyncBody":
        return self

    async def __anext__(self) -> bytes:
        chunk = self._exchange.take_chunk()
        if chunk is None:
            chunk = await self._exchange.next_chunk()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aread_all(self) -> bytes:
        """Returns what is left of the body."""
        exchange = self._exchange
        rest = exchange.take_rest()
        if rest is None:
            return b"".join([chunk async for chunk in self])
        if not exchange.is_over:
            await exchange.aclose()
        return rest

    async def aclose(self) -> None:
        """Ends the exchange; what has not been read is given up."""
        if not self._exchange.is_over:
            await self._exchange.aclose()


class AsyncSource:
    """A request's body that async code supplies. See `ChunkSource`."""

    __slots__ = ("_chunks",)

    def __init__(self, stream: collections.abc.AsyncIterable[bytes]) -> None:
        self._chunks = aiter(stream)

    async def next_chunk(self) -> bytes | None:
        """Returns the next part; None after the last."""
        async for chunk in self._chunks:
            # A None among them would be taken for the end.
            return check_chunk(chunk)
        return None

    async def close(self) -> None:
        """Ends a generator that was not asked for everything."""
        if isinstance(self._chunks, types.AsyncGeneratorType):
            await self._chunks.aclose()


class HandlesAsyncRequests(typing.Protocol):
    """What an async connection does, whatever its class."""

    async def handle_async_request(self, request: Request) -> Response:
        """Sends a request, and returns the response once its head has come."""

    async def aclose(self) -> None:
        """Closes the connection, whatever it is doing."""


class AsyncSender:
    """A connection of any class. See `Sender`.

    Args:
        connection: The connection.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: HandlesAsyncRequests) -> None:
        self._connection = connection

    async def send(self, request: Request) -> Response:
        """Sends a request; see `AsyncConnectionInterface.handle_async_request`."""
        return await self._connection.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes the connection; see `AsyncConnectionInterface.aclose`."""
        await self._connection.aclose()


class AsyncResponse:
    """A response's body that such a connection supplies. See `ResponseSource`."""

    __slots__ = ("_chunks", "_stream")

    def __init__(self, stream: collections.abc.AsyncIterable[bytes]) -> None:
        self._stream = stream
        self._chunks: collections.abc.AsyncIterator[bytes] | None = None

    async def next_chunk(self) -> bytes:
        """Returns the next part; `b""` after the last."""
        if self._chunks is None:
            self._chunks = aiter(self._stream)
        async for chunk in self._chunks:
            # An empty one among them would be taken for the end.
            if chunk:
                return chunk
        return b""

    async def aclose(self) -> None:
        """Closes the body, if it can be closed."""
        chunks = self._chunks
        try:
            if isinstance(chunks, types.AsyncGeneratorType) and not chunks.ag_running:
                await chunks.aclose()
        finally:
            aclose = getattr(self._stream, "aclose", None)
            if aclose is not None:
                await aclose()


class Async:
    """The async colour. See `Colour`."""

    takes_turns = True

    def open_source(self, stream: BodyStream) -> AsyncSource:
        """Returns the parts of a request's body."""
        if not isinstance(stream, collections.abc.AsyncIterable):
            raise TypeError(
                "an async connection pool needs a request body that is bytes or an "
                f"async iterable of bytes, but got the blocking {type(stream).__name__}."
            )
        return AsyncSource(stream)

    def open_body(self, response: Response) -> AsyncResponse:
        """Returns the body of a response that somebody else has received."""
        stream = unread_stream(response)
        if not isinstance(stream, collections.abc.AsyncIterable):
            raise TypeError(
                "an async connection pool needs an async response of its connections, "
                f"but got one whose body is the blocking {type(stream).__name__}."
            )
        return AsyncResponse(stream)

    def runner(self) -> object:
        """Returns the event loop that runs."""
        return current_runner()

    def has_ended(self, runner: object) -> bool:
        """Returns whether an event loop will never run anything again."""
        return has_ended(runner)

    async def close(self, stream: Closable, runner: object) -> None:
        """Closes a stream, in the event loop that it belongs to.

        That of another thread is asked to, and not waited for: only there those who
        read the stream can be woken.
        """
        if runner is current_runner() or not run_elsewhere(runner, stream.aclose):
            await stream.aclose()

    def run_soon(
        self,
        function: collections.abc.Callable[[], collections.abc.Awaitable[None]],
        runner: object,
    ) -> None:
        """Has an event loop await something soon, in no task of the caller's."""
        run_elsewhere(runner, function)

    def tracer(self, extensions: Extensions) -> Tracer | None:
        """Returns who is told of a request's operations; None if nobody is."""
        callback = extensions.get("trace")
        if callback is None:
            return Tracer(None) if is_logged() else None

        async def call(name: str, info: Info) -> None:
            result = callback(name, info)
            if not isinstance(result, collections.abc.Awaitable):
                raise TypeError(
                    "an async connection pool needs an async 'trace' callback, "
                    f"but got the blocking {callback!r}."
                )
            await result

        return Tracer(call)

    def interrupt_connect(self, backend: AsyncNetworkBackend) -> None:
        """Ends the connect that is under way on a connection's backend."""
        if isinstance(backend, InterruptibleBackend):
            backend.interrupt()

    def public_stream(self, stream: AsyncNetworkStream) -> AsyncNetworkStream:
        """Returns a stream as async code may use it: as it is."""
        return stream

    def public_body(self, exchange: OpenResponse) -> AsyncBody:
        """Returns a response's body as async code may iterate and close it."""
        return AsyncBody(exchange)
