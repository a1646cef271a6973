"""How tests open pools: one class per colour, so that a scenario is written once.

Every test that asks for `open_pool` is run in every colour. One that makes sense in
some of them says so, and why: `@pytest.mark.colours("blocking", reason="...")`, on the
test or on the whole file.
"""

import abc
import collections.abc
import contextlib
import dataclasses
import ssl
import sys
import types
import typing

from backends import AsyncWatchedBackend, Hook, WatchedBackend
from faces import ConnectionFace, Content, Extensions, Headers, PoolFace
from loop_threads import LoopThread

import httpcore


class PoolOptions(typing.TypedDict, total=False):
    """What a pool may be made with."""

    ssl_context: ssl.SSLContext | None
    proxy: httpcore.Proxy | None
    max_connections: int | None
    max_keepalive_connections: int | None
    keepalive_expiry: float | None
    retries: int
    local_address: str | None
    uds: str | None
    network_backend: WatchedBackend | None
    socket_options: collections.abc.Iterable[httpcore.SOCKET_OPTION] | None
    max_connections_per_origin: int | None
    max_connection_age: float | None
    http1: bool
    http2: bool
    keepalive_ping: float | None


# -- what tests ask of a pool ----------------------------------------------------


class Response(typing.Protocol):
    """A response, of whatever colour."""

    status: int
    headers: Headers

    @property
    def content(self) -> bytes: ...
    @property
    def stream(self) -> object: ...
    # The values are whatever a test expects.
    @property
    def extensions(self) -> collections.abc.Mapping[str, typing.Any]: ...  # type: ignore[explicit-any]
    def read(self) -> bytes: ...
    def iter_stream(self) -> collections.abc.Iterator[bytes]: ...
    def close(self) -> None: ...


class TakesRequests(typing.Protocol):
    """A pool, or a connection by itself."""

    def request(
        self,
        method: bytes | str,
        url: bytes | str,
        *,
        headers: Headers | None = None,
        content: Content | None = None,
        extensions: Extensions | None = None,
    ) -> Response: ...
    def stream(
        self,
        method: bytes | str,
        url: bytes | str,
        *,
        headers: Headers | None = None,
        content: Content | None = None,
        extensions: Extensions | None = None,
    ) -> contextlib.AbstractContextManager[Response]: ...
    def handle_request(self, request: httpcore.Request, /) -> Response: ...
    def close(self) -> None: ...
    def __enter__(self) -> typing.Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None: ...


class Connection(typing.Protocol):
    """What is asked of a connection of a pool."""

    def info(self) -> str: ...
    def is_idle(self) -> bool: ...
    def is_closed(self) -> bool: ...


class Pool(TakesRequests, typing.Protocol):
    """A pool, of whatever colour."""

    @property
    def connections(self) -> collections.abc.Sequence[Connection]: ...
    @property
    def _requests(self) -> range: ...
    def stats(self) -> httpcore.PoolStats: ...


# -- the colours -----------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class AsyncColour:
    """A network backend on an event loop."""

    library: str
    make_backend: collections.abc.Callable[[], httpcore.AsyncNetworkBackend]


# On Windows there is no uvloop.
UVLOOP = [] if sys.platform == "win32" else ["uvloop"]
ASYNC_COLOURS = {
    "asyncio": AsyncColour("asyncio", httpcore.AsyncioBackend),
    **{name: AsyncColour(name, httpcore.AsyncioBackend) for name in UVLOOP},
    "anyio-asyncio": AsyncColour("asyncio", httpcore.AnyIOBackend),
    "anyio-trio": AsyncColour("trio", httpcore.AnyIOBackend),
    "trio": AsyncColour("trio", httpcore.TrioBackend),
}
COLOURS = ("blocking", *ASYNC_COLOURS)


def without(name: str) -> list[str]:
    """Returns every colour but one."""
    return [colour for colour in COLOURS if colour != name]


class OpenPool(abc.ABC):
    """Makes pools, which are closed when the test ends.

    Args:
        stack: Where they are closed.

    Attributes:
        prefix: What the names of the colour's classes begin with.
    """

    prefix: str

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    @abc.abstractmethod
    def __call__(
        self, *, before_create: Hook | None = None, **options: typing.Unpack[PoolOptions]
    ) -> Pool:
        """Makes a pool.

        Args:
            before_create: Called before it makes a connection.
            options: Those of the pool.
        """

    @abc.abstractmethod
    def connection(self, origin: httpcore.Origin) -> TakesRequests:
        """Makes a connection without a pool."""


class OpenBlockingPool(OpenPool):
    """Makes pools for blocking code."""

    prefix = ""

    def __call__(
        self, *, before_create: Hook | None = None, **options: typing.Unpack[PoolOptions]
    ) -> Pool:
        class CreatingPool(httpcore.ConnectionPool):
            def create_connection(
                self, origin: httpcore.Origin
            ) -> httpcore.ConnectionInterface:
                if before_create is not None:
                    before_create()
                return super().create_connection(origin)

        kind = httpcore.ConnectionPool if before_create is None else CreatingPool
        return self._stack.enter_context(kind(**options))

    def connection(self, origin: httpcore.Origin) -> TakesRequests:
        return self._stack.enter_context(httpcore.HTTPConnection(origin))


class OpenAsyncPool(OpenPool):
    """Makes pools for async code, behind blocking faces.

    Args:
        stack: Where they are closed.
        colour: Which backend they use.
        loop: Where they run.
    """

    prefix = "Async"

    def __init__(
        self, stack: contextlib.ExitStack, colour: AsyncColour, loop: LoopThread
    ) -> None:
        super().__init__(stack)
        self._colour = colour
        self._loop = loop

    def __call__(
        self, *, before_create: Hook | None = None, **options: typing.Unpack[PoolOptions]
    ) -> Pool:
        class CreatingPool(httpcore.AsyncConnectionPool):
            def create_connection(
                self, origin: httpcore.Origin
            ) -> httpcore.AsyncConnectionInterface:
                if before_create is not None:
                    before_create()
                return super().create_connection(origin)

        watched = options.pop("network_backend", None)
        backend = self._colour.make_backend()
        if watched is not None:
            backend = AsyncWatchedBackend(watched, backend)
        kind = httpcore.AsyncConnectionPool if before_create is None else CreatingPool
        # What is left is the same for both colours, but mypy sees the backend in it.
        pool = kind(network_backend=backend, **options)  # type: ignore[misc, arg-type]
        return self._stack.enter_context(PoolFace(pool, self._loop))

    def connection(self, origin: httpcore.Origin) -> TakesRequests:
        backend = self._colour.make_backend()
        connection = httpcore.AsyncHTTPConnection(origin, network_backend=backend)
        return self._stack.enter_context(ConnectionFace(connection, self._loop))
