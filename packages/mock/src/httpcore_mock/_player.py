"""The server's side of one connection: plays its script, and notes what is done to it.

Pure: no operation waits. What a script lets wait takes virtual time, held against the
timeout of the operation.

Who comes to a step that another operation plays has come to the end, for the moment: a
read in front of a `WriteFailure` finds nothing to read.
"""

import copy
import math
import ssl
import threading
import typing

from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    TimeoutException,
    WriteError,
    WriteTimeout,
    seconds_to_wait,
)

from ._client_hello import offered_protocols
from ._clock import Clock
from ._connection import MockConnection, MockHandshake
from ._cues import (
    ConnectFailure,
    Cue,
    EndOfStream,
    HandshakeFailure,
    Negotiated,
    Operation,
    ReadFailure,
    Step,
    Unsolicited,
    Wait,
    WriteFailure,
)
from ._errors import UnscriptedError
from ._script import Script
from ._ssl_object import MockSSLObject

if typing.TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_CLOSED = "the stream was closed on this side"

# What an operation raises that has no more time.
_TIMEOUTS: dict[Operation, tuple[type[TimeoutException], str]] = {
    "connect": (ConnectTimeout, "no connection within {} seconds"),
    "start_tls": (ConnectTimeout, "the TLS handshake took longer than {} seconds"),
    "read": (ReadTimeout, "nothing came within {} seconds"),
    "write": (WriteTimeout, "the peer took no bytes for {} seconds"),
}

E = typing.TypeVar("E", bound=Exception)


