"""What happened on one mocked connection: everything that an assertion may need."""

import dataclasses
import ssl

from httpcore_interface import SOCKET_OPTION

from ._cues import Step
from ._script import Script

# How much of what was written a message shows: the end of it, where the trouble is.
_SHOWN = 2_000


@dataclasses.dataclass(frozen=True, slots=True)
class MockHandshake:
    """One TLS handshake, as the client asked for it.

    Attributes:
        ssl_context: As given.
        server_hostname: Likewise.
        timeout: Likewise, in seconds.
        alpn_protocols: What the context offers, the preferred protocol first. A context
            does not tell; it is read off the ClientHello that this one would send. None if
            it offers nothing, or cannot begin a handshake.
    """

    ssl_context: ssl.SSLContext
    server_hostname: str | None
    timeout: float | None
    alpn_protocols: tuple[str, ...] | None


@dataclasses.dataclass(eq=False, repr=False, slots=True, kw_only=True)
class MockConnection:
    """The record of one connection, also of one that failed to connect.

    To be read, and never written, by tests.

    Attributes:
        number: 1 for the first of a backend.
        host: What `connect_tcp` was given; None for a Unix socket.
        port: Likewise.
        path: What `connect_unix_socket` was given.
        timeout: For connecting, in seconds.
        local_address: The address to connect from.
        socket_options: In their order; None if none were given.
        error: What connecting raised, if it did.
        handshakes: Each TLS handshake, also one that failed.
        writes: What each write sent. One that failed is not among them.
        bytes_read: How many bytes were read.
        read_timeouts: The timeout of each read, in seconds.
        write_timeouts: The timeout of each write, in seconds.
        elapsed: Virtual seconds that were spent waiting here.
        is_closed: Whether this side has closed it, or it has never been open.
    """

    host: str | None = None
    port: int | None = None
    path: str | None = None
    timeout: float | None = None
    local_address: str | None = None
    socket_options: tuple[SOCKET_OPTION, ...] | None = None
    number: int = 1
    error: Exception | None = None
    handshakes: list[MockHandshake] = dataclasses.field(default_factory=list)
    writes: list[bytes] = dataclasses.field(default_factory=list)
    bytes_read: int = 0
    read_timeouts: list[float | None] = dataclasses.field(default_factory=list)
    write_timeouts: list[float | None] = dataclasses.field(default_factory=list)
    elapsed: float = 0.0
    is_closed: bool = False
    # Set by whoever plays it.
    _script: Script | None = dataclasses.field(default=None, init=False)

    @property
    def written(self) -> bytes:
        """Everything that was written."""
        return b"".join(self.writes)

    @property
    def is_encrypted(self) -> bool:
        """Whether a TLS handshake was begun."""
        return bool(self.handshakes)

    @property
    def server_hostname(self) -> str | None:
        """The name that the latest TLS handshake asked for; None without any."""
        return self.handshakes[-1].server_hostname if self.handshakes else None

    @property
    def alpn_protocols(self) -> tuple[str, ...] | None:
        """What the latest TLS handshake offered; see `MockHandshake.alpn_protocols`."""
        return self.handshakes[-1].alpn_protocols if self.handshakes else None

    @property
    def unplayed(self) -> list[Step]:
        """What is left of the script."""
        return [] if self._script is None else self._script.rest()

    def show_written(self) -> str:
        """Says what was written, for people: the end of it, if it is long."""
        written = self.written
        if not written:
            return "nothing was written"
        cut = f"the last {_SHOWN} are " if len(written) > _SHOWN else ""
        return f"{len(written)} bytes were written: {cut}{written[-_SHOWN:]!r}"

    def __str__(self) -> str:
        if self.path is not None:
            return f"connection {self.number}, to {self.path}"
        if self.host is not None:
            return f"connection {self.number}, to {self.host}:{self.port}"
        return f"connection {self.number}"

    def __repr__(self) -> str:
        return f"<MockConnection: {self}>"
