"""A backend and its streams as checks see them: the same face for every colour.

Each method exists twice: one runs the call to its end, and `begin_...` only begins it.
"""

import collections.abc
import contextlib
import ssl
import threading
import time
import typing

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    Event,
    NetworkBackend,
    NetworkStream,
)

from ._operation import Operation
from ._runner import Call, Runner

AnyBackend = NetworkBackend | AsyncNetworkBackend
AnyStream = NetworkStream | AsyncNetworkStream
AnyEvent = Event | AsyncEvent

Result = typing.TypeVar("Result")


class StreamFace:
    """One connection, of whatever colour.

    Args:
        raw: The stream itself.
        runner: Runs its calls.
    """

    def __init__(self, raw: AnyStream, runner: Runner) -> None:
        self.raw = raw
        self._runner = runner

    def begin_read(self, max_bytes: int, timeout: float | None = None) -> Operation[bytes]:
        """Begins a read."""
        call: Call[bytes] = lambda: self.raw.read(max_bytes, timeout)  # noqa: E731
        return self._runner.begin(f"read({max_bytes}, timeout={timeout})", call)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads."""
        return self.begin_read(max_bytes, timeout).result()

    def read_all(self, size: int, timeout: float | None = None) -> bytes:
        """Reads so many bytes, in as many reads as it takes.

        Raises:
            AssertionError: The stream ends before.
        """
        received = bytearray()
        while len(received) < size:
            octets = self.read(size - len(received), timeout)
            assert octets, f"the stream ended after {len(received)} of {size} bytes"
            received += octets
        return bytes(received)

    def begin_write(self, buffer: bytes, timeout: float | None = None) -> Operation[None]:
        """Begins a write."""
        call: Call[None] = lambda: self.raw.write(buffer, timeout)  # noqa: E731
        size = memoryview(buffer).nbytes
        return self._runner.begin(f"write(<{size} bytes>, timeout={timeout})", call)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes."""
        self.begin_write(buffer, timeout).result()

    def begin_wait_writable(self, timeout: float | None = None) -> Operation[bool]:
        """Begins to wait for room."""
        call: Call[bool] = lambda: self.raw.wait_writable(timeout)  # noqa: E731
        return self._runner.begin(f"wait_writable({timeout})", call)

    def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits for room."""
        return self.begin_wait_writable(timeout).result()

    def begin_start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "Operation[AnyStream]":
        """Begins a handshake."""
        call: Call[AnyStream] = lambda: self.raw.start_tls(  # noqa: E731
            ssl_context, server_hostname, timeout
        )
        name = f"start_tls(<context>, {server_hostname!r}, timeout={timeout})"
        return self._runner.begin(name, call)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "StreamFace":
        """Shakes hands."""
        raw = self.begin_start_tls(ssl_context, server_hostname, timeout).result()
        return StreamFace(raw, self._runner)

    def begin_close(self) -> Operation[None]:
        """Begins to close."""
        return self._runner.begin("close()", self._close)

    def close(self) -> None:
        """Closes."""
        self.begin_close().result()

    def _close(self) -> collections.abc.Awaitable[None] | None:
        if isinstance(self.raw, AsyncNetworkStream):
            return self.raw.aclose()
        self.raw.close()
        return None

    def fact(self, info: str) -> object:
        """Asks for a fact, where the stream lives."""
        call: Call[object] = lambda: self.raw.get_extra_info(info)  # noqa: E731
        return self._runner.run(f"get_extra_info({info!r})", call)

    def waits_for_room(self) -> bool:
        """Whether the stream has a `wait_writable` of its own."""
        return type(self.raw).wait_writable not in {
            NetworkStream.wait_writable,
            AsyncNetworkStream.wait_writable,
        }


class BackendFace:
    """A backend, of whatever colour. What it opens is closed with it.

    Args:
        raw: The backend itself.
        runner: Runs its calls.
    """

    def __init__(self, raw: AnyBackend, runner: Runner) -> None:
        self.raw = raw
        self._runner = runner
        self._opened: list[StreamFace] = []

    def begin_connect_tcp(
        self,
        address: tuple[str, int],
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> "Operation[AnyStream]":
        """Begins a connect to a host and a port."""
        host, port = address
        call: Call[AnyStream] = lambda: self.raw.connect_tcp(  # noqa: E731
            host, port, timeout, local_address, socket_options
        )
        return self._runner.begin(f"connect_tcp({host!r}, {port}, timeout={timeout})", call)

    def connect_tcp(
        self,
        address: tuple[str, int],
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> StreamFace:
        """Connects to a host and a port."""
        return self.adopt(
            self.begin_connect_tcp(address, timeout, local_address, socket_options)
        )

    def begin_connect_unix(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> "Operation[AnyStream]":
        """Begins a connect to a Unix socket."""
        call: Call[AnyStream] = lambda: self.raw.connect_unix_socket(  # noqa: E731
            path, timeout, socket_options
        )
        return self._runner.begin(f"connect_unix_socket({path!r}, timeout={timeout})", call)

    def connect_unix(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> StreamFace:
        """Connects to a Unix socket."""
        return self.adopt(self.begin_connect_unix(path, timeout, socket_options))

    def adopt(self, operation: "Operation[AnyStream]") -> StreamFace:
        """Waits for a connect, and returns its stream, to be closed with the backend."""
        return self.keep(operation.result())

    def keep(self, raw: AnyStream) -> StreamFace:
        """Returns the face of a stream, to be closed with the backend."""
        stream = StreamFace(raw, self._runner)
        self._opened.append(stream)
        return stream

    def begin(self, name: str, call: Call[Result]) -> Operation[Result]:
        """Begins a call of any kind."""
        return self._runner.begin(name, call)

    @contextlib.contextmanager
    def hold_up(self, seconds: float) -> collections.abc.Iterator[None]:
        """Keeps the event loop, if there is one, from doing anything; for so long."""
        began = threading.Event()

        def hold_up() -> None:
            began.set()
            time.sleep(seconds)

        call: Call[None] = hold_up
        operation = self._runner.begin("an event loop that is held up", call)
        began.wait()
        yield
        operation.result()

    def begin_sleep(self, seconds: float) -> Operation[None]:
        """Begins a pause."""
        call: Call[None] = lambda: self.raw.sleep(seconds)  # noqa: E731
        return self._runner.begin(f"sleep({seconds})", call)

    def create_event(self) -> AnyEvent:
        """Makes an event, where the backend lives."""
        call: Call[object] = lambda: self.raw.create_event()  # noqa: E731
        event = self._runner.run("create_event()", call)
        assert isinstance(event, (Event, AsyncEvent)), f"{event!r} is no event"
        return event

    def set_event(self, event: AnyEvent) -> None:
        """Sets an event, where the backend lives."""
        self._runner.run("set()", event.set)

    def begin_wait(self, event: AnyEvent, timeout: float | None) -> Operation[bool]:
        """Begins to wait for an event."""
        call: Call[bool] = lambda: event.wait(timeout)  # noqa: E731
        return self._runner.begin(f"wait({timeout})", call)

    def close(self) -> None:
        """Closes every stream, whatever comes of it: what closing does is checked elsewhere."""
        for operation in [stream.begin_close() for stream in self._opened]:
            operation.ends_within(self._runner.patience)
