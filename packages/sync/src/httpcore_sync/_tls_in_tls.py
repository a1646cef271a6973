"""TLS over any stream: the tunnel of an HTTPS proxy, and the tunnels inside that.

The `ssl` module encrypts between two buffers in memory, and this moves the
ciphertext between them and the outer stream. There is no socket here: all waiting,
and being woken by a close, happens in the outer stream.

Two locks. `_state` guards the TLS state and its buffers; it is held while computing,
never while waiting. `_sending` is held from making ciphertext until it is
sent, so that it is sent in the order in which it was made; `_state` is taken inside
it. A reader never waits for `_sending`: the peer may be unable to take what a writer
sends until somebody reads.
"""

import contextlib
import ssl
import threading
import typing

from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    NetworkError,
    NetworkStream,
    ReadError,
    ReadTimeout,
    TimeoutException,
    WriteError,
    WriteTimeout,
)

from ._deadline import Deadline, seconds_to_wait
from ._failures import CLOSED, describe
from ._tls import check_server_hostname, is_end_of_stream

if typing.TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Bytes of ciphertext that are asked of the outer stream at once, and of data that are
# encrypted at once: what a stream may hold in memory, however large a write is.
_CHUNK = 64 * 1024


def start_tls_over(
    outer: NetworkStream,
    ssl_context: ssl.SSLContext,
    server_hostname: str | None,
    timeout: float | None,
) -> NetworkStream:
    """Performs a TLS handshake through a stream, and returns the encrypted one.

    Raises:
        ConnectTimeout: The handshake took longer than `timeout`.
        ConnectError: The handshake failed, or the certificate was refused.
    """
    try:
        check_server_hostname(server_hostname, ssl_context)
        stream = TLSStream(outer, ssl_context, server_hostname)
        stream.wait_handshake(Deadline(timeout))
    except BaseException as exc:
        outer.close()
        if isinstance(exc, TimeoutException):
            message = f"the TLS handshake took longer than {timeout} seconds"
            raise ConnectTimeout(message) from exc
        if isinstance(exc, (NetworkError, OSError, ValueError)):
            raise ConnectError(f"the TLS handshake failed: {describe(exc)}") from exc
        raise
    return stream


