"""A backend on the interface alone, and a request: `python own_backend.py HOST PORT`."""

import socket
import sys
from collections.abc import Iterable

from httpcore_interface import (
    SOCKET_OPTION,
    ConnectError,
    NetworkBackend,
    NetworkStream,
    ReadError,
    WriteError,
)


class PlainStream(NetworkStream):
    """A connected socket.

    Args:
        sock: Which it closes in the end.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come."""
        self._sock.settimeout(timeout)
        try:
            return self._sock.recv(max_bytes)
        except OSError as exc:
            raise ReadError(str(exc)) from exc

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        self._sock.settimeout(timeout)
        try:
            self._sock.sendall(buffer)
        except OSError as exc:
            raise WriteError(str(exc)) from exc

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


class PlainBackend(NetworkBackend):
    """Connects by TCP, and does nothing else."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        """Return a connected stream."""
        try:
            return PlainStream(socket.create_connection((host, port), timeout))
        except OSError as exc:
            raise ConnectError(str(exc)) from exc


def main() -> None:
    """Send a request, and read its response to the end of the head."""
    host, port = sys.argv[1:]
    stream = PlainBackend().connect_tcp(host, int(port), timeout=10.0)
    try:
        stream.write(b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n", timeout=10.0)
        received = b""
        while b"\r\n\r\n" not in received:
            more = stream.read(4096, timeout=10.0)
            if not more:
                raise SystemExit(f"the server closed after {len(received)} bytes")
            received += more
    finally:
        stream.close()
    if not received.startswith(b"HTTP/1.1 200 OK\r\n"):
        raise SystemExit(f"{received[:80]!r} came back")


if __name__ == "__main__":
    main()