class Player:
    """One connection and the script of its server.

    Args:
        script: What the server does.
        connection: Where to note what the client does.
        clock: Whose time passes.
        http2: Whether HTTP/2 counts as negotiated, from the beginning on.

    Attributes:
        connection: As given.
    """

    __slots__ = (
        "_clock",
        "_end",
        "_has_asked",
        "_http2",
        "_lock",
        "_script",
        "_ssl_object",
        "_waited",
        "_write_failure",
        "connection",
    )

    def __init__(
        self, script: Script, connection: MockConnection, clock: Clock, *, http2: bool
    ) -> None:
        self.connection = connection
        connection._script = self._script = script
        self._clock = clock
        self._http2 = http2
        self._ssl_object: MockSSLObject | None = None
        # What every read comes to from now on.
        self._end: EndOfStream | ReadFailure | None = None
        # Whether something was written that nothing has answered.
        self._has_asked = False
        # How much of the wait that stands next is over.
        self._waited = 0.0
        self._write_failure: Exception | None = None
        # Held for the whole of an operation: none of them waits.
        self._lock = threading.Lock()

    # -- what the client does ------------------------------------------------------

    def connect(self) -> None:
        """Connects.

        Raises:
            ConnectError, ConnectTimeout: The script has it so.
        """
        with self._lock:
            try:
                step = self._play("connect", self.connection.timeout)
                if isinstance(step, ConnectFailure):
                    raise self._failure(step.error)
            except (ConnectError, ConnectTimeout, UnscriptedError) as exc:
                self.connection.error = exc
                self.connection.is_closed = True
                raise

    def read(self, max_bytes: int, timeout: float | None) -> bytes:
        """Reads; see `NetworkStream.read`.

        Raises:
            UnscriptedError: There is nothing to read, and no end of the stream either.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, but has to be at least 1")
        with self._lock:
            self.connection.read_timeouts.append(timeout)
            if self.connection.is_closed:
                raise ReadError(_CLOSED)
            if isinstance(self._end, ReadFailure):
                raise _copy(self._end.error)
            if self._end is not None:
                return b""
            return self._receive(self._play("read", timeout), max_bytes)

    def write(self, buffer: "ReadableBuffer", timeout: float | None) -> None:
        """Writes; see `NetworkStream.write`."""
        # A copy: what the buffer holds may change.
        octets = memoryview(buffer).tobytes()
        connection = self.connection
        with self._lock:
            connection.write_timeouts.append(timeout)
            if connection.is_closed:
                raise WriteError(_CLOSED)
            if self._write_failure is not None:
                raise WriteError(
                    "an earlier write failed, and may have sent a part"
                ) from self._write_failure
            try:
                step = self._play("write", timeout)
                if isinstance(step, WriteFailure):
                    raise self._failure(step.error)
            except (WriteError, WriteTimeout) as exc:
                self._write_failure = exc
                raise
            connection.writes.append(octets)
            self._has_asked = self._has_asked or bool(octets)

    def wait_writable(self, timeout: float | None) -> bool:
        """Waits; see `NetworkStream.wait_writable`."""
        with self._lock:
            if self.connection.is_closed:
                raise WriteError(_CLOSED)
            self._play("write", timeout)
            return True

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None, timeout: float | None
    ) -> None:
        """Encrypts; see `NetworkStream.start_tls`."""
        offered = offered_protocols(ssl_context, server_hostname)
        handshake = MockHandshake(ssl_context, server_hostname, timeout, offered)
        with self._lock:
            self.connection.handshakes.append(handshake)
            if self.connection.is_closed:
                raise ConnectError(_CLOSED)
            try:
                self._ssl_object = MockSSLObject(self._default_protocol, server_hostname)
                step = self._play("start_tls", timeout)
                if isinstance(step, HandshakeFailure):
                    raise self._failure(step.error)
            except (ConnectError, ConnectTimeout, UnscriptedError):
                self.connection.is_closed = True
                raise

    def close(self) -> None:
        """Closes; see `NetworkStream.close`."""
        self.connection.is_closed = True

    def extra_info(self, info: str) -> object:
        """Returns a fact; see `NetworkStream.get_extra_info`."""
        if info == "is_readable":
            return self._is_readable()
        if info == "ssl_object":
            return self._find_ssl_object()
        if info == "server_addr":
            connection = self.connection
            if connection.host is not None:
                return (connection.host, connection.port)
            return connection.path
        return None

    # -- what the script has for it ------------------------------------------------

    def _play(self, operation: Operation, timeout: float | None) -> Step | None:
        """Plays what comes before the outcome of an operation.

        Returns:
            The step that decides it, if it is a cue of this operation or bytes; whatever
            stands next otherwise.
        """
        seconds = seconds_to_wait(timeout)
        while (step := self._script.peek()) is not None:
            if isinstance(step, Wait) and step.operation == operation:
                left = self._wait(step, seconds, timeout)
                seconds = None if seconds is None else left
            elif isinstance(step, Negotiated) and operation == "start_tls":
                self._ssl_object = MockSSLObject(step.protocol, self.connection.server_hostname)
                self._script.advance()
            else:
                break
        return step

    def _wait(self, wait: Wait, seconds: float | None, timeout: float | None) -> float:
        """Lets virtual time pass; returns what is left of the operation's.

        Args:
            wait: How long the script has it.
            seconds: How long the operation has still; None is for ever.
            timeout: How long it had.
        """
        left = wait.seconds - self._waited
        if seconds is not None and left > seconds:
            self._pass_time(seconds)
            self._waited += seconds
            kind, message = _TIMEOUTS[wait.operation]
            raise kind(message.format(timeout))
        if left == math.inf:
            raise self._unscripted(f"{wait} is for ever, and there is no timeout")
        self._pass_time(left)
        self._waited = 0.0
        self._script.advance()
        return math.inf if seconds is None else seconds - left

    def _pass_time(self, seconds: float) -> None:
        self.connection.elapsed += seconds
        self._clock.advance(seconds)

    def _receive(self, step: Step | None, max_bytes: int) -> bytes:
        """Returns what the next step has for a read, `b""` at the end of the stream."""
        if isinstance(step, bytes | Unsolicited):
            segment = step if isinstance(step, bytes) else step.content
            octets = self._script.take(segment, max_bytes)
            if octets:
                self._has_asked = False
                self.connection.bytes_read += len(octets)
                return octets
            self._end = EndOfStream()
        elif isinstance(step, EndOfStream):
            self._script.advance()
            self._end = step
        elif isinstance(step, ReadFailure):
            if not step.is_timeout:
                self._end = step
            raise self._failure(step.error)
        else:
            self._run_dry(step)
        return b""

    def _run_dry(self, step: Step | None) -> None:
        """Decides about a read that the script has nothing for.

        A script of nothing but bytes is all that a server sends before it closes, as in
        httpcore 1.x: behind them the stream ends. But if something was written since, and
        nothing at all has come for an answer, somebody is asking a server that has gone.

        Raises:
            ReadError: The connection has failed already, when writing.
            UnscriptedError: It is asked for more than it has.
        """
        if self._write_failure is not None:
            raise ReadError(str(self._write_failure)) from self._write_failure
        if self._script.ends_by_itself and not self._has_asked:
            return
        if isinstance(step, Cue):
            raise self._unscripted(f"a read finds {step}, which waits for {step.operation}")
        raise self._unscripted("a read finds the script at its end")

    def _unscripted(self, problem: str) -> UnscriptedError:
        connection = self.connection
        return UnscriptedError(
            f"{connection}: {problem}; {connection.bytes_read} bytes were read,"
            f" {connection.show_written()}",
            connection,
        )

    def _failure(self, error: E) -> E:
        """Returns what the next step, which is a failure, raises; and goes on."""
        self._script.advance()
        return _copy(error)

    # -- what is asked about it ----------------------------------------------------

    def _is_readable(self) -> bool:
        with self._lock:
            if self.connection.is_closed or self._end is not None or self._script.is_begun:
                return True
            step = self._script.peek()
            if isinstance(step, ReadFailure):
                return not step.is_timeout
            return isinstance(step, EndOfStream | Unsolicited)

    def _find_ssl_object(self) -> MockSSLObject | None:
        """Returns what tells of TLS; None without it.

        A plain list of bytes, and HTTP/2, have it before any handshake, as in httpcore 1.x:
        there HTTP/2 is spoken to a mock whatever the scheme of the URL.
        """
        if self._ssl_object is None and (self._http2 or self._script.ends_by_itself):
            self._ssl_object = MockSSLObject(self._default_protocol)
        return self._ssl_object

    @property
    def _default_protocol(self) -> str:
        return "h2" if self._http2 else "http/1.1"


def _copy(error: E) -> E:
    """Returns an exception to raise: each time a new one, for a raised one is changed."""
    fresh = copy.copy(error)
    if error.__cause__ is not None:
        fresh.__cause__ = error.__cause__
    return fresh
