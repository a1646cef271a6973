"""An encrypted socket that one thread may read while another writes it.

An `ssl.SSLSocket` keeps one state for both directions, and stands no two threads in
it at once. So the socket never blocks, a call holds a lock for as long as it
computes, and the waiting is done outside of it.
"""

import ssl
import threading

from ._deadline import Deadline, seconds_to_wait
from ._tls import is_end_of_stream
from ._wait import wait_ready

# How many bytes of a write are encrypted before a reader has its turn.
_SLICE = 256 * 1024

# A record of so many bytes has others behind it, more often than not.
_LARGE = 8 * 1024


class TLSSocket:
    """Reads and writes an `ssl.SSLSocket`, under the timeouts of the contract.

    It raises what the socket raises, and TimeoutError; closing is not its business.

    Args:
        sock: Its handshake is over. It does not block any more from now on.
    """

    __slots__ = ("_failure", "_has_ended", "_has_written", "_lock", "_sock")

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._has_ended = False
        self._failure: OSError | None = None
        self._has_written = False
        sock.settimeout(0)

    def read(self, max_bytes: int, timeout: float | None) -> bytes:
        """Reads what has come; `b""` at the end of the stream."""
        deadline: Deadline | None = None
        # The answer to what was just sent is hardly there yet, and an attempt that
        # fails costs three times as much as looking first.
        if self._has_written:
            self._has_written = False
            if not self.is_readable_anyway():
                deadline = Deadline(timeout)
                self._wait(writing=False, timeout=deadline.remaining())
        while True:
            try:
                with self._lock:
                    if self._failure is not None:
                        raise self._failure
                    octets = self._sock.read(max_bytes)
                    if len(octets) >= _LARGE:
                        octets = self._gather(octets, max_bytes)
                self._has_ended = not octets
                return octets
            except ssl.SSLWantReadError:
                writing = False
            except ssl.SSLWantWriteError:
                writing = True
            except ssl.SSLError as exc:
                if not is_end_of_stream(exc):
                    raise
                self._has_ended = True
                return b""
            deadline = deadline or Deadline(timeout)
            self._wait(writing=writing, timeout=deadline.remaining())

    def _gather(self, octets: bytes, max_bytes: int) -> bytes:
        """Returns what was read, and the records behind it that have come as well.

        Where much is sent, each read would else give one record of 16 kB.
        """
        parts, left = [octets], max_bytes - len(octets)
        while left > 0:
            try:
                octets = self._sock.read(left)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError as exc:
                # Told by the next read: OpenSSL tells of it once. Without the frames of
                # this one, which its result may outlive.
                self._failure = exc.with_traceback(None)
                break
            if not octets:
                break
            parts.append(octets)
            left -= len(octets)
        return b"".join(parts)

    def write(self, octets: bytes | memoryview, timeout: float | None) -> None:
        """Sends all of `octets`; the timeout begins anew whenever the peer takes some."""
        seconds = seconds_to_wait(timeout)
        sent = self._send(octets, seconds) if 0 < len(octets) <= _SLICE else 0
        with memoryview(octets) as view:
            while sent < len(view):
                with view[sent : sent + _SLICE] as piece:
                    sent += self._send(piece, seconds)
        self._has_written = True

    def _send(self, piece: bytes | memoryview, timeout: float | None) -> int:
        while True:
            try:
                with self._lock:
                    return self._sock.send(piece)
            except ssl.SSLWantWriteError:
                writing = True
            except ssl.SSLWantReadError:
                writing = False
            # OpenSSL, which wants the same piece again, has sent what the system took
            # of it: whenever the system takes more, that is progress.
            self._wait(writing=writing, timeout=timeout)

    def _wait(self, *, writing: bool, timeout: float | None) -> None:
        if not wait_ready(self._sock, writing=writing, timeout=timeout):
            raise TimeoutError

    def is_readable_anyway(self) -> bool:
        """Returns whether a read returns at once, though the system knows of nothing."""
        with self._lock:
            is_over = self._has_ended or self._failure is not None
            return is_over or self._sock.pending() > 0
