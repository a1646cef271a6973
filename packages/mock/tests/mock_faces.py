"""Mocks of every colour behind the methods of the blocking one.

So each test is written once. What is async runs to its end in an event loop of its own,
call by call: the mock knows of none.
"""

import abc
import asyncio
import collections.abc
import ssl
import typing

import trio

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncNetworkStream,
    NetworkBackend,
    NetworkStream,
)
from httpcore_mock import (
    AsyncMockBackend,
    AsyncMockStream,
    Cue,
    MockBackend,
    MockConnection,
    MockStream,
)

T = typing.TypeVar("T")

Step = bytes | Cue
Steps = collections.abc.Sequence[Step]
Run = collections.abc.Callable[
    [collections.abc.Callable[[], collections.abc.Awaitable[object]]], object
]


class Mocks(abc.ABC):
    """Makes mocks of one colour."""

    name: str

    @abc.abstractmethod
    def stream(self, buffer: Steps, http2: bool = False) -> NetworkStream:
        """A stream that nobody has to open."""

    @abc.abstractmethod
    def backend(
        self,
        buffer: Steps | None = None,
        http2: bool = False,
        scripts: collections.abc.Sequence[Steps] | None = None,
    ) -> "Backend":
        """A backend."""

    def open(self, *steps: Step, http2: bool = False) -> tuple[NetworkStream, MockConnection]:
        """A connection that plays a script, and its record."""
        backend = self.backend(http2=http2, scripts=[steps])
        stream = backend.connect_tcp("example.com", 80)
        return stream, backend.connections[0]

    def open_plain(self, *segments: bytes) -> tuple[NetworkStream, MockConnection]:
        """A connection that plays a plain list of bytes, and its record."""
        backend = self.backend(list(segments))
        stream = backend.connect_tcp("example.com", 80)
        return stream, backend.connections[0]


class Backend(typing.Protocol):
    """What tests ask of a backend, of whatever colour."""

    @property
    def connections(self) -> list[MockConnection]: ...
    @property
    def pauses(self) -> list[float]: ...
    @property
    def elapsed(self) -> float: ...
    @property
    def unplayed(self) -> list[Step]: ...

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream: ...

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream: ...

    def sleep(self, seconds: float) -> None: ...


class BlockingMocks(Mocks):
    """The blocking colour."""

    name = "blocking"

    def stream(self, buffer: Steps, http2: bool = False) -> NetworkStream:
        return MockStream(buffer, http2)

    def backend(
        self,
        buffer: Steps | None = None,
        http2: bool = False,
        scripts: collections.abc.Sequence[Steps] | None = None,
    ) -> Backend:
        return MockBackend(buffer, http2, scripts=scripts)


class AsyncMocks(Mocks):
    """An async colour."""

    def __init__(self, name: str, run: Run) -> None:
        self.name = name
        self._run = run

    def stream(self, buffer: Steps, http2: bool = False) -> NetworkStream:
        return StreamFace(AsyncMockStream(buffer, http2), self._run)

    def backend(
        self,
        buffer: Steps | None = None,
        http2: bool = False,
        scripts: collections.abc.Sequence[Steps] | None = None,
    ) -> Backend:
        return BackendFace(AsyncMockBackend(buffer, http2, scripts=scripts), self._run)


class Face:
    """Something async whose calls run to their end."""

    def __init__(self, run: Run) -> None:
        self._run_any = run

    def _run(self, function: collections.abc.Callable[[], collections.abc.Awaitable[T]]) -> T:
        return typing.cast("T", self._run_any(function))


class StreamFace(Face, NetworkStream):
    """An async stream."""

    def __init__(self, inner: AsyncNetworkStream, run: Run) -> None:
        super().__init__(run)
        self.inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._run(lambda: self.inner.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._run(lambda: self.inner.write(buffer, timeout))

    def wait_writable(self, timeout: float | None = None) -> bool:
        return self._run(lambda: self.inner.wait_writable(timeout))

    def close(self) -> None:
        self._run(self.inner.aclose)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        stream = self._run(lambda: self.inner.start_tls(ssl_context, server_hostname, timeout))
        return self if stream is self.inner else StreamFace(stream, self._run_any)

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return self.inner.get_extra_info(info)

    def __repr__(self) -> str:
        return repr(self.inner)


class BackendFace(Face, NetworkBackend):
    """An async backend."""

    def __init__(self, inner: AsyncMockBackend, run: Run) -> None:
        super().__init__(run)
        self.inner = inner
        self.connections = inner.connections
        self.pauses = inner.pauses

    @property
    def elapsed(self) -> float:
        return self.inner.elapsed

    @property
    def unplayed(self) -> list[Step]:
        return self.inner.unplayed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        return StreamFace(
            self._run(
                lambda: self.inner.connect_tcp(
                    host, port, timeout, local_address, socket_options
                )
            ),
            self._run_any,
        )

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        return StreamFace(
            self._run(lambda: self.inner.connect_unix_socket(path, timeout, socket_options)),
            self._run_any,
        )

    def sleep(self, seconds: float) -> None:
        self._run(lambda: self.inner.sleep(seconds))


def run_in_asyncio(
    function: collections.abc.Callable[[], collections.abc.Awaitable[object]],
) -> object:
    async def main() -> object:
        return await function()

    return asyncio.run(main())


def run_in_trio(
    function: collections.abc.Callable[[], collections.abc.Awaitable[object]],
) -> object:
    return trio.run(function)


COLOURS: dict[str, Mocks] = {
    "blocking": BlockingMocks(),
    "asyncio": AsyncMocks("asyncio", run_in_asyncio),
    "trio": AsyncMocks("trio", run_in_trio),
}
