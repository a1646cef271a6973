"""All that a stream does with its socket short of waiting.

The socket never blocks, and may be encrypted, in several layers. What has to wait is
told by what a method returns; the waiting is the backend's, in its own way. Not for
several threads: between two waits of a task nobody else comes in.
"""

import contextlib
import select
import socket
import ssl
import typing

from ._dial import is_socket_writable
from ._exceptions import ConnectError, ReadError, WriteError
from ._readable import is_socket_readable
from ._tls_layer import TLSLayer

if typing.TYPE_CHECKING:
    pass

# Bytes of ciphertext that are asked of the system at once, and of data that are
# encrypted at once: what a channel may hold in memory, however large a write is.
_CHUNK = 64 * 1024

# Bytes that are encrypted before others have their turn, however fast the peer is.
_BURST = 16 * _CHUNK

_CLOSED = "the stream was closed on this side"

_NOTHING = memoryview(b"")


class SocketChannel:
    """One connection: what can be done with it at once.

    Args:
        sock: Connected. It belongs to the channel from now on, and does not block.

    Attributes:
        sock: The socket underneath, for those who wait.
        is_closed: Whether `close` was called.
        is_reading: Whether a read is under way, for as long as it waits, too. Set by
            `begin_read` and `begin_tls`; whoever called that resets it.
        is_writing: The same for a write, `begin_write` and `begin_tls`.
        is_broken: Whether a write has failed: nobody knows how much the peer has got.
            Set by whoever notices.
        has_unsent: Whether there is ciphertext that the system did not take yet.
        needs_input: Whether the last `send` has to wait until something can be read.
    """

    __slots__ = (
        "_layer",
        "_poll",
        "_sent",
        "_unsent",
        "has_unsent",
        "is_broken",
        "is_closed",
        "is_reading",
        "is_writing",
        "needs_input",
        "sock",
    )

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.is_closed = False
        self.is_reading = False
        self.is_writing = False
        self.is_broken = False
        self.has_unsent = False
        self.needs_input = False
        self._layer: TLSLayer | None = None
        self._unsent = _NOTHING
        # How much of the write that is under way is done with.
        self._sent = 0
        self._poll: select.poll | None = None

    def begin_read(self, max_bytes: int) -> None:
        """Marks the beginning of a read.

        Raises:
            ReadError: The channel is closed, or another read is under way.
            ValueError: `max_bytes` is less than 1.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, but has to be at least 1")
        if self.is_closed:
            raise ReadError(_CLOSED)
        if self.is_reading:
            raise ReadError("another task is reading this stream")
        self.is_reading = True

    def begin_write(self) -> None:
        """Marks the beginning of a write.

        Raises:
            WriteError: The channel is closed, an earlier write has failed, or another one
                is under way.
        """
        if self.is_closed:
            raise WriteError(_CLOSED)
        if self.is_broken:
            raise WriteError("an earlier write failed, and may have sent a part")
        if self.is_writing:
            raise WriteError("another task is writing to this stream")
        self.is_writing = True
        self._sent = 0

    def begin_wait(self) -> None:
        """Marks the beginning of a wait for room, which takes the place of a write.

        Raises:
            WriteError: The channel is closed, or a write is under way.
        """
        if self.is_closed:
            raise WriteError(_CLOSED)
        if self.is_writing:
            raise WriteError("another task is writing to this stream")
        self.is_writing = True

    def what_is_ready(self) -> bool | None:
        """Returns True if there is room for a write, False if there is something to read.

        None if there is neither. What can be read is left to the read that is under way.
        """
        if self.is_writable():
            return True
        if not self.is_reading and self.is_readable():
            return False
        return None

    def receive(self, max_bytes: int) -> bytes | None:
        """Returns what has come.

        Returns:
            1 to `max_bytes` bytes; `b""` at the end of the stream; None if that means to
            wait until the socket can be read.

        Raises:
            ReadError: The connection has failed, or is closed.
        """
        try:
            if self._layer is None:
                return self.sock.recv(max_bytes)
            return self._receive_through(self._layer, max_bytes)
        except BlockingIOError:
            return None
        except (OSError, ValueError) as exc:
            raise self.read_failure(exc) from exc

    def _receive_through(self, layer: TLSLayer, max_bytes: int) -> bytes | None:
        while (octets := layer.decrypt(max_bytes)) is None:
            self._answer()
            layer.receive(self.sock.recv(_CHUNK))
        self._answer()
        return octets

    def _answer(self) -> None:
        """Sends what the TLS layer itself has to say, as far as that costs no waiting."""
        # A connection that fails here is told by the next receive or send.
        with contextlib.suppress(OSError):
            self._flush()

    def has_input(self) -> bool:
        """Returns whether something is here that the socket knows nothing of any more."""
        return self._layer is not None and self._layer.has_input()

    def send(self, octets: "bytes | memoryview") -> bool:
        """Sends what the system takes of the bytes that are left of this write.

        Args:
            octets: The same at each call since `begin_write`.

        Returns:
            Whether all is sent. If not, call again when the socket can be written, or, if
            `needs_input`, read.

        Raises:
            WriteError: The connection has failed, or is closed.
        """
        try:
            if self._layer is not None:
                return self._send_through(self._layer, octets)
            if not self._sent:
                self._sent = self.sock.send(octets)
            else:
                with memoryview(octets) as view, view[self._sent :] as rest:
                    self._sent += self.sock.send(rest)
            return self._sent == len(octets)
        except BlockingIOError:
            return False
        except (OSError, ValueError) as exc:
            raise self.write_failure(exc) from exc

    def _send_through(self, layer: TLSLayer, octets: "bytes | memoryview") -> bool:
        self.needs_input = False
        with memoryview(octets) as view:
            end = min(len(view), self._sent + _BURST)
            while self._flush() and self._sent < end:
                with view[self._sent : min(self._sent + _CHUNK, end)] as piece:
                    count = layer.encrypt(piece)
                self._sent += count
                # What has come is the reader's, if there is one: it waits for the socket.
                if not count and (self.is_reading or not self._receive_for(layer)):
                    self.needs_input = True
                    return False
            return self._sent == len(view) and not self.has_unsent

    def _receive_for(self, layer: TLSLayer) -> bool:
        """Gives the layer what has come; whether there was anything."""
        try:
            layer.receive(self.sock.recv(_CHUNK))
        except BlockingIOError:
            return False
        return True

    def _flush(self) -> bool:
        """Sends the ciphertext that is due; whether the system took all of it."""
        layer = self._layer
        while layer is not None:
            if not self._unsent:
                self._unsent = memoryview(layer.take_ciphertext())
                if not self._unsent:
                    break
            self.has_unsent = True
            try:
                sent = self.sock.send(self._unsent)
            except BlockingIOError:
                return False
            except OSError:
                # Nobody shall wait until the rest can be sent.
                self._unsent = _NOTHING
                self.has_unsent = False
                raise
            self._unsent = self._unsent[sent:]
        self.has_unsent = False
        return True

    def begin_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None) -> None:
        """Puts a TLS layer over the ones that are there; `shake_hands` comes next.

        Marks the beginning of a read and of a write.

        Raises:
            ConnectError: The channel is closed, or in use, no host can have this name, or
                the context needs one.
        """
        if self.is_closed:
            raise ConnectError(_CLOSED)
        if self.is_reading or self.is_writing:
            raise ConnectError("another task is using this stream")
        self.is_reading = self.is_writing = True
        try:
            self._layer = TLSLayer(ssl_context, server_hostname, self._layer)
        except (OSError, ValueError) as exc:
            raise self.handshake_failure(exc) from exc

    def shake_hands(self) -> bool:
        """Goes on with the handshake.

        Returns:
            Whether it is over. If not, wait until the socket can be read, or, if
            `has_unsent`, written.

        Raises:
            ConnectError: It failed.
        """
        layer = self._layer
        assert layer is not None
        try:
            while not layer.shake_hands():
                if not self._flush():
                    return False
                layer.receive(self.sock.recv(_CHUNK))
            return self._flush()
        except BlockingIOError:
            return False
        except (OSError, ValueError) as exc:
            # The alert that tells the peer why.
            self._answer()
            raise self.handshake_failure(exc) from exc

    def close(self) -> None:
        """Closes the socket. Who waits for it has to be woken before."""
        self.is_closed = True
        # OSError: the system has noticed only now that something went wrong.
        with contextlib.suppress(OSError):
            self.sock.close()

    def read_failure(self, exc: Exception) -> ReadError:
        """Returns what to raise for a failed read, or a failed wait for one."""
        return ReadError(self._describe(exc))

    def write_failure(self, exc: Exception) -> WriteError:
        """Returns what to raise for a failed write, or a failed wait for one."""
        return WriteError(self._describe(exc))

    def handshake_failure(self, exc: Exception) -> ConnectError:
        """Returns what to raise for a failed handshake, or a failed wait in one."""
        if self.is_closed:
            return ConnectError(_CLOSED)
        return ConnectError(f"the TLS handshake failed: {self._describe(exc)}")

    def _describe(self, exc: Exception) -> str:
        return _CLOSED if self.is_closed else str(exc) or type(exc).__name__

    def is_readable(self) -> bool:
        """Returns whether a read would return at once, with bytes, the end or an error."""
        if self.is_closed:
            return True
        layer = self._layer
        if layer is None:
            return self._has_arrived()
        while not layer.is_readable():
            if not self._has_arrived():
                return False
            if self.is_reading:
                # What has arrived is the reader's, who waits for the socket to say so.
                return True
            try:
                layer.receive(self.sock.recv(_CHUNK))
            except BlockingIOError:
                return False
            except OSError:
                return True
        return True

    def _has_arrived(self) -> bool:
        try:
            if self._poll is None:
                self._poll = select.poll()
                self._poll.register(self.sock, select.POLLIN)
            return bool(self._poll.poll(0))
        # AttributeError: no poll on this platform.
        except (AttributeError, OSError, ValueError):
            return is_socket_readable(self.sock)

    def is_writable(self) -> bool:
        """Returns whether a write of 16 kB would return at once."""
        try:
            return self._flush() and is_socket_writable(self.sock)
        except OSError:
            # Told by the write.
            return True

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection; see `NetworkStream.get_extra_info`."""
        if info == "is_readable":
            return self.is_readable()
        if self.is_closed:
            return None
        if info == "is_writable":
            return self.is_writable()
        if info == "socket":
            return self.sock
        if info == "ssl_object":
            return None if self._layer is None else self._layer.ssl_object
        with contextlib.suppress(OSError):
            if info == "client_addr":
                return self.sock.getsockname()
            if info == "server_addr":
                return self.sock.getpeername()
        return None
