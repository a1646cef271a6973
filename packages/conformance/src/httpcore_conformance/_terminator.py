"""A thread that takes the TLS off a connection, and puts it on."""

import contextlib
import selectors
import socket
import ssl
import threading

_CHUNK = 65536

_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Terminator(threading.Thread):
    """The server of a TLS connection: encrypted on one socket, plain on the other.

    Args:
        encrypted: Accepted; belongs to the thread from now on.
        plain: What is read from the one is written to the other. Likewise.
        context: The server's.
    """

    def __init__(
        self, encrypted: socket.socket, plain: socket.socket, context: ssl.SSLContext
    ) -> None:
        super().__init__(name="TLS server", daemon=True)
        self._encrypted, self._plain, self._context = encrypted, plain, context

    def run(self) -> None:
        """Shakes hands, and moves bytes until one side has ended."""
        with self._plain, self._encrypted, contextlib.suppress(OSError):
            self._encrypted.settimeout(10)
            tls = self._context.wrap_socket(self._encrypted, server_side=True)
            with tls, selectors.DefaultSelector() as selector:
                tls.settimeout(0)
                self._plain.settimeout(0)
                selector.register(tls, selectors.EVENT_READ)
                selector.register(self._plain, selectors.EVENT_READ)
                _Pump(tls, self._plain, selector).run()
                with contextlib.suppress(ssl.SSLWantReadError):
                    # The farewell, without waiting for an answer.
                    tls.unwrap()


class _Pump:
    """Bytes on their way between two sockets, in both directions."""

    def __init__(
        self, tls: ssl.SSLSocket, plain: socket.socket, selector: selectors.BaseSelector
    ) -> None:
        self._tls, self._plain, self._selector = tls, plain, selector
        self._inwards = self._outwards = b""

    def run(self) -> None:
        """Moves bytes until one side has ended."""
        while True:
            if self._inwards or not self._tls.pending():
                self._wait()
            try:
                self._move_inwards()
                self._move_outwards()
            except EOFError:
                return

    def _wait(self) -> None:
        # A full direction waits for its target, and an empty one for its source.
        for sock, source, target in (
            (self._tls, self._inwards, self._outwards),
            (self._plain, self._outwards, self._inwards),
        ):
            events = selectors.EVENT_READ * (not source) | selectors.EVENT_WRITE * bool(target)
            with contextlib.suppress(KeyError):
                self._selector.unregister(sock)
            if events:
                self._selector.register(sock, events)
        self._selector.select()

    def _move_inwards(self) -> None:
        with contextlib.suppress(*_WOULD_BLOCK):
            if self._inwards:
                self._inwards = self._inwards[self._plain.send(self._inwards) :]
            else:
                self._inwards = self._tls.recv(_CHUNK) or _end()

    def _move_outwards(self) -> None:
        with contextlib.suppress(*_WOULD_BLOCK):
            if self._outwards:
                self._outwards = self._outwards[self._tls.send(self._outwards) :]
            else:
                self._outwards = self._plain.recv(_CHUNK) or _end()


def _end() -> bytes:
    raise EOFError