class TLSStream(NetworkStream):
    """An encrypted connection inside another stream. The contract is `NetworkStream`'s.

    Args:
        outer: What carries the ciphertext; it belongs to this stream from now on.
        ssl_context: What to offer and whom to trust.
        server_hostname: The name to send and to find in the certificate.
    """

    __slots__ = (
        "_broken",
        "_closed",
        "_has_ended",
        "_incoming",
        "_outer",
        "_outgoing",
        "_sending",
        "_ssl_object",
        "_state",
    )

    def __init__(
        self, outer: NetworkStream, ssl_context: ssl.SSLContext, server_hostname: str | None
    ) -> None:
        self._outer = outer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl_object = ssl_context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname
        )
        self._state = threading.Lock()
        self._sending = threading.Lock()
        self._closed = False
        self._has_ended = False
        # A write failed: nobody knows how much of it the peer has got.
        self._broken = False

    def wait_handshake(self, deadline: Deadline) -> None:
        """Performs the handshake.

        Raises:
            TimeoutException: It was not over at the deadline.
            NetworkError: The outer stream failed.
            OSError: The handshake failed.
        """
        while True:
            try:
                self._ssl_object.do_handshake()
            except ssl.SSLWantReadError:
                self._send_pending(deadline.remaining())
                self._receive(deadline.remaining())
            except ssl.SSLError:
                # The alert that tells the peer why, if that costs no waiting.
                with contextlib.suppress(TimeoutException, NetworkError):
                    self._send_pending(0)
                raise
            else:
                self._send_pending(deadline.remaining())
                return

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come. See `NetworkStream.read`.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The connection failed, or was closed on this side.
            ValueError: `max_bytes` is less than 1.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, but has to be at least 1")
        deadline = Deadline(timeout)
        while not self._closed:
            try:
                with self._state:
                    octets = self._ssl_object.read(max_bytes)
                self._has_ended = not octets
                return octets
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as exc:
                if not is_end_of_stream(exc):
                    raise ReadError(describe(exc)) from exc
                self._has_ended = True
                return b""
            try:
                # The peer may be waiting for an answer of the TLS layer.
                self._send_pending(deadline.remaining())
                self._receive(deadline.remaining())
            except TimeoutException as exc:
                raise ReadTimeout(f"nothing came within {timeout} seconds") from exc
            except WriteError as exc:
                raise ReadError(describe(exc)) from exc
        raise ReadError(CLOSED)

    def write(self, buffer: "ReadableBuffer", timeout: float | None = None) -> None:
        """Sends all of `buffer`, or raises. See `NetworkStream.write`.

        Raises:
            WriteTimeout: The peer took nothing for `timeout` seconds.
            WriteError: The connection or an earlier write failed, or the stream was
                closed on this side.
        """
        if self._closed:
            raise WriteError(CLOSED)
        if self._broken:
            raise WriteError("an earlier write failed, and may have sent a part")
        try:
            with memoryview(buffer) as view:
                if view.nbytes:
                    with view.cast("B") as octets:
                        self._write_octets(octets, timeout)
            # What a reader left to us while we were sending.
            self._send_pending(timeout)
        except ssl.SSLError as exc:
            self._broken = True
            raise WriteError(describe(exc)) from exc
        except BaseException:
            self._broken = True
            raise

    def _write_octets(self, octets: memoryview, timeout: float | None) -> None:
        seconds = seconds_to_wait(timeout)
        if not self._sending.acquire(timeout=-1 if seconds is None else seconds):
            raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
        try:
            for start in range(0, len(octets), _CHUNK):
                with octets[start : start + _CHUNK] as piece, self._state:
                    # A buffer in memory takes all of it.
                    self._ssl_object.write(piece)
                    ciphertext = self._outgoing.read()
                self._outer.write(ciphertext, timeout)
        finally:
            self._sending.release()

    def _send_pending(self, timeout: float | None) -> None:
        """Sends the ciphertext that is due, unless somebody sends who will see to it."""
        # Looked at again after the lock is free: what was left to us may have come
        # after our last look.
        while self._outgoing.pending and self._sending.acquire(blocking=False):
            try:
                with self._state:
                    ciphertext = self._outgoing.read()
                self._outer.write(ciphertext, timeout)
            finally:
                self._sending.release()

    def _receive(self, timeout: float | None) -> None:
        """Hands the next ciphertext of the outer stream, or its end, to the TLS layer."""
        ciphertext = self._outer.read(_CHUNK, timeout)
        with self._state:
            if ciphertext:
                self._incoming.write(ciphertext)
            else:
                self._incoming.write_eof()

    def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until a write can send something, or a read can get something.

        See `NetworkStream.wait_writable`.
        """
        return self._outer.wait_writable(timeout)

    def close(self) -> None:
        """Closes the connection, the outer stream included. See `NetworkStream.close`."""
        self._closed = True
        self._outer.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        """Performs another TLS handshake inside this one. See `NetworkStream.start_tls`.

        Raises:
            ConnectTimeout: The handshake took longer than `timeout`.
            ConnectError: The handshake failed, or the certificate was refused.
        """
        return start_tls_over(self, ssl_context, server_hostname, timeout)

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection, and None where it is unknown.

        See `NetworkStream.get_extra_info`. The addresses and the socket are those of
        the outermost stream.
        """
        if info == "is_readable":
            return self._is_readable()
        if self._closed:
            return None
        if info == "ssl_object":
            return self._ssl_object
        return self._outer.get_extra_info(info)

    def _is_readable(self) -> bool:
        if self._closed or self._has_ended:
            return True
        with self._state:
            # Ciphertext that was received but not looked at may be a whole record.
            if self._ssl_object.pending() or self._incoming.pending:
                return True
        return bool(self._outer.get_extra_info("is_readable"))
