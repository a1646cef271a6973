"""The floor: a loop over one blocking socket.

A request that was built beforehand, `sendall`, then `recv` of at most 64 KiB
until the head and Content-Length bytes have come. It parses two things, the
end of the head and Content-Length, and trusts the server in all else.
"""

import re
import socket
from urllib.parse import urlsplit

from tools.bench.measure import Operation, Task, main

RECEIVE = 64 * 1024

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class RawClient:
    """Sockets without a client."""

    def __init__(self, task: Task) -> None:
        self._timeout = task.timeout
        self._sockets: list[socket.socket] = []

    def get(self, url: str) -> Operation:
        sock, request = self._open("GET", url)

        def operation() -> int:
            sock.sendall(request)
            received = _receive_head(sock)
            length, start = _measure_body(received)
            while len(received) < start + length:
                received += _receive(sock)
            return len(received[start:])

        return operation

    def download(self, url: str) -> Operation:
        sock, request = self._open("GET", url)

        def operation() -> int:
            sock.sendall(request)
            received = _receive_head(sock)
            length, start = _measure_body(received)
            count = len(received) - start
            while count < length:
                count += len(_receive(sock))
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        sock, request = self._open("POST", url, f"Content-Length: {len(body)}\r\n")

        def operation() -> int:
            sock.sendall(request)
            sock.sendall(body)
            received = _receive_head(sock)
            length, start = _measure_body(received)
            while len(received) < start + length:
                received += _receive(sock)
            return int(received[start:])

        return operation

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()

    def _open(self, method: str, url: str, fields: str = "") -> tuple[socket.socket, bytes]:
        parts = urlsplit(url)
        sock = socket.create_connection((parts.hostname, parts.port or 80), timeout=60)
        sock.settimeout(self._timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(sock)
        head = f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{fields}\r\n"
        return sock, head.encode()


def _receive(sock: socket.socket) -> bytes:
    received = sock.recv(RECEIVE)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received


def _receive_head(sock: socket.socket) -> bytes:
    received = _receive(sock)
    while b"\r\n\r\n" not in received:
        received += _receive(sock)
    return received


def _measure_body(received: bytes) -> tuple[int, int]:
    """Return the length of the body and where it begins."""
    match = _CONTENT_LENGTH.search(received)
    if match is None:
        raise ValueError("no Content-Length in the response")
    return int(match[1]), received.index(b"\r\n\r\n") + 4


if __name__ == "__main__":
    main(RawClient)
