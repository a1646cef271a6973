"""Backends that a test can look into, or interfere with."""

import ssl
import typing

import httpcore

Hook = typing.Callable[[], object]


def nothing() -> None:
    """A hook that does nothing."""


class WatchedBackend(httpcore.NetworkBackend):
    """The default backend in a wrapper; notes what it is asked for, and calls a test's hooks.

    A pool for async code gets an `AsyncWatchedBackend` instead, with the same hooks and
    the same notes.

    Args:
        before_connect: Called before each attempt; what it raises, the attempt raises.
        before_look: Called before a stream is asked whether it is readable.
        before_tls: Called before a handshake begins.
        before_write: Called before bytes are written to a stream.
    """

    def __init__(
        self,
        before_connect: Hook = nothing,
        before_look: Hook = nothing,
        before_tls: Hook = nothing,
        before_write: Hook = nothing,
    ) -> None:
        self._backend = httpcore.SyncBackend()
        self.before_connect = before_connect
        self.before_look = before_look
        self.before_tls = before_tls
        self.before_write = before_write
        self.attempts: list[tuple[str, int]] = []
        self.sleeps: list[float] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.attempts.append((host, port))
        self.before_connect()
        stream = self._backend.connect_tcp(
            host=host,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        return WatchedStream(stream, self)

    def sleep(self, seconds: float) -> None:
        """Notes it, and returns at once."""
        self.sleeps.append(seconds)


class WatchedStream(httpcore.NetworkStream):
    """A plain stream with hooks."""

    def __init__(self, stream: httpcore.NetworkStream, hooks: WatchedBackend) -> None:
        self._stream = stream
        self._hooks = hooks

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._hooks.before_write()
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        self._hooks.before_tls()
        return self._stream.start_tls(ssl_context, server_hostname, timeout)

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        if info == "is_readable":
            self._hooks.before_look()
        return self._stream.get_extra_info(info)


class AsyncWatchedBackend(httpcore.AsyncNetworkBackend):
    """What a `WatchedBackend` is for async code, around a backend of any colour.

    Its hooks are called in the event loop: they must not wait for anything there.

    Args:
        watched: Has the hooks, and gets the notes.
        backend: Does the work.
    """

    def __init__(self, watched: WatchedBackend, backend: httpcore.AsyncNetworkBackend) -> None:
        self._watched = watched
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self._watched.attempts.append((host, port))
        self._watched.before_connect()
        stream = await self._backend.connect_tcp(
            host=host,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        return AsyncWatchedStream(stream, self._watched)

    async def sleep(self, seconds: float) -> None:
        """Notes it, and returns at once."""
        self._watched.sleeps.append(seconds)


class AsyncWatchedStream(httpcore.AsyncNetworkStream):
    """A plain stream with hooks."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, hooks: WatchedBackend) -> None:
        self._stream = stream
        self._hooks = hooks

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._hooks.before_write()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self._hooks.before_tls()
        return await self._stream.start_tls(ssl_context, server_hostname, timeout)

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        if info == "is_readable":
            self._hooks.before_look()
        return self._stream.get_extra_info(info)
