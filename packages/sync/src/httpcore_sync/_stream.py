"""One connection: reading, writing, encrypting and closing it, from several threads.

A stream may be read by one thread, written by a second and closed by a third, and
no operation takes a lock for that on a plain connection. Two rules replace it.

**Who frees the socket.** An operation raises its flag (`_reading`, `_writing`), then
looks at `_closed`; `close()` sets `_closed`, then looks at the flags. Whichever comes
second sees the first. So either the operation notices that it is too late, or
`close()` notices the operation, shuts the connection down to wake it, and leaves
the freeing to it: a descriptor is never freed, and given to someone else, under a
call that uses it. While `close()` itself still uses it, `_closed` is `_CLOSING`,
and an operation that ends then leaves the freeing to `close()`.

**Whose timeout it is.** The timeout of a socket belongs to both directions. Only an
operation that saw no flag of the other direction after raising its own may set
it and rely on it; the other one then sees that flag, and waits by itself.

Both rest on what CPython promises: a thread sees the stores of another in the order
in which they were made, and threads switch, and signals are handled, at calls and
at the ends of loops only.
"""

import contextlib
import math
import select
import socket
import ssl
import typing

from httpcore_interface import (
    ConnectError,
    NetworkStream,
    ReadError,
    WriteError,
    WriteTimeout,
    is_socket_readable,
)

from ._deadline import LONGEST_WAIT, Deadline, seconds_to_wait
from ._failures import CLOSED, handshake_failure, read_failure, write_failure
from ._tls import wait_handshake, wrap_socket, wraps_its_own_way
from ._tls_in_tls import start_tls_over
from ._tls_socket import TLSSocket
from ._wait import wait_either, wait_ready

if typing.TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Values of SyncStream._closed.
_OPEN = 0
_CLOSING = 1
_CLOSED = 2

# A timeout that equals none, itself included: the next operation sets its own.
_UNKNOWN = math.nan

# Windows lacks the flag. There a socket is never made to block for ever, so that
# no call needs to be told not to block.
_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)


