"""A small blocking backend: the template's, with its event loop in a thread."""

import asyncio
import collections.abc
import concurrent.futures
import functools
import ssl
import threading
import typing

from example_backend import ExampleBackend, ExampleStream

from httpcore_interface import (
    SOCKET_OPTION,
    ConnectError,
    NetworkBackend,
    NetworkStream,
)

Result = typing.TypeVar("Result")
Coroutine = collections.abc.Coroutine[object, object, Result]


@functools.cache
def start_loop() -> asyncio.AbstractEventLoop:
    """Starts the loop of every backend here, if that is not done; it stays."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="small blocking", daemon=True).start()
    return loop


def _run(coroutine: Coroutine[Result]) -> Result:
    return asyncio.run_coroutine_threadsafe(coroutine, start_loop()).result()


class SmallStream(NetworkStream):
    def __init__(self, stream: ExampleStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return _run(self._stream.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        _run(self._stream.write(buffer, timeout))

    def close(self) -> None:
        _run(self._stream.aclose())

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        _run(self._stream.start_tls(ssl_context, server_hostname, timeout))
        return self

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        async def ask() -> object:
            return self._stream.get_extra_info(info)

        return _run(ask())


class SmallBackend(NetworkBackend):
    def __init__(self) -> None:
        self._backend = ExampleBackend()
        self._connects: dict[int, concurrent.futures.Future[ExampleStream]] = {}
        # Now, and not when somebody counts the open sockets.
        start_loop()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        return self._connect(
            self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        )

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        return self._connect(self._backend.connect_unix_socket(path, timeout, socket_options))

    def _connect(self, coroutine: Coroutine[ExampleStream]) -> NetworkStream:
        future = asyncio.run_coroutine_threadsafe(coroutine, start_loop())
        self._connects[threading.get_ident()] = future
        try:
            return SmallStream(future.result())
        except concurrent.futures.CancelledError as exc:
            raise ConnectError("the connect was interrupted") from exc
        finally:
            del self._connects[threading.get_ident()]

    def interrupt_connect(self, thread: int) -> bool:
        future = self._connects.get(thread)
        return future is not None and future.cancel()
