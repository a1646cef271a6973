"""A scripted network, for blocking code."""

import collections.abc
import ssl
import types
import typing

from pace import step
from scripted import Address, Connection, Handshake, Network

from httpcore_interface import SOCKET_OPTION, Event, NetworkBackend, NetworkStream


class ScriptedStream(NetworkStream):
    """A connection, for blocking code."""

    def __init__(self, connection: Connection, *, is_encrypted: bool = False) -> None:
        self.connection = connection
        self._is_encrypted = is_encrypted
        self._is_replaced = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._check()
        return step(self.connection.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._check()
        step(self.connection.write(buffer, timeout))

    def wait_writable(self, timeout: float | None = None) -> bool:
        return step(self.connection.wait_writable(timeout))

    def close(self) -> None:
        self._check()
        step(self.connection.close())

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "ScriptedStream":
        self._check()
        step(self.connection.start_tls(Handshake(ssl_context, server_hostname, timeout)))
        self._is_replaced = True
        return ScriptedStream(self.connection, is_encrypted=True)

    def _check(self) -> None:
        if self._is_replaced:
            self.connection.complain("the stream from before the handshake is used")

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return extra_info(self.connection, info, is_encrypted=self._is_encrypted)


def extra_info(connection: Connection, info: str, *, is_encrypted: bool) -> object:
    """What streams of any colour tell of a connection."""
    if info == "is_readable":
        return connection.is_readable()
    if info == "ssl_object":
        if not is_encrypted:
            return None
        return types.SimpleNamespace(
            version=lambda: "TLSv1.3", selected_alpn_protocol=lambda: connection.network.alpn
        )
    if info == "socket" and connection.network.send_buffer is not None:
        size = connection.network.send_buffer
        return types.SimpleNamespace(getsockopt=lambda level, option: size)
    if info == "server_addr":
        return (connection.address.host, connection.address.port)
    return None


class ScriptedEvent(Event):
    """An event whose waits the network knows of."""

    __slots__ = ("_network",)

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None and timeout <= 0:
            return super().wait(0)
        return step(self._network.wait(self._wait_really, timeout))

    async def _wait_really(self, timeout: float | None) -> bool:
        return super().wait(timeout)


class ScriptedBackend(NetworkBackend):
    """A network, for blocking code."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> ScriptedStream:
        options = None if socket_options is None else tuple(socket_options)
        address = Address(host, port, None, timeout, local_address, options)
        return ScriptedStream(step(self.network.connect("connect_tcp", address)))

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> ScriptedStream:
        options = None if socket_options is None else tuple(socket_options)
        address = Address(path=path, timeout=timeout, socket_options=options)
        return ScriptedStream(step(self.network.connect("connect_unix_socket", address)))

    def sleep(self, seconds: float) -> None:
        step(self.network.sleep(seconds))

    def create_event(self) -> Event:
        return ScriptedEvent(self.network)
