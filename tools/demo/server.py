"""The embedded server: HTTP/1.1 on the loopback, plain and TLS, a thread per connection.

It knows what the demo asks of it, and answers 404 or 400 to the rest.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import trustme

SMALL = 512
CHUNKED = 256 * 1024
LARGE = 4 * 1024 * 1024

_CHUNK = 16 * 1024
_HEAD_LIMIT = 64 * 1024
_SECONDS = 30.0
_LENGTH = re.compile(rb"^content-length: *(\d+) *$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is found, and how to trust it.

    Args:
        plain_url: The URL of the plain port, without a slash at the end.
        tls_url: That of the TLS port.
        authority: The certificate authority that signed the server's certificate.
    """

    plain_url: str
    tls_url: str
    authority: trustme.CA

    def make_context(self) -> ssl.SSLContext:
        """Return a client's context that trusts the server and nobody else."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@contextmanager
def running_server(authority: trustme.CA) -> Iterator[Address]:
    """Serve on two free ports within the block; the authority signs the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    with _listening(_keep_plain) as plain, _listening(_make_wrap(context)) as tls:
        yield Address(f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}", authority)


def _keep_plain(sock: socket.socket) -> socket.socket:
    return sock


def _make_wrap(context: ssl.SSLContext) -> "Callable[[socket.socket], socket.socket]":
    return lambda sock: context.wrap_socket(sock, server_side=True)


@contextmanager
def _listening(wrap: Callable[[socket.socket], socket.socket]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, wrap), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            # A close alone does not wake a thread that waits in accept.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(_SECONDS)


def _accept(listener: socket.socket, wrap: Callable[[socket.socket], socket.socket]) -> None:
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(sock, wrap), daemon=True).start()


def _serve(sock: socket.socket, wrap: Callable[[socket.socket], socket.socket]) -> None:
    # A client that goes away, or does not trust us, ends its own connection only.
    with suppress(OSError), sock:
        sock.settimeout(_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with wrap(sock) as stream:
            received = b""
            while True:
                while b"\r\n\r\n" not in received and len(received) < _HEAD_LIMIT:
                    more = stream.recv(_HEAD_LIMIT)
                    if not more:
                        return
                    received += more
                head, _, rest = received.partition(b"\r\n\r\n")
                body, received = _read_body(stream, head, rest)
                stream.sendall(answer(head, body))


def _read_body(stream: socket.socket, head: bytes, received: bytes) -> tuple[bytes, bytes]:
    """Return the request's body and what came after it."""
    match = _LENGTH.search(head.replace(b"\r\n", b"\n"))
    length = int(match[1]) if match else 0
    body = bytearray(received)
    while len(body) < length:
        more = stream.recv(_CHUNK)
        if not more:
            raise ConnectionError("the client left within its body")
        body += more
    return bytes(body[:length]), bytes(body[length:])


def answer(head: bytes, body: bytes) -> bytes:
    """Return the whole response to a request."""
    words = head.split(b" ", 2)
    if len(words) != 3:
        return _make_response("400 Bad Request", b"")
    match bytes(words[0]), bytes(words[1]):
        case b"GET", b"/small":
            return _make_response("200 OK", bytes(SMALL))
        case b"GET", b"/chunked":
            return _make_chunked(bytes(CHUNKED))
        case b"GET", b"/large":
            return _make_response("200 OK", bytes(LARGE))
        case b"POST", b"/echo":
            return _make_response("200 OK", body)
        case _:
            return _make_response("404 Not Found", b"")


def _make_response(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nServer: demo\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _make_chunked(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nServer: demo\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return b"".join([head, *chunks, b"0\r\n\r\n"])
