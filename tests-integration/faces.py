"""Pools, responses and streams of async code behind the faces of blocking ones.

Each call runs to its end in an event loop of another thread. What a test hands in, a
body or a callback, is plain as well, and is presented to the pool as async.
"""

import collections.abc
import contextlib
import ssl
import types
import typing

from loop_threads import LoopThread

import httpcore

# What an extension holds is between whoever puts it there and whoever reads it.
Extensions = dict[str, typing.Any]  # type: ignore[explicit-any]
Headers = list[tuple[bytes, bytes]]
Content = bytes | collections.abc.Iterable[bytes]
AsyncContent = bytes | collections.abc.AsyncIterable[bytes]
Trace = collections.abc.Callable[[str, Extensions], object]


class StreamFace(httpcore.NetworkStream):
    """A network stream."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, loop: LoopThread) -> None:
        self._stream = stream
        self._loop = loop

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._loop.run(lambda: self._stream.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._loop.run(lambda: self._stream.write(buffer, timeout))

    def close(self) -> None:
        self._loop.run(self._stream.aclose)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._loop.run(
            lambda: self._stream.start_tls(ssl_context, server_hostname, timeout)
        )
        return StreamFace(stream, self._loop)

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        async def ask() -> object:
            return typing.cast("object", self._stream.get_extra_info(info))

        if self._loop.is_here:
            return self._stream.get_extra_info(info)
        return self._loop.run(ask)


class Pieces(collections.abc.Iterator[bytes]):
    """A response's body, piece by piece.

    No generator: whoever abandons one of those has closed it.
    """

    def __init__(self, pieces: collections.abc.AsyncIterator[bytes], loop: LoopThread) -> None:
        self._pieces = pieces
        self._loop = loop

    def __next__(self) -> bytes:
        piece = self._loop.run(lambda: anext(self._pieces, None))
        if piece is None:
            raise StopIteration
        return piece


class ResponseFace:
    """A response."""

    def __init__(self, response: httpcore.Response, loop: LoopThread) -> None:
        self._response = response
        self._loop = loop
        self.status = response.status
        self.headers = response.headers

    @property
    def extensions(self) -> Extensions:
        return {
            name: _face(value, self._loop) for name, value in self._response.extensions.items()
        }

    @property
    def stream(self) -> object:
        return self._response.stream

    @property
    def content(self) -> bytes:
        return self._response.content

    def read(self) -> bytes:
        return self._loop.run(self._response.aread)

    def iter_stream(self) -> collections.abc.Iterator[bytes]:
        return Pieces(self._response.aiter_stream(), self._loop)

    def close(self) -> None:
        self._loop.run(self._response.aclose)

    def __repr__(self) -> str:
        return repr(self._response)


class StreamContext:
    """What `stream` returns: a response that is closed when the block ends."""

    def __init__(
        self,
        context: contextlib.AbstractAsyncContextManager[httpcore.Response],
        loop: LoopThread,
    ) -> None:
        self._context = context
        self._loop = loop

    def __enter__(self) -> ResponseFace:
        return ResponseFace(self._loop.run(self._context.__aenter__), self._loop)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._loop.run(lambda: self._context.__aexit__(exc_type, exc, traceback))


class RequestFace:
    """Whatever takes requests: a pool, or a connection by itself."""

    def __init__(
        self,
        inner: httpcore.AsyncConnectionPool | httpcore.AsyncHTTPConnection,
        loop: LoopThread,
    ) -> None:
        self._inner = inner
        self._loop = loop

    def request(
        self,
        method: bytes | str,
        url: bytes | str,
        *,
        headers: Headers | None = None,
        content: Content | None = None,
        extensions: Extensions | None = None,
    ) -> ResponseFace:
        body, extensions = _async_body(content), self._async_extensions(extensions)
        response = self._loop.run(
            lambda: self._inner.request(
                method, url, headers=headers, content=body, extensions=extensions
            )
        )
        return ResponseFace(response, self._loop)

    def stream(
        self,
        method: bytes | str,
        url: bytes | str,
        *,
        headers: Headers | None = None,
        content: Content | None = None,
        extensions: Extensions | None = None,
    ) -> StreamContext:
        context = self._inner.stream(
            method,
            url,
            headers=headers,
            content=_async_body(content),
            extensions=self._async_extensions(extensions),
        )
        return StreamContext(context, self._loop)

    def handle_request(self, request: httpcore.Request) -> ResponseFace:
        """Sends a request without a body."""
        twin = httpcore.Request(
            request.method,
            request.url,
            headers=request.headers,
            extensions=self._async_extensions(dict(request.extensions), request),
        )
        return ResponseFace(
            self._loop.run(lambda: self._inner.handle_async_request(twin)), self._loop
        )

    def close(self) -> None:
        self._loop.run(self._inner.aclose)

    def __enter__(self) -> typing.Self:
        self._loop.run(self._inner.__aenter__)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._loop.run(lambda: self._inner.__aexit__(exc_type, exc, traceback))

    def __repr__(self) -> str:
        return repr(self._inner)

    def _async_extensions(
        self, extensions: Extensions | None, request: httpcore.Request | None = None
    ) -> Extensions | None:
        if extensions is None or "trace" not in extensions:
            return extensions
        trace: Trace = extensions["trace"]

        async def tell(name: str, values: Extensions) -> None:
            faces = {name: _face(value, self._loop) for name, value in values.items()}
            if request is not None and "request" in faces:
                faces["request"] = request
            trace(name, faces)

        return extensions | {"trace": tell}


class PoolFace(RequestFace):
    """A pool."""

    def __init__(self, inner: httpcore.AsyncConnectionPool, loop: LoopThread) -> None:
        super().__init__(inner, loop)
        self._pool = inner

    @property
    def connections(self) -> list[httpcore.AsyncConnectionInterface]:
        return self._pool.connections

    @property
    def _requests(self) -> range:
        return self._pool._requests

    def stats(self) -> httpcore.PoolStats:
        return self._pool.stats()


class ConnectionFace(RequestFace):
    """A connection by itself."""


class AsyncPieces(collections.abc.AsyncIterator[bytes]):
    """A request's body that never waits."""

    def __init__(self, pieces: collections.abc.Iterator[bytes]) -> None:
        self._pieces = pieces

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class AsyncBody(collections.abc.AsyncIterable[bytes]):
    """The same, as often as what it is made of can be gone through."""

    def __init__(self, pieces: collections.abc.Iterable[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncPieces:
        return AsyncPieces(iter(self._pieces))


def _async_body(content: Content | None) -> AsyncContent | None:
    return content if content is None or isinstance(content, bytes) else AsyncBody(content)


def _face(value: object, loop: LoopThread) -> object:
    return StreamFace(value, loop) if isinstance(value, httpcore.AsyncNetworkStream) else value
