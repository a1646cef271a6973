"""Where blocking and async meet, and the only place.

`_core` is written as coroutines. A blocking stream, backend, body or callback is
presented to it as an async one that never suspends, so one `send(None)` runs a
coroutine from its beginning to its end: `run`. In the other direction an async
stream that never suspends is presented as a blocking one.
"""

import collections.abc
import ssl
import threading
import time
import types
import typing

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    Event,
    NetworkBackend,
    NetworkStream,
)

from ._core.closing import Closable
from ._core.colour import OpenResponse
from ._core.trace import Info, Tracer, is_logged
from ._core.upload import check_chunk
from ._messages import BodyStream, Extensions, Request, Response, unread_stream

T = typing.TypeVar("T")

# How often, and after how many seconds, a thread that was not found in its connect
# is looked for again.
_INTERRUPTIONS = 20
_PAUSE = 0.0005


def run(coroutine: collections.abc.Coroutine[object, None, T]) -> T:
    """Runs a coroutine that never suspends.

    Raises:
        RuntimeError: It did suspend: something under it is async after all.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        # What a coroutine returns is the value of its StopIteration.
        value: T = stop.value
        return value
    coroutine.close()
    raise RuntimeError(
        "a blocking call had to wait for something async: is an async network backend, "
        "stream or callback in use with a blocking connection pool?"
    )


class HandlesRequests(typing.Protocol):
    """What a blocking connection does, whatever its class."""

    def handle_request(self, request: Request) -> Response:
        """Sends a request, and returns the response once its head has come."""

    def close(self) -> None:
        """Closes the connection, whatever it is doing."""


class BlockingStream(AsyncNetworkStream):
    """A blocking stream, presented as an async one that never suspends.

    Args:
        stream: The blocking stream.

    Raises:
        TypeError: It is async, or what an async backend returns before it connects.
    """

    __slots__ = ("stream",)

    def __init__(self, stream: NetworkStream) -> None:
        if isinstance(stream, AsyncNetworkStream | collections.abc.Coroutine):
            if isinstance(stream, collections.abc.Coroutine):
                stream.close()
            raise TypeError(
                "a blocking connection needs a blocking network stream, but got the async "
                f"{type(stream).__name__}: is it from an async network backend?"
            )
        self.stream = stream

    def __repr__(self) -> str:
        # As the logs show it: the stream that users know.
        return repr(self.stream)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads; see `NetworkStream.read`."""
        return self.stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes; see `NetworkStream.write`."""
        self.stream.write(buffer, timeout)

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits; see `NetworkStream.wait_writable`."""
        return self.stream.wait_writable(timeout)

    async def aclose(self) -> None:
        """Closes; see `NetworkStream.close`."""
        self.stream.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncNetworkStream:
        """Starts TLS; see `NetworkStream.start_tls`."""
        return BlockingStream(
            self.stream.start_tls(ssl_context, server_hostname=server_hostname, timeout=timeout)
        )

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact; see `NetworkStream.get_extra_info`."""
        return self.stream.get_extra_info(info)


class BlockingEvent(AsyncEvent):
    """A blocking event, presented as an async one that never suspends."""

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        self._event = event

    def set(self) -> None:
        """Wakes whoever waits."""
        self._event.set()

    async def wait(self, timeout: float | None = None) -> bool:
        """Waits; see `Event.wait`."""
        return self._event.wait(timeout)


class BlockingBackend(AsyncNetworkBackend):
    """A blocking backend, presented as an async one that never suspends.

    For one connection: it knows which thread connects, so that another can end it.

    Args:
        backend: The blocking backend.
    """

    __slots__ = ("_is_interrupted", "_lock", "_thread", "backend")

    def __init__(self, backend: NetworkBackend) -> None:
        self.backend = backend
        # Guards `_thread`: while it is held, that thread does not leave its connect,
        # and nobody interrupts what it does next.
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._is_interrupted = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connects; see `NetworkBackend.connect_tcp`."""
        self._note_thread(threading.get_ident())
        try:
            stream = self.backend.connect_tcp(
                host=host,
                port=port,
                timeout=timeout,
                local_address=local_address,
                socket_options=socket_options,
            )
        finally:
            self._note_thread(None)
        return BlockingStream(stream)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connects; see `NetworkBackend.connect_unix_socket`."""
        self._note_thread(threading.get_ident())
        try:
            stream = self.backend.connect_unix_socket(
                path=path, timeout=timeout, socket_options=socket_options
            )
        finally:
            self._note_thread(None)
        return BlockingStream(stream)

    def _note_thread(self, thread: int | None) -> None:
        with self._lock:
            self._thread = thread
            if thread is not None and self._is_interrupted:
                raise ConnectError("the connect was interrupted before it began")

    def interrupt_connect(self) -> None:
        """Ends the connect that is under way, if one is, and any that is to come."""
        with self._lock:
            self._is_interrupted = True
            if self._thread is None:
                return
            # It may be on its way from here into the backend: a few instructions.
            for _ in range(_INTERRUPTIONS):
                if self.backend.interrupt_connect(self._thread):
                    return
                time.sleep(_PAUSE)

    async def sleep(self, seconds: float) -> None:
        """Waits; a pause between two attempts to connect can be ended like those."""
        self._note_thread(threading.get_ident())
        try:
            self.backend.sleep(seconds)
        finally:
            self._note_thread(None)

    def create_event(self) -> AsyncEvent:
        """Returns a fresh one-shot event."""
        return BlockingEvent(self.backend.create_event())


class SteppedStream(NetworkStream):
    """An async stream that never suspends, presented as a blocking one.

    Args:
        stream: The async stream.
    """

    def __init__(self, stream: AsyncNetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads; see `NetworkStream.read`."""
        return run(self._stream.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes; see `NetworkStream.write`."""
        run(self._stream.write(buffer, timeout))

    def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits; see `NetworkStream.wait_writable`."""
        return run(self._stream.wait_writable(timeout))

    def close(self) -> None:
        """Closes; see `NetworkStream.close`."""
        run(self._stream.aclose())

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        """Starts TLS; see `NetworkStream.start_tls`."""
        run(self._stream.start_tls(ssl_context, server_hostname, timeout))
        return self

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact; see `NetworkStream.get_extra_info`."""
        return self._stream.get_extra_info(info)


class BlockingBody:
    """A response's body, for blocking code: an iterator that can be closed."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: OpenResponse) -> None:
        self._exchange = exchange

    def __iter__(self) -> "BlockingBody":
        return self

    def __next__(self) -> bytes:
        chunk = self._exchange.take_chunk()
        if chunk is None:
            chunk = run(self._exchange.next_chunk())
        if not chunk:
            raise StopIteration
        return chunk

    def read_all(self) -> bytes:
        """Returns what is left of the body."""
        exchange = self._exchange
        rest = exchange.take_rest()
        if rest is None:
            return b"".join(self)
        if not exchange.is_over:
            run(exchange.aclose())
        return rest

    def close(self) -> None:
        """Ends the exchange; what has not been read is given up."""
        if not self._exchange.is_over:
            run(self._exchange.aclose())


class BlockingSource:
    """A request's body that blocking code supplies. See `ChunkSource`."""

    __slots__ = ("_chunks",)

    def __init__(self, stream: collections.abc.Iterable[bytes]) -> None:
        self._chunks = iter(stream)

    async def next_chunk(self) -> bytes | None:
        """Returns the next part; None after the last."""
        for chunk in self._chunks:
            # A None among them would be taken for the end.
            return check_chunk(chunk)
        return None

    async def close(self) -> None:
        """Ends a generator that was not asked for everything."""
        if isinstance(self._chunks, types.GeneratorType):
            self._chunks.close()


class BlockingSender:
    """A connection of any class, presented as one that never suspends. See `Sender`.

    Args:
        connection: The connection.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: HandlesRequests) -> None:
        self._connection = connection

    async def send(self, request: Request) -> Response:
        """Sends a request; see `ConnectionInterface.handle_request`."""
        return self._connection.handle_request(request)

    async def aclose(self) -> None:
        """Closes the connection; see `ConnectionInterface.close`."""
        self._connection.close()


class BlockingResponse:
    """A response's body that such a connection supplies. See `ResponseSource`."""

    __slots__ = ("_chunks", "_stream")

    def __init__(self, stream: collections.abc.Iterable[bytes]) -> None:
        self._stream = stream
        self._chunks: collections.abc.Iterator[bytes] | None = None

    async def next_chunk(self) -> bytes:
        """Returns the next part; `b""` after the last."""
        if self._chunks is None:
            self._chunks = iter(self._stream)
        # An empty one among them would be taken for the end.
        return next((chunk for chunk in self._chunks if chunk), b"")

    async def aclose(self) -> None:
        """Closes the body, if it can be closed."""
        chunks = self._chunks
        try:
            if isinstance(chunks, types.GeneratorType) and not chunks.gi_running:
                chunks.close()
        finally:
            close = getattr(self._stream, "close", None)
            if close is not None:
                close()


class Blocking:
    """The blocking colour. See `Colour`."""

    takes_turns = False

    def open_source(self, stream: BodyStream) -> BlockingSource:
        """Returns the parts of a request's body."""
        if not isinstance(stream, collections.abc.Iterable):
            raise TypeError(
                "a blocking connection pool needs a request body that is bytes or an "
                f"iterable of bytes, but got the async {type(stream).__name__}."
            )
        return BlockingSource(stream)

    def open_body(self, response: Response) -> BlockingResponse:
        """Returns the body of a response that somebody else has received."""
        stream = unread_stream(response)
        if not isinstance(stream, collections.abc.Iterable):
            raise TypeError(
                "a blocking connection pool needs a blocking response of its connections, "
                f"but got one whose body is the async {type(stream).__name__}."
            )
        return BlockingResponse(stream)

    def runner(self) -> None:
        """Returns None: any thread may use any connection."""

    def has_ended(self, runner: object) -> bool:
        """Returns whether a runner has ended: there are none."""
        return False

    async def close(self, stream: Closable, runner: object) -> None:
        """Closes a stream: any thread may."""
        await stream.aclose()

    def run_soon(
        self,
        function: collections.abc.Callable[[], collections.abc.Awaitable[None]],
        runner: object,
    ) -> None:
        """Does nothing: no thread is cancelled."""

    def tracer(self, extensions: Extensions) -> Tracer | None:
        """Returns who is told of a request's operations; None if nobody is."""
        callback = extensions.get("trace")
        if callback is None:
            return Tracer(None) if is_logged() else None

        async def call(name: str, info: Info) -> None:
            result = callback(name, _as_blocking(info))
            if isinstance(result, collections.abc.Coroutine):
                result.close()
                raise TypeError(
                    "a blocking connection pool needs a blocking 'trace' callback, "
                    f"but got the async {callback!r}."
                )

        return Tracer(call)

    def interrupt_connect(self, backend: AsyncNetworkBackend) -> None:
        """Ends the connect that is under way on a connection's backend."""
        if isinstance(backend, BlockingBackend):
            backend.interrupt_connect()

    def public_stream(self, stream: AsyncNetworkStream) -> NetworkStream:
        """Returns a stream as blocking code may use it."""
        return stream.stream if isinstance(stream, BlockingStream) else SteppedStream(stream)

    def public_body(self, exchange: OpenResponse) -> BlockingBody:
        """Returns a response's body as blocking code may iterate and close it."""
        return BlockingBody(exchange)


def _as_blocking(info: Info) -> Info:
    """Shows a callback the stream that its own side knows."""
    stream = info.get("return_value")
    if isinstance(stream, BlockingStream):
        return {"return_value": stream.stream}
    return info
