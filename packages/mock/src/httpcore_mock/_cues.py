"""The words that scripts are written in, beside plain bytes.

A script is what a server does on one connection, in order. Bytes in it are one segment:
one read returns no more than these. A cue belongs to one operation of the client, and is
played when that operation comes to it; an operation that comes to none goes well.

Cues are values: one may stand in any number of scripts, and is never changed.
"""

import dataclasses
import typing

from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    TimeoutException,
    WriteError,
    WriteTimeout,
)

Operation = typing.Literal["connect", "start_tls", "read", "write"]


class Cue:
    """One thing that a server does, other than sending bytes when it is asked.

    Attributes:
        operation: The operation of the client that plays it.
    """

    __slots__ = ()

    operation: typing.ClassVar[Operation]


@dataclasses.dataclass(frozen=True, slots=True)
class Wait(Cue):
    """An operation takes so long, in virtual time.

    One that has less time than that times out, and what is left of the wait is there for
    the next one. Waits that follow each other add up.

    Args:
        seconds: How long; `math.inf` is longer than any timeout.

    Raises:
        ValueError: It is less than 0, or no number.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not self.seconds >= 0:
            raise ValueError(f"seconds is {self.seconds}, but has to be at least 0")


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectDelay(Wait):
    """Connecting takes so long, or times out. Stands first in a script.

    Args:
        seconds: How long, in virtual time; `math.inf` is longer than any timeout.
    """

    operation = "connect"


@dataclasses.dataclass(frozen=True, slots=True)
class HandshakeDelay(Wait):
    """The TLS handshake takes so long, or times out.

    Args:
        seconds: How long, in virtual time; `math.inf` is longer than any timeout.
    """

    operation = "start_tls"


@dataclasses.dataclass(frozen=True, slots=True)
class Delay(Wait):
    """Nothing comes for so long: a read waits, or times out.

    An idle connection shows nothing of what stands behind it: a `Delay(0)` hides a reset
    or an end until somebody reads.

    Args:
        seconds: How long, in virtual time; `math.inf` is longer than any timeout.
    """

    operation = "read"


@dataclasses.dataclass(frozen=True, slots=True)
class WriteDelay(Wait):
    """The server takes no bytes for so long: a write waits, or times out.

    Args:
        seconds: How long, in virtual time; `math.inf` is longer than any timeout.
    """

    operation = "write"


class Failure(Cue):
    """An operation fails.

    Attributes:
        kinds: What the operation may raise.
        error: What it raises, as a copy: a timeout here needs none to be given there.

    Raises:
        TypeError: `error` is nothing that the operation may raise.
    """

    __slots__ = ()

    kinds: typing.ClassVar[tuple[type[Exception], ...]]
    error: Exception

    def __post_init__(self) -> None:
        if not isinstance(self.error, self.kinds):
            names = " or a ".join(kind.__name__ for kind in self.kinds)
            raise TypeError(f"{type(self).__name__} needs a {names}, but got {self.error!r}")

    @property
    def is_timeout(self) -> bool:
        """Whether it is one that the operation may be tried again after."""
        return isinstance(self.error, TimeoutException)


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectFailure(Failure):
    """Connecting fails. Stands first in a script, or behind a `ConnectDelay`.

    Args:
        error: A `ConnectError`, or a `ConnectTimeout`.
    """

    operation = "connect"
    kinds = (ConnectError, ConnectTimeout)

    error: ConnectError | ConnectTimeout


@dataclasses.dataclass(frozen=True, slots=True)
class Refused(ConnectFailure):
    """Nobody listens: connecting fails at once.

    Args:
        error: What connecting raises, if that matters.
    """

    error: ConnectError | ConnectTimeout = dataclasses.field(
        default_factory=lambda: ConnectError("connection refused"), repr=False
    )


@dataclasses.dataclass(frozen=True, slots=True)
class HandshakeFailure(Failure):
    """The TLS handshake fails, which closes the connection.

    Args:
        error: A `ConnectError`, or a `ConnectTimeout`.
    """

    operation = "start_tls"
    kinds = (ConnectError, ConnectTimeout)

    error: ConnectError | ConnectTimeout = dataclasses.field(
        default_factory=lambda: ConnectError("the TLS handshake failed")
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Negotiated(Cue):
    """The TLS handshake agrees on a protocol by ALPN (RFC 7301).

    Args:
        protocol: Such as `"h2"`; None if none was agreed on.
    """

    operation = "start_tls"

    protocol: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class ReadFailure(Failure):
    """Reading fails: for ever with a `ReadError`, once with a `ReadTimeout`.

    A connection that comes to a `ReadError` while it is idle is readable, as one is that
    was reset.

    Args:
        error: A `ReadError`, or a `ReadTimeout`.
    """

    operation = "read"
    kinds = (ReadError, ReadTimeout)

    error: ReadError | ReadTimeout = dataclasses.field(
        default_factory=lambda: ReadError("connection reset by peer")
    )


@dataclasses.dataclass(frozen=True, slots=True)
class WriteFailure(Failure):
    """A write fails, and every later one.

    Nothing of it arrives, so it is not in the record. What stands behind it can be read:
    the answer of a server that has stopped listening. Then reading fails as well.

    Args:
        error: A `WriteError`, or a `WriteTimeout`.
    """

    operation = "write"
    kinds = (WriteError, WriteTimeout)

    error: WriteError | WriteTimeout = dataclasses.field(
        default_factory=lambda: WriteError("connection reset by peer")
    )


@dataclasses.dataclass(frozen=True, slots=True)
class EndOfStream(Cue):
    """The server ends the stream: reads return `b""` from here on.

    A connection that comes to it while it is idle is readable: the server hung up. An
    empty `b""` in its place ends the stream as well, but is noticed by reading only.
    """

    operation = "read"


@dataclasses.dataclass(frozen=True, slots=True)
class Unsolicited(Cue):
    """Bytes that come by themselves: the stream is readable before anybody asks.

    So come an early response during an upload, and a 408 on an idle connection. Plain
    bytes wait until somebody reads.

    Args:
        content: One segment.
    """

    operation = "read"

    content: bytes


Step = bytes | Cue
"""What stands in a script."""
