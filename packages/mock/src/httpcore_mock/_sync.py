"""The blocking faces of the mock."""

import collections.abc
import ssl
import typing

from httpcore_interface import SOCKET_OPTION, NetworkBackend, NetworkStream

from ._connection import MockConnection
from ._cues import Step
from ._network import Network, play_alone
from ._player import Player


class MockStream(NetworkStream):
    """A connection to a server that plays a script.

    The contract is that of `NetworkStream`, except that nothing waits: a script says how
    long an operation would, and that is held against its timeout.

    Args:
        buffer: What the server does: bytes, each of which is one segment, and cues. A list
            may grow while it is played. Where there are no cues, the stream ends behind
            the last of them.
        http2: Whether HTTP/2 counts as negotiated: `get_extra_info("ssl_object")` then says
            `"h2"`, otherwise `"http/1.1"`.

    Raises:
        TypeError: `buffer` is no list of bytes and cues.
    """

    def __init__(self, buffer: collections.abc.Sequence[Step], http2: bool = False) -> None:
        self._player = play_alone(buffer, http2=http2)

    @classmethod
    def _of(cls, player: Player) -> "MockStream":
        stream = cls.__new__(cls)
        stream._player = player
        return stream

    @property
    def connection(self) -> MockConnection:
        """What has happened on it."""
        return self._player.connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads at most one segment. See `NetworkStream.read`.

        Raises:
            ReadTimeout: The script lets it wait longer than `timeout`.
            ReadError: The script has it so, or the stream was closed on this side.
            UnscriptedError: The script has nothing to read: it is at its end without an
                `EndOfStream`, or waits for another operation. A list of nothing but
                bytes ends the stream instead, unless something was written since and
                nothing at all has come for an answer.
            ValueError: `max_bytes` is less than 1.
        """
        return self._player.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Notes what is written. See `NetworkStream.write`.

        Raises:
            WriteTimeout: The script lets it wait longer than `timeout`.
            WriteError: The script has it so, an earlier write failed, or the stream was
                closed on this side.
        """
        self._player.write(buffer, timeout)

    def wait_writable(self, timeout: float | None = None) -> bool:
        """Returns True, once the script takes bytes. See `NetworkStream.wait_writable`.

        Raises:
            WriteTimeout: The script lets it wait longer than `timeout`.
            WriteError: The stream was closed on this side.
        """
        return self._player.wait_writable(timeout)

    def close(self) -> None:
        """Closes the connection. See `NetworkStream.close`."""
        self._player.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
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

        Args:
            info: `"ssl_object"`, which knows `selected_alpn_protocol()`, `version()`,
                `cipher()` and `getpeercert()`. As in httpcore 1.x it is there before any
                handshake if the script is nothing but bytes, or with `http2`.
                `"is_readable"` is False on an idle connection, until the script comes to an
                `EndOfStream`, a `ReadFailure` or something `Unsolicited`.
                `"server_addr"`: what the backend was asked to connect to.
        """
        return self._player.extra_info(info)

    def __repr__(self) -> str:
        return "<httpcore.MockStream>"


class MockBackend(NetworkBackend):
    """Opens connections to servers that play scripts.

    Threads may use one backend together: each connection takes the script that is next.

    Args:
        buffer: What the server does on every connection, from its beginning: bytes, each
            of which is one segment, and cues. Where there are no cues, the stream ends
            behind the last of them.
        http2: Whether HTTP/2 counts as negotiated, on every connection.
        scripts: In the place of `buffer`, what the server does on each connection, in
            their order. These end the stream where they say so, and nowhere else.

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

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
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
        return MockStream._of(self._network.connect(connection))

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
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
        return MockStream._of(self._network.connect(connection))

    def sleep(self, seconds: float) -> None:
        """Lets virtual time pass, and returns at once."""
        self._network.sleep(seconds)
