"""Backends that a test can look into, or interfere with."""

import ssl
import typing

import httpcore

Hook = typing.Callable[[], object]


def nothing() -> None:
    """A hook that does nothing."""


class WatchedBackend(httpcore.NetworkBackend):
    """The default backend in a wrapper; notes what it is asked for, and calls a test's hooks.

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
        self._before_connect = before_connect
        self._before_look = before_look
        self._before_tls = before_tls
        self._before_write = before_write
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
        self._before_connect()
        stream = self._backend.connect_tcp(
            host=host,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        return WatchedStream(stream, self._before_look, self._before_tls, self._before_write)

    def sleep(self, seconds: float) -> None:
        """Notes it, and returns at once."""
        self.sleeps.append(seconds)


class WatchedStream(httpcore.NetworkStream):
    """A plain stream with hooks."""

    def __init__(
        self,
        stream: httpcore.NetworkStream,
        before_look: Hook,
        before_tls: Hook,
        before_write: Hook,
    ) -> None:
        self._stream = stream
        self._before_look = before_look
        self._before_tls = before_tls
        self._before_write = before_write

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._before_write()
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        self._before_tls()
        return self._stream.start_tls(ssl_context, server_hostname, timeout)

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        if info == "is_readable":
            self._before_look()
        return self._stream.get_extra_info(info)
