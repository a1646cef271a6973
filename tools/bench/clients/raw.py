"""The floor: a loop over one blocking socket.

A request that was built beforehand, `sendall`, then `recv` of at most 64 KiB
until the head and Content-Length bytes have come.
"""

import socket

from tools.bench.framing import RECEIVE, RawRequest, measure_body
from tools.bench.measure import Operation, main
from tools.bench.task import Task


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
            length, start = measure_body(received)
            while len(received) < start + length:
                received += _receive(sock)
            return len(received[start:])

        return operation

    def download(self, url: str) -> Operation:
        sock, request = self._open("GET", url)

        def operation() -> int:
            sock.sendall(request)
            received = _receive_head(sock)
            length, start = measure_body(received)
            count = len(received) - start
            while count < length:
                count += len(_receive(sock))
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        sock, request = self._open("POST", url, body)

        def operation() -> int:
            sock.sendall(request)
            sock.sendall(body)
            received = _receive_head(sock)
            length, start = measure_body(received)
            while len(received) < start + length:
                received += _receive(sock)
            return int(received[start:])

        return operation

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()

    def _open(
        self, method: str, url: str, body: bytes | None = None
    ) -> tuple[socket.socket, bytes]:
        request = RawRequest.of(method, url, body)
        sock = socket.create_connection((request.host, request.port), timeout=60)
        sock.settimeout(self._timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(sock)
        return sock, request.head


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


if __name__ == "__main__":
    main(RawClient)
