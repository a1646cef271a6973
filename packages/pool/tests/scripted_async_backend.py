"""A scripted network, for async code."""

import collections.abc
import ssl
import typing

from scripted import Address, Connection, Handshake, Network
from scripted_backend import extra_info

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
)


class AsyncScriptedStream(AsyncNetworkStream):
    """A connection, for async code."""

    def __init__(self, connection: Connection, *, is_encrypted: bool = False) -> None:
        self.connection = connection
        self._is_encrypted = is_encrypted
        self._is_replaced = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._check()
        return await self.connection.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._check()
        await self.connection.write(buffer, timeout)

    async def wait_writable(self, timeout: float | None = None) -> bool:
        return await self.connection.wait_writable(timeout)

    async def aclose(self) -> None:
        self._check()
        await self.connection.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "AsyncScriptedStream":
        self._check()
        await self.connection.start_tls(Handshake(ssl_context, server_hostname, timeout))
        self._is_replaced = True
        return AsyncScriptedStream(self.connection, is_encrypted=True)

    def _check(self) -> None:
        if self._is_replaced:
            self.connection.complain("the stream from before the handshake is used")

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return extra_info(self.connection, info, is_encrypted=self._is_encrypted)


class AsyncScriptedEvent(AsyncEvent):
    """An event whose waits the network knows of."""

    __slots__ = ("_event", "_network")

    def __init__(self, network: Network) -> None:
        self._network = network
        self._event = network.pace.create_event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None and timeout <= 0:
            return await self._event.wait(0)
        return await self._network.wait(self._wait_really, timeout)

    async def _wait_really(self, timeout: float | None) -> bool:
        return await self._event.wait(timeout)


class AsyncScriptedBackend(AsyncNetworkBackend):
    """A network, for async code."""

    def __init__(self, network: Network) -> None:
        self.network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncScriptedStream:
        options = None if socket_options is None else tuple(socket_options)
        address = Address(host, port, None, timeout, local_address, options)
        return AsyncScriptedStream(await self.network.connect("connect_tcp", address))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncScriptedStream:
        options = None if socket_options is None else tuple(socket_options)
        address = Address(path=path, timeout=timeout, socket_options=options)
        return AsyncScriptedStream(await self.network.connect("connect_unix_socket", address))

    async def sleep(self, seconds: float) -> None:
        await self.network.sleep(seconds)

    def create_event(self) -> AsyncEvent:
        return AsyncScriptedEvent(self.network)
