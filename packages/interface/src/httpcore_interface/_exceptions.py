"""The exception tree that every httpcore package raises from.

Three parents stand for what a caller does about it: wait longer
(`TimeoutException`), try another connection (`NetworkError`), or mend one of the
two programs (`ProtocolError`). Foreign exceptions are chained, never leaked.
"""

import collections.abc


class TimeoutException(Exception):  # noqa: N818 - the name is part of the 1.x API
    """An operation did not end within its timeout."""


class PoolTimeout(TimeoutException):
    """No connection of the pool became available within the `pool` timeout."""


class ConnectTimeout(TimeoutException):
    """A connection, or its TLS handshake, was not established in time."""


class ReadTimeout(TimeoutException):
    """Nothing could be read within the `read` timeout."""


class WriteTimeout(TimeoutException):
    """The peer took no more bytes within the `write` timeout."""


class NetworkError(Exception):
    """The network failed; what was asked for may or may not have happened."""


class ConnectError(NetworkError):
    """A connection, or its TLS handshake, could not be established."""


class ReadError(NetworkError):
    """Reading from a connection failed."""


class WriteError(NetworkError):
    """Writing to a connection failed."""


class ProtocolError(Exception):
    """One of the two peers broke the rules of the protocol."""


class LocalProtocolError(ProtocolError):
    """The caller asked for something that the protocol forbids to send."""


class RemoteProtocolError(ProtocolError):
    """The server sent something that the protocol forbids, or broke off."""


class ProxyError(Exception):
    """A proxy refused to do what it was asked for, or broke the rules.

    Where it refused with an HTTP response, that is here, for whoever wants to answer
    it: a 407 (Proxy Authentication Required) asks for credentials.

    Args:
        *args: What happened, for people; as any exception has it.
        status: The response's status code.
        reason: The reason behind that, as it came; it may be empty.
        headers: The response's fields, (name, value) pairs.

    Attributes:
        status: As given; None if there was no response.
        reason: Likewise.
        headers: As given, in a list of its own; empty if there was no response.
    """

    def __init__(
        self,
        *args: object,
        status: int | None = None,
        reason: bytes | None = None,
        headers: collections.abc.Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(*args)
        self.status = status
        self.reason = reason
        self.headers = list(headers)


class UnsupportedProtocol(Exception):  # noqa: N818 - the name is part of the 1.x API
    """The scheme of a URL is none that can be spoken."""


class ConnectionNotAvailable(Exception):  # noqa: N818 - the name is part of the 1.x API
    """A connection cannot take another request at the moment."""
