"""A small server of our own, in a process of its own: `python -m tools.bench.embedded N`.

It serves what nginx cannot be asked for: uploads that are read to their last
byte before the answer (nginx answers first, and drops the body 4 kB at a
time), and N origins for idle connections. Where nginx is missing, it serves
the rest too. It understands what the clients send, no more.

It prints one line of JSON, the port and the ports of the idle origins, and
ends when its standard input does, so it cannot outlive the runner.
"""

import json
import re
import resource
import selectors
import socket
import sys
from dataclasses import dataclass, field

from tools.bench.scenarios import LARGE, SMALL

BUFFER = 1 << 20
HEAD_LIMIT = 64 * 1024
BULK_SECONDS = 60.0
BACKLOG = 4096
"""All connections of a scenario come at once; one too many waits a second."""

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect: *100-continue\r\n", re.IGNORECASE)


def make_head(length: int) -> bytes:
    """Build the head of a 200 with `length` body bytes."""
    fields = f"Content-Type: application/octet-stream\r\nContent-Length: {length}"
    return f"HTTP/1.1 200 OK\r\nServer: bench\r\n{fields}\r\n\r\n".encode()


SMALL_RESPONSE = make_head(SMALL) + bytes(SMALL)


@dataclass(slots=True)
class Connection:
    """An accepted socket and what came of a head so far."""

    sock: socket.socket
    received: bytes = b""


@dataclass(slots=True)
class Server:
    """One selector over all sockets.

    Large bodies are moved by blocking calls, which hold up everyone else: only one
    client at a time moves any.
    """

    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    buffer: bytearray = field(default_factory=lambda: bytearray(BUFFER))
    large: bytes = field(default_factory=lambda: bytes(LARGE))

    def listen(self) -> int:
        """Listen on a free port of the loopback, and return it."""
        sock = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        sock.setblocking(False)
        self.selector.register(sock, selectors.EVENT_READ, None)
        port: int = sock.getsockname()[1]
        return port

    def serve(self, until: int) -> None:
        """Serve until the file descriptor `until` is at its end."""
        self.selector.register(until, selectors.EVENT_READ, None)
        while True:
            for key, _ in self.selector.select():
                if key.fd == until:
                    return
                if isinstance(key.data, Connection):
                    self._receive(key.data)
                elif isinstance(key.fileobj, socket.socket):
                    self._accept(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(sock, selectors.EVENT_READ, Connection(sock))

    def _receive(self, connection: Connection) -> None:
        try:
            received = connection.sock.recv(HEAD_LIMIT)
            connection.received += received
            end = connection.received.find(b"\r\n\r\n")
            is_over = not received or (end < 0 and len(connection.received) > HEAD_LIMIT)
            if not is_over and end >= 0:
                self._answer(connection, end + 4)
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if is_over:
            self.selector.unregister(connection.sock)
            connection.sock.close()

    def _answer(self, connection: Connection, end: int) -> None:
        head, rest = connection.received[:end], connection.received[end:]
        connection.received = b""
        if head.startswith(b"GET /large "):
            self._send_large(connection.sock)
        elif head.startswith(b"GET "):
            connection.sock.sendall(SMALL_RESPONSE)
        elif match := _CONTENT_LENGTH.search(head):
            self._take_upload(connection.sock, head, int(match[1]), len(rest))
        else:
            raise OSError("a body without Content-Length")

    def _send_large(self, sock: socket.socket) -> None:
        sock.settimeout(BULK_SECONDS)
        sock.sendall(make_head(len(self.large)))
        sock.sendall(self.large)
        sock.setblocking(False)

    def _take_upload(self, sock: socket.socket, head: bytes, length: int, count: int) -> None:
        sock.settimeout(BULK_SECONDS)
        if _EXPECT.search(head):
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while count < length:
            received = sock.recv_into(self.buffer)
            if not received:
                raise OSError("the client closed the connection within a body")
            count += received
        # The answer says how much came, so that the client can check it.
        body = str(count).encode()
        sock.sendall(make_head(len(body)) + body)
        sock.setblocking(False)


def main() -> None:
    """Serve until standard input ends."""
    count = int(sys.argv[1])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = Server()
    port = server.listen()
    idle = [server.listen() for _ in range(count)]
    print(json.dumps({"port": port, "idle": idle}), flush=True)
    server.serve(until=sys.stdin.fileno())


if __name__ == "__main__":
    main()