class SyncStream(NetworkStream):
    """One open connection, on a socket of the standard library.

    The contract is that of `NetworkStream`. `start_tls` returns this very object,
    encrypted from then on, except where it was encrypted already.

    Args:
        sock: Connected; also an `ssl.SSLSocket` whose handshake is over. It belongs to
            the stream from now on, its timeout included.
    """

    __slots__ = (
        "_broken",
        "_closed",
        "_poll",
        "_reading",
        "_sock",
        "_ssl_object",
        "_timeout",
        "_tls",
        "_writing",
    )

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        # What the timeout of the socket was last set for.
        self._timeout: float | None = _UNKNOWN
        self._reading = False
        self._writing = False
        self._closed = _OPEN
        # A write failed: nobody knows how much of it the peer has got.
        self._broken = False
        self._poll: select.poll | None = None
        self._ssl_object: socket.socket | None = None
        self._tls: TLSSocket | None = None
        if isinstance(sock, ssl.SSLSocket):
            self._become_encrypted(sock)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come, waiting only while nothing has.

        See `NetworkStream.read`. A TLS peer that closes the connection without saying
        so first has ended the stream like any other.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The connection failed, or was closed on this side.
            ValueError: `max_bytes` is less than 1.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, but has to be at least 1")
        try:
            self._reading = True
            if timeout == self._timeout and not self._writing and not self._closed:
                octets = self._sock.recv(max_bytes)
            else:
                octets = self._read_carefully(max_bytes, timeout)
            # Being shut down by close() looks like the end of the stream.
            if not octets and self._closed:
                raise ReadError(CLOSED)
            return octets
        # ValueError: what an SSLSocket raises that somebody else has closed.
        except (OSError, ValueError) as exc:
            raise ReadError(CLOSED) if self._closed else read_failure(exc, timeout) from exc
        finally:
            self._reading = False
            if self._closed:
                self._free_if_unused()

    def _read_carefully(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._closed:
            raise ReadError(CLOSED)
        if self._tls is not None:
            return self._tls.read(max_bytes, timeout)
        if not self._writing:
            self._set_timeout(timeout)
            return self._sock.recv(max_bytes)
        deadline = Deadline(timeout)
        while True:
            self._wait(writing=False, timeout=deadline.remaining())
            with contextlib.suppress(BlockingIOError):
                return self._sock.recv(max_bytes, _DONTWAIT)

    def write(self, buffer: "ReadableBuffer", timeout: float | None = None) -> None:
        """Sends all of `buffer`, or raises.

        See `NetworkStream.write`. After an exception every later write fails.

        Raises:
            WriteTimeout: The peer took nothing for `timeout` seconds.
            WriteError: The connection or an earlier write failed, or the stream was
                closed on this side.
        """
        try:
            self._writing = True
            if (
                timeout == self._timeout
                and type(buffer) is bytes
                and not self._reading
                and not self._closed
                and not self._broken
            ):
                sent = self._sock.send(buffer)
                if sent != len(buffer):
                    self._send_rest(buffer, sent)
            else:
                self._write_carefully(buffer, timeout)
        except (OSError, ValueError) as exc:
            self._broken = True
            raise WriteError(CLOSED) if self._closed else write_failure(exc, timeout) from exc
        except BaseException:
            self._broken = True
            raise
        finally:
            self._writing = False
            if self._closed:
                self._free_if_unused()

    def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until a write can send something, or a read can get something.

        See `NetworkStream.wait_writable`.

        Raises:
            WriteTimeout: Neither was possible in time.
            WriteError: The stream was closed on this side.
        """
        try:
            self._writing = True
            if self._closed:
                raise WriteError(CLOSED)
            is_readable, is_writable = wait_either(self._sock, seconds_to_wait(timeout))
            if self._closed:
                raise WriteError(CLOSED)
            if not is_readable and not is_writable:
                raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
            return is_writable
        except (OSError, ValueError) as exc:
            raise WriteError(CLOSED if self._closed else str(exc)) from exc
        finally:
            self._writing = False
            if self._closed:
                self._free_if_unused()

    def _write_carefully(self, buffer: "ReadableBuffer", timeout: float | None) -> None:
        if self._closed:
            raise WriteError(CLOSED)
        if self._broken:
            raise WriteError("an earlier write failed, and may have sent a part")
        if type(buffer) is bytes:
            self._write_octets(buffer, timeout)
            return
        # Released at once, whatever happens: the owner of the buffer may want to
        # resize it while the exception is still around.
        with memoryview(buffer) as view:
            if view.nbytes:
                with view.cast("B") as octets:
                    self._write_octets(octets, timeout)

    def _write_octets(self, octets: bytes | memoryview, timeout: float | None) -> None:
        if self._tls is not None:
            self._tls.write(octets, timeout)
        elif self._reading:
            self._write_beside_read(octets, timeout)
        else:
            self._set_timeout(timeout)
            self._send_rest(octets, 0)

    def _send_rest(self, octets: bytes | memoryview, sent: int) -> None:
        """Sends what follows the first `sent` bytes, each time under the whole timeout."""
        with memoryview(octets) as view:
            while sent < len(view):
                with view[sent:] as rest:
                    sent += self._sock.send(rest)

    def _write_beside_read(self, octets: bytes | memoryview, timeout: float | None) -> None:
        sent = 0
        seconds = seconds_to_wait(timeout)
        with memoryview(octets) as view:
            while sent < len(view):
                self._wait(writing=True, timeout=seconds)
                with view[sent:] as rest, contextlib.suppress(BlockingIOError):
                    sent += self._sock.send(rest, _DONTWAIT)

    def _set_timeout(self, timeout: float | None) -> None:
        seconds = seconds_to_wait(timeout)
        if seconds is None and not _DONTWAIT:
            seconds = LONGEST_WAIT  # pragma: no cover - Windows
        # Unknown in between: a signal may raise from a call that has done its work.
        self._timeout = _UNKNOWN
        self._sock.settimeout(seconds)
        self._timeout = timeout

    def _wait(self, *, writing: bool, timeout: float | None) -> None:
        if not wait_ready(self._sock, writing=writing, timeout=timeout):
            raise TimeoutError

    def close(self) -> None:
        """Closes the connection, at once and for good.

        See `NetworkStream.close`. TLS's farewell, which waits for the peer, is left out.
        """
        if self._closed:
            return
        self._closed = _CLOSING
        try:
            # Only if there is someone to wake: a forked process has the connection,
            # too, and a shutdown would end it for both.
            if self._reading or self._writing:
                self._shut_down()
        finally:
            self._closed = _CLOSED
            self._free_if_unused()

    def _shut_down(self) -> None:
        sock = self._sock
        # OSError: the peer was faster, or start_tls has just replaced the socket and
        # will look at `_closed` next.
        with contextlib.suppress(OSError):
            if isinstance(sock, ssl.SSLSocket):
                # Its own shutdown() drops the TLS state first, and a write in progress
                # would go on in plain text.
                super(ssl.SSLSocket, sock).shutdown(socket.SHUT_RDWR)
            else:
                sock.shutdown(socket.SHUT_RDWR)

    def _free_if_unused(self) -> None:
        if self._closed == _CLOSED and not self._reading and not self._writing:
            with contextlib.suppress(OSError):
                self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        """Performs a TLS handshake as the client, and returns the encrypted stream.

        See `NetworkStream.start_tls`. That is this very object, so that whoever
        holds it can close it, during the handshake too. Only a stream that is
        encrypted already returns another one, which owns this.

        Raises:
            ConnectTimeout: The handshake took longer than `timeout`.
            ConnectError: The handshake failed, the certificate was refused, no host
                can be called `server_hostname`, or the stream was closed.
        """
        if self._ssl_object is not None:
            return start_tls_over(self, ssl_context, server_hostname, timeout)
        try:
            # Nothing else may use the socket while it changes.
            self._reading = self._writing = True
            self._encrypt(ssl_context, server_hostname, Deadline(timeout))
        except (OSError, ValueError) as exc:
            raise (
                ConnectError(CLOSED) if self._closed else handshake_failure(exc, timeout)
            ) from exc
        finally:
            self._reading = self._writing = False
            if self._ssl_object is None:
                self.close()
            self._free_if_unused()
        return self

    def _encrypt(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None, deadline: Deadline
    ) -> None:
        self._refuse_if_closed()
        if wraps_its_own_way(ssl_context):
            sock = self._encrypt_its_own_way(ssl_context, server_hostname, deadline)
        else:
            self._sock.settimeout(0)
            sock = wrap_socket(self._sock, ssl_context, server_hostname, shake_hands=False)
            self._sock = sock
            # A close() before this line has found a socket without a descriptor.
            self._refuse_if_closed()
            wait_handshake(sock, deadline)
        self._become_encrypted(sock)

    def _encrypt_its_own_way(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None, deadline: Deadline
    ) -> ssl.SSLSocket:
        """Leaves the handshake to the context, out of our sight.

        It gets a second descriptor of the connection: the first stays where close() finds it.
        """
        plain = self._sock
        seconds = deadline.remaining()
        if seconds == 0:
            raise TimeoutError
        twin = plain.dup()
        try:
            twin.settimeout(seconds)
            sock = wrap_socket(twin, ssl_context, server_hostname, shake_hands=True)
        except BaseException:
            # Does nothing if the SSLSocket that was to be has taken the descriptor.
            twin.close()
            raise
        self._sock = sock
        if self._closed:
            # close() may be using the first one still: it is freed with the stream.
            self._sock = plain
            sock.close()
            self._refuse_if_closed()
        plain.close()
        return sock

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ConnectError(CLOSED)

    def _become_encrypted(self, sock: socket.socket) -> None:
        # What a test tool puts in its place is used like any socket.
        if isinstance(sock, ssl.SSLSocket):
            self._tls = TLSSocket(sock)
        self._timeout = _UNKNOWN
        # It may have another descriptor.
        self._poll = None
        self._ssl_object = sock

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection, and None where it is unknown.

        See `NetworkStream.get_extra_info` for the names.
        """
        if info == "is_readable":
            return self._is_readable()
        if self._closed:
            return None
        if info == "socket":
            return self._sock
        if info == "ssl_object":
            return self._ssl_object
        with contextlib.suppress(OSError):
            if info == "client_addr":
                return self._sock.getsockname()
            if info == "server_addr":
                return self._sock.getpeername()
        return None

    def _is_readable(self) -> bool:
        if self._closed:
            return True
        try:
            if self._poll is None:
                self._poll = select.poll()
                self._poll.register(self._sock, select.POLLIN)
            is_readable = bool(self._poll.poll(0))
        # AttributeError: no poll on this platform. RuntimeError: two threads ask at once.
        except (AttributeError, OSError, RuntimeError, ValueError):
            is_readable = is_socket_readable(self._sock)
        return is_readable or (self._tls is not None and self._tls.is_readable_anyway())
