"""A TLS server between buffers: the other end of a layer."""

import contextlib
import ssl

from httpcore_interface import TLSLayer


class MemoryServer:
    """The other end: bytes in, bytes out, and other servers around it."""

    def __init__(self, context: ssl.SSLContext, outer: "MemoryServer | None" = None) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.outer = outer
        self.received = b""

    def receive(self, ciphertext: bytes) -> None:
        if self.outer is not None:
            self.outer.receive(ciphertext)
            ciphertext, self.outer.received = self.outer.received, b""
        self.incoming.write(ciphertext)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            while octets := self.tls.read(65536):
                self.received += octets

    def take(self) -> bytes:
        ciphertext = self.outgoing.read()
        if self.outer is None:
            return ciphertext
        if ciphertext:
            self.outer.tls.write(ciphertext)
        return self.outer.take()

    def send(self, octets: bytes) -> bytes:
        self.tls.write(octets)
        return self.take()


def shake_hands(layer: TLSLayer, server: MemoryServer, size: int = 65536) -> None:
    """Carries ciphertext to and fro, in pieces, until both ends are content."""
    is_over = False
    while not is_over:
        is_over = layer.shake_hands()
        server.receive(layer.take_ciphertext())
        answer = server.take()
        for start in range(0, len(answer), size):
            layer.receive(answer[start : start + size])
            is_over = layer.shake_hands()
            server.receive(layer.take_ciphertext())
