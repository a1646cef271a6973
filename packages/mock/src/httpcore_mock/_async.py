"""The async faces of the mock.

What they promise stands in `_sync.py`. They never suspend: a script's waits take virtual
time, here as there, so that any event loop will do.
"""

import collections.abc
import ssl
import typing

from httpcore_interface import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

from ._connection import MockConnection
from ._cues import Step
from ._network import Network, play_alone
from ._player import Player


class AsyncMockStream(AsyncNetworkStream):
    """A connection to a server that plays a script, for async code.

    Args:
        buffer: See `MockStream`.
        http2: Likewise.

    Raises:
        TypeError: `buffer` is no list of bytes and cues.
    """

    def __init__(self, buffer: collections.abc.Sequence[Step], http2: bool = False) -> None:
        self._player = play_alone(buffer, http2=http2)

    @classmethod
    def _of(cls, player: Player) -> "AsyncMockStream":
        stream = cls.__new__(cls)
        stream._player = player
        return stream

    @property
    def connection(self) -> MockConnection:
        """What has happened on it."""
        return self._player.connection

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads at most one segment. See `MockStream.read`.

        Raises:
            ReadTimeout: The script lets it wait longer than `timeout`.
            ReadError: The script has it so, or the stream was closed on this side.
            UnscriptedError: The script has nothing to read.
            ValueError: `max_bytes` is less than 1.
        """
        return self._player.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Notes what is written. See `MockStream.write`.

        Raises:
            WriteTimeout: The script lets it wait longer than `timeout`.
            WriteError: The script has it so, an earlier write failed, or the stream was
                closed on this side.
        """
        self._player.write(buffer, timeout)

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Returns True, once the script takes bytes. See `NetworkStream.wait_writable`.

        Raises:
            WriteTimeout: The script lets it wait longer than `timeout`.
            WriteError: The stream was closed on this side.
        """
        return self._player.wait_writable(timeout)

    async def aclose(self) -> None:
        """Closes the connection. See `NetworkStream.close`."""
        self._player.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncNetworkStream:
        """Notes the handshake, and returns this very stream.

        Raises:
            ConnectTimeout: The script lets it wait longer than `timeout`.
            ConnectError: The script has it so, or the stream was closed on this side.
        """
        self._player.start_tls(ssl_context, server_hostname, timeout)
        return self

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection, and None where it is unknown.

        See `MockStream.get_extra_info` for the names.
        """
        return self._player.extra_info(info)

    def __repr__(self) -> str:
        return "<httpcore.AsyncMockStream>"


class AsyncMockBackend(AsyncNetworkBackend):
    """Opens connections to servers that play scripts, for async code.

    Args:
        buffer: See `MockBackend`.
        http2: Likewise.
        scripts: Likewise.

    Attributes:
        connections: The record of each connection, in their order.
        pauses: What `sleep` was asked for, in seconds.

    Raises:
        TypeError: Neither `buffer` nor `scripts` is given, or both are; or one has
            something else in it than bytes and cues.
    """

    def __init__(
        self,
        buffer: collections.abc.Sequence[Step] | None = None,
        http2: bool = False,
        *,
        scripts: collections.abc.Sequence[collections.abc.Sequence[Step]] | None = None,
    ) -> None:
        self._network = Network(buffer, scripts, http2=http2)
        self.connections = self._network.connections
        self.pauses = self._network.pauses
        # Subclasses that were written for httpcore 1.x make streams of these.
        self._buffer = buffer
        self._http2 = http2

    @property
    def elapsed(self) -> float:
        """Virtual seconds that were spent waiting, by all connections and by `sleep`."""
        return self._network.clock.elapsed

    @property
    def unplayed(self) -> list[Step]:
        """What is left of the scripts of all connections, also those never made."""
        return self._network.unplayed()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Opens a connection, to be played by the next script.

        Raises:
            ConnectTimeout: The script lets it wait longer than `timeout`.
            ConnectError: The script has it so.
            UnscriptedError: There is no script left.
        """
        connection = MockConnection(
            host=host,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=None if socket_options is None else tuple(socket_options),
        )
        return AsyncMockStream._of(self._network.connect(connection))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Opens a connection, to be played by the next script.

        Raises:
            ConnectTimeout: The script lets it wait longer than `timeout`.
            ConnectError: The script has it so.
            UnscriptedError: There is no script left.
        """
        connection = MockConnection(
            path=path,
            timeout=timeout,
            socket_options=None if socket_options is None else tuple(socket_options),
        )
        return AsyncMockStream._of(self._network.connect(connection))

    async def sleep(self, seconds: float) -> None:
        """Lets virtual time pass, and returns at once."""
        self._network.sleep(seconds)
