"""A server that does on each connection exactly what a script says.

A script is a plain function that gets a `Conversation`. It runs in a thread of its
own, and every operation in it has a deadline. Whatever a script raises is raised
again when the peer is closed, and so is a connection that the client never closed.
"""

import collections.abc
import contextlib
import dataclasses
import os
import select
import socket
import ssl
import struct
import threading
import typing

from .deadlines import DEADLINE
from .messages import ReceivedRequest, parse_field, parse_head

Script = typing.Callable[["Conversation"], None]
NewContext = typing.Callable[[], ssl.SSLContext]


class ClientGoneError(Exception):
    """The client closed the connection where the script expected more of it."""


class Conversation:
    """One accepted connection, in the hands of a script."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        sock.settimeout(DEADLINE)
        if sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._pending = bytearray()
        self._has_ended = False
        self.number = number
        """0 for the peer's first connection."""
        self.client_address: tuple[str, int] | str = sock.getpeername()
        self.server_name: str | None = None
        """What the client asked for by SNI."""
        self.received = bytearray()
        """All that came, but for what `wait_eof` threw away."""
        self.requests: list[ReceivedRequest] = []
        """Every request of which at least the head came."""

    # Reading

    def receive(self, count: int) -> bytes:
        """Reads exactly `count` bytes."""
        while len(self._pending) < count:
            self._fill()
        return self._take(count)

    def receive_line(self) -> bytes:
        """Reads up to CRLF, and leaves it out."""
        return self._receive_until(b"\r\n")[:-2]

    def receive_head(self) -> ReceivedRequest:
        """Reads a request's head, and nothing of its body."""
        request = parse_head(self._receive_until(b"\r\n\r\n"))
        self.requests.append(request)
        return request

    def receive_body(self, request: ReceivedRequest) -> ReceivedRequest:
        """Reads the body that `request` announced."""
        if request.is_chunked:
            body = b"".join(self._receive_chunks())
            trailers = [parse_field(line) for line in iter(self.receive_line, b"")]
        else:
            body, trailers = self.receive(request.content_length), []
        whole = dataclasses.replace(request, body=body, trailers=trailers)
        self.requests[-1] = whole
        return whole

    def receive_request(self) -> ReceivedRequest:
        """Reads a request, head and body."""
        return self.receive_body(self.receive_head())

    def each_request(self) -> collections.abc.Iterator[ReceivedRequest]:
        """Reads requests until the client closes the connection between two of them."""
        while self.has_more():
            yield self.receive_request()

    def has_more(self) -> bool:
        """Waits until there is something to read, or nothing any more."""
        try:
            if not self._pending:
                self._fill()
        except ClientGoneError:
            return False
        return True

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        self._sock.settimeout(seconds)
        try:
            self._fill()
        except TimeoutError:
            return not self._pending
        except ClientGoneError:
            return False
        finally:
            self._sock.settimeout(DEADLINE)
        return False

    def receive_some(self, seconds: float) -> bytes | None:
        """Reads what there is: `b""` at the end, None if nothing comes for so long."""
        self._sock.settimeout(seconds)
        try:
            return self._read()
        except TimeoutError:
            return None
        finally:
            if self.is_open:
                self._sock.settimeout(DEADLINE)

    def wait_eof(self) -> int:
        """Reads on until the client has closed; returns how many bytes were thrown away."""
        discarded = len(self._pending)
        self._pending.clear()
        while part := self._read():
            discarded += len(part)
        return discarded

    def discard(self, count: int) -> None:
        """Reads `count` bytes, and keeps no record of them."""
        left = count - len(self._take(count))
        while left:
            part = self._read(min(left, 262_144))
            if not part:
                raise ClientGoneError(f"connection {self.number}, {left} bytes too early")
            left -= len(part)

    # Writing

    def send(self, content: bytes) -> None:
        self._sock.sendall(content)

    def send_singly(self, content: bytes) -> None:
        """Sends each byte by itself."""
        for number in range(len(content)):
            self._sock.sendall(content[number : number + 1])

    def send_until_gone(self, content: bytes) -> None:
        """Sends the same bytes again and again until the client closes the connection."""
        try:
            for _ in range(1_000_000_000 // len(content)):
                self._sock.sendall(content)
        except (ConnectionError, ssl.SSLError):
            return
        raise AssertionError("the client took a gigabyte and still holds the connection")

    def relay(self, address: tuple[str, int]) -> None:
        """Passes on what comes, to a peer and back, until one of both ends.

        To make it simple it passes on one way at a time: neither may wait until the
        other has read much.
        """
        with socket.create_connection(address, DEADLINE) as beyond:
            beyond.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            beyond.sendall(self._take(len(self._pending)))
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while self._pass_on(beyond):
                    pass

    # TLS and endings

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Performs a handshake as the server."""

        def note(_sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            self.server_name = name

        context.sni_callback = note
        self._sock = context.wrap_socket(self._sock, server_side=True)

    @property
    def is_open(self) -> bool:
        """Whether our end is open."""
        return self._sock.fileno() >= 0

    def negotiated_protocol(self) -> str | None:
        """What ALPN agreed on."""
        assert isinstance(self._sock, ssl.SSLSocket)
        return self._sock.selected_alpn_protocol()

    def half_close(self) -> None:
        """Ends our direction; the client's stays open."""
        self._say_goodbye()
        # The client may have read the goodbye, and have gone.
        _ignoring(lambda: self._sock.shutdown(socket.SHUT_WR))

    def close(self) -> None:
        """Closes in good order, over TLS with its closing message; twice does no harm."""
        self._say_goodbye()
        self._sock.close()

    def cut(self) -> None:
        """Closes the TCP connection, over TLS without its closing message."""
        self._sock.close()

    def reset(self) -> None:
        """Closes with a TCP reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def interrupt(self) -> None:
        """Ends the waiting of a script that nobody answers any more."""
        _ignoring(lambda: self._sock.shutdown(socket.SHUT_RDWR))

    # Details

    def _pass_on(self, beyond: socket.socket) -> bool:
        ends = [self._sock, beyond]
        # What TLS has decrypted is in no socket any more.
        is_pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        readable = [self._sock] if is_pending else select.select(ends, [], [], DEADLINE)[0]
        assert readable, "neither end has said a word"
        for sock in readable:
            part = sock.recv(65_536)
            if not part:
                return False
            ends[sock is self._sock].sendall(part)
        return True

    def _say_goodbye(self) -> None:
        is_open = self._sock.fileno() >= 0
        if is_open and isinstance(self._sock, ssl.SSLSocket) and not self._has_ended:
            self._has_ended = True
            # This sends our closing message, and would then wait for the client's.
            self._sock.setblocking(False)
            _ignoring(self._sock.unwrap)
            self._sock.settimeout(DEADLINE)

    def _receive_until(self, end: bytes) -> bytes:
        while (found := self._pending.find(end)) < 0:
            self._fill()
        return self._take(found + len(end))

    def _receive_chunks(self) -> collections.abc.Iterator[bytes]:
        while size := int(self.receive_line(), 16):
            yield self.receive(size)
            assert self.receive_line() == b"", "a chunk is longer than its size"

    def _take(self, count: int) -> bytes:
        taken = bytes(self._pending[:count])
        del self._pending[:count]
        return taken

    def _fill(self) -> None:
        part = self._read()
        if not part:
            raise ClientGoneError(f"connection {self.number}, after {len(self.received)} bytes")
        self.received += part
        self._pending += part

    def _read(self, limit: int = 262_144) -> bytes:
        try:
            return self._sock.recv(limit)
        except (ConnectionError, ssl.SSLError):
            return b""


class ScriptedPeer:
    """Accepts connections, and plays a script on each.

    Args:
        scripts: One for all connections; or several, one for each, in the order in
            which they are accepted, and then a further connection is an error.
        tls: Makes a context for each connection; without it the peer is plain.
        host: Where to listen.
        path: Where to listen instead, as a Unix socket.
    """

    def __init__(
        self,
        *scripts: Script,
        tls: NewContext | None = None,
        host: str = "127.0.0.1",
        path: str | None = None,
    ) -> None:
        self._scripts = scripts
        self._tls = tls
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._is_closing = False
        self.connections: list[Conversation] = []
        self._listener = _listen(host, path)
        self._address: str | tuple[str, int] = self._listener.getsockname()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def accepted(self) -> int:
        """The number of connections so far."""
        return len(self.connections)

    @property
    def open_ends(self) -> int:
        """The number of connections of which our end is open."""
        return sum(conn.is_open for conn in list(self.connections))

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request so far, connection by connection."""
        return [request for conn in self.connections for request in conn.requests]

    @property
    def port(self) -> int:
        assert not isinstance(self._address, str)
        return self._address[1]

    def url(self, target: str = "/", *, scheme: str | None = None) -> str:
        """An address on this peer."""
        if scheme is None:
            scheme = "https" if self._tls else "http"
        if isinstance(self._address, str):
            return f"{scheme}://localhost{target}"
        host = self._address[0]
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}{target}"

    def close(self) -> None:
        """Stops; raises what a script raised, or that a connection was left open."""
        self._is_closing = True
        with socket.socket(self._listener.family) as waker:
            waker.connect(self._address)
        self._acceptor.join(DEADLINE)
        self._listener.close()
        for conn, thread in zip(self.connections, self._threads, strict=True):
            thread.join(DEADLINE)
            if thread.is_alive():
                conn.interrupt()
                thread.join(DEADLINE)
                self._errors.append(AssertionError(f"left open: connection {conn.number}"))
        if self._errors:
            raise self._errors[0]

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._is_closing:
                sock.close()
                return
            conn = Conversation(sock, self.accepted)
            thread = threading.Thread(target=self._play, args=(conn,), daemon=True)
            self.connections.append(conn)
            self._threads.append(thread)
            thread.start()

    def _play(self, conn: Conversation) -> None:
        try:
            if self._tls:
                conn.start_tls(self._tls())
            self._script(conn.number)(conn)
        except BaseException as error:
            self._errors.append(error)
        finally:
            conn.close()

    def _script(self, number: int) -> Script:
        if len(self._scripts) == 1:
            return self._scripts[0]
        assert number < len(self._scripts), f"{number + 1} connections instead of {number}"
        return self._scripts[number]


def _listen(host: str, path: str | None) -> socket.socket:
    if path is not None:
        listener = socket.socket(socket.AF_UNIX)
        address: str | tuple[str, int] = os.fspath(path)
    else:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener, address = socket.socket(family), (host, 0)
    listener.bind(address)
    listener.listen(128)
    return listener


def _ignoring(action: typing.Callable[[], object]) -> None:
    with contextlib.suppress(OSError):
        action()
