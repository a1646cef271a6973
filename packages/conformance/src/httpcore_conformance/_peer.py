"""The other end of a connection, in the hands of the check."""

import collections.abc
import contextlib
import socket
import ssl
import struct
import threading
import types
import typing

from ._terminator import Terminator

_RESET = struct.pack("ii", 1, 0)


class Peer:
    """A plain socket, whatever the encryption on the connection.

    Args:
        sock: Accepted.
        patience: Seconds after which a call has failed.

    Attributes:
        sock: What the client sends can be received here, and the reverse.
        client_address: That of the client's socket.
    """

    def __init__(self, sock: socket.socket, patience: float) -> None:
        self._patience = patience
        self._terminators: list[Terminator] = []
        self.sock = sock
        self.client_address: object = sock.getpeername()
        sock.settimeout(patience)

    def terminate_tls(self, context: ssl.SSLContext) -> None:
        """Puts a TLS server in front: it shakes hands as soon as the client does."""
        theirs, ours = socket.socketpair()
        ours.settimeout(self._patience)
        terminator = Terminator(self.sock, theirs, context)
        self.sock = ours
        self._terminators.append(terminator)
        terminator.start()

    @property
    def layers(self) -> int:
        """How many layers of TLS there are."""
        return len(self._terminators)

    def send(self, octets: bytes) -> None:
        """Sends all of some bytes."""
        self.sock.sendall(octets)

    def receive(self, size: int) -> bytes:
        """Receives so many bytes.

        Raises:
            AssertionError: The stream ends before, or nothing comes.
        """
        received = bytearray()
        while len(received) < size:
            try:
                piece = self.sock.recv(min(size - len(received), 1024 * 1024))
            except OSError as exc:
                raise AssertionError(
                    f"the peer got {len(received)} of {size} bytes, and then {exc!r}"
                ) from exc
            assert piece, f"the peer got {len(received)} of {size} bytes, and then the end"
            received += piece
        return bytes(received)

    def sees_end(self) -> bool:
        """Waits for the end of the stream, or a reset; whether it came."""
        try:
            while self.sock.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def end(self) -> None:
        """Ends the stream in the direction to the client."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Breaks the connection off, so that the client's system calls fail."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.sock.close()

    def close(self) -> None:
        """Closes the connection."""
        # The innermost first: that is what ends the threads, whatever they do.
        self.sock.close()
        for terminator in reversed(self._terminators):
            terminator.join(self._patience)


class Listener:
    """A server that accepts when it is told to.

    Args:
        sock: Listens.
        patience: Seconds after which a call has failed.

    Attributes:
        sock: The same.
    """

    def __init__(self, sock: socket.socket, patience: float) -> None:
        self.sock = sock
        self._patience = patience
        self._peers: list[Peer] = []
        sock.settimeout(patience)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: host and port."""
        host, port, *_ = self.sock.getsockname()
        return host, port

    def accept(self) -> Peer:
        """Accepts a connection, which has to be there or to come."""
        try:
            sock, _ = self.sock.accept()
        except TimeoutError as exc:
            raise AssertionError("no connection has reached the server") from exc
        peer = Peer(sock, self._patience)
        self._peers.append(peer)
        return peer

    def accept_all(self) -> list[Peer]:
        """Accepts the connections that are there, without waiting."""
        self.sock.settimeout(0)
        peers = []
        with contextlib.suppress(BlockingIOError):
            while True:
                peers.append(self.accept())
        self.sock.settimeout(self._patience)
        return peers

    def close(self) -> None:
        """Closes the server and its connections."""
        for peer in self._peers:
            peer.close()
        self.sock.close()


class InBackground(threading.Thread):
    """What a peer does while the check goes on. Used in a `with` block.

    Args:
        function: What it does. Nothing that it raises is lost.
    """

    def __init__(self, function: collections.abc.Callable[[], None]) -> None:
        super().__init__(name="peer", daemon=True)
        self._function = function
        self._error: BaseException | None = None

    def run(self) -> None:
        """Does it."""
        try:
            self._function()
        except BaseException as exc:  # noqa: BLE001 - raised where it is awaited
            self._error = exc

    def __enter__(self) -> typing.Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        if exc_type is not None:
            # The more telling failure; the thread ends with its socket.
            return
        self.join()
        if self._error is not None:
            raise self._error
