"""Streams that are encrypted already: how they read, write and end."""

import collections.abc
import concurrent.futures
import contextlib
import socket
import ssl
import time

import pytest
import trustme

from httpcore_interface import NetworkStream, ReadError, ReadTimeout, WriteError, WriteTimeout
from httpcore_sync import SyncStream

Pair = tuple[NetworkStream, socket.socket]
Threads = concurrent.futures.ThreadPoolExecutor
Terminate = collections.abc.Callable[[socket.socket], socket.socket]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("farewell", [True, False])
def test_the_end_of_the_stream_may_come_without_a_farewell(
    threads: Threads,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    version: ssl.TLSVersion,
    farewell: bool,
) -> None:
    client_context.minimum_version = client_context.maximum_version = version
    ours, theirs = socket.socketpair()
    accepting = threads.submit(server_context.wrap_socket, theirs, server_side=True)
    stream = SyncStream(ours).start_tls(client_context, "localhost", timeout=5)
    with accepting.result(5) as peer:
        peer.sendall(b"all there is")
        if farewell:
            peer.settimeout(0)
            with contextlib.suppress(ssl.SSLWantReadError):
                peer.unwrap()
    assert stream.read(100, timeout=5) == b"all there is"
    for timeout in (5, None, 0):
        assert stream.read(100, timeout=timeout) == b""
    stream.close()


@pytest.mark.parametrize("layers", [1, 2])
def test_after_the_farewell_the_stream_stays_readable(
    plain_pair: Pair,
    threads: Threads,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    terminate: Terminate,
    layers: int,
) -> None:
    stream, encrypted = plain_pair
    if layers == 2:
        encrypted = terminate(encrypted)
        stream.start_tls(client_context, "localhost", timeout=5)
    accepting = threads.submit(server_context.wrap_socket, encrypted, server_side=True)
    stream = stream.start_tls(client_context, "localhost", timeout=5)
    with accepting.result(5) as peer:
        peer.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            peer.unwrap()
        # The connection is still there, and silent.
        assert stream.read(100, timeout=5) == b""
        assert stream.get_extra_info("is_readable") is True
        stream.write(b"x", timeout=5)
        assert stream.read(100, timeout=0) == b""


def test_an_encrypted_socket_can_be_made_a_stream(
    threads: Threads, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    ours, theirs = socket.socketpair()
    accepting = threads.submit(server_context.wrap_socket, theirs, server_side=True)
    sock = client_context.wrap_socket(ours, server_hostname="localhost")
    stream = SyncStream(sock)
    with accepting.result(5) as peer:
        assert stream.get_extra_info("ssl_object") is sock
        stream.write(b"ping", timeout=5)
        assert peer.recv(100) == b"ping"
        with pytest.raises(ReadTimeout):
            stream.read(100, timeout=0.01)
        peer.sendall(b"pong")
        assert stream.read(100, timeout=5) == b"pong"
    stream.close()


def test_a_record_that_cannot_be_decrypted_is_an_error(
    threads: Threads, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    ours, theirs = socket.socketpair()
    with theirs.dup() as raw:
        accepting = threads.submit(server_context.wrap_socket, theirs, server_side=True)
        stream = SyncStream(ours).start_tls(client_context, "localhost", timeout=5)
        with accepting.result(5):
            raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
            with pytest.raises(ReadError) as caught:
                stream.read(100, timeout=5)
            assert isinstance(caught.value.__cause__, ssl.SSLError)
            with pytest.raises(WriteError):
                stream.write(b"x", timeout=5)
    stream.close()


def test_records_that_have_come_are_read_together(tls_pair: Pair) -> None:
    stream, peer = tls_pair
    peer.sendall(bytes(48 * 1024))
    # So that all of it has come.
    time_out = time.monotonic() + 5
    while len(peek(stream)) < 48 * 1024:
        assert time.monotonic() < time_out
    assert stream.read(65536, timeout=5) == bytes(48 * 1024)
    with pytest.raises(ReadTimeout):
        stream.read(65536, timeout=0)


def peek(stream: NetworkStream) -> bytes:
    sock = stream.get_extra_info("socket")
    assert isinstance(sock, ssl.SSLSocket)
    with contextlib.suppress(BlockingIOError):
        return socket.socket.recv(sock, 1_000_000, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    return b""


@pytest.mark.parametrize("is_broken", [True, False])
def test_end_behind_records_that_are_read_together_is_told_next(
    threads: Threads,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    is_broken: bool,
) -> None:
    ours, theirs = socket.socketpair()
    with theirs.dup() as raw:
        accepting = threads.submit(server_context.wrap_socket, theirs, server_side=True)
        stream = SyncStream(ours).start_tls(client_context, "localhost", timeout=5)
        with accepting.result(5) as peer:
            peer.sendall(bytes(32 * 1024))
            if is_broken:
                raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
            raw.shutdown(socket.SHUT_WR)
            received = b""
            while len(received) < 32 * 1024:
                received += stream.read(65536, timeout=5)
            assert received == bytes(32 * 1024)
            for _ in range(2):
                if is_broken:
                    with pytest.raises(ReadError):
                        stream.read(65536, timeout=5)
                else:
                    assert stream.read(65536, timeout=5) == b""
    stream.close()


@pytest.mark.parametrize("layers", [1, 2])
def test_the_server_may_ask_for_a_certificate_later(
    plain_pair: Pair,
    threads: Threads,
    authority: trustme.CA,
    client_context: ssl.SSLContext,
    terminate: Terminate,
    layers: int,
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA).configure_cert(server)
    authority.configure_trust(server)
    server.post_handshake_auth = True
    server.verify_mode = ssl.CERT_OPTIONAL
    client = ssl.create_default_context()
    authority.configure_trust(client)
    authority.issue_cert("us", key_type=trustme.KeyType.ECDSA).configure_cert(client)
    client.post_handshake_auth = True

    def ask(peer: ssl.SSLSocket) -> None:
        assert peer.recv(100) == b"ping"
        peer.verify_client_post_handshake()
        peer.sendall(b"?")
        peer.settimeout(0.02)
        while not peer.getpeercert():
            with contextlib.suppress(TimeoutError):
                assert peer.recv(1)
        peer.sendall(b"welcome")

    stream, encrypted = plain_pair
    if layers == 2:
        encrypted = terminate(encrypted)
        stream.start_tls(client_context, "localhost", timeout=5)
    accepting = threads.submit(server.wrap_socket, encrypted, server_side=True)
    stream = stream.start_tls(client, "localhost", timeout=5)
    with accepting.result(5) as peer:
        asking = threads.submit(ask, peer)
        stream.write(b"ping", timeout=5)
        assert stream.read(100, timeout=5) == b"?"
        # What comes after that, comes only when the certificate was sent.
        assert stream.read(100, timeout=5) == b"welcome"
        asking.result(5)


def test_a_write_that_waits_lets_a_read_through(tls_pair: Pair, threads: Threads) -> None:
    stream, peer = tls_pair
    writing = threads.submit(stream.write, bytes(64 * 1024 * 1024), 0.3)
    for _ in range(20):
        peer.sendall(b"x")
        assert stream.read(1, timeout=5) == b"x"
    with pytest.raises(WriteTimeout):
        writing.result(5)


def test_a_read_that_waits_lets_a_write_through(tls_pair: Pair, threads: Threads) -> None:
    stream, peer = tls_pair
    reading = threads.submit(stream.read, 100, None)
    for _ in range(20):
        stream.write(b"x", timeout=5)
        assert peer.recv(1) == b"x"
    peer.sendall(b"y")
    assert reading.result(5) == b"y"


class Moody(ssl.SSLSocket):
    """What OpenSSL may do at any time: each call first wants the opposite direction."""

    wanted: list[str] | None = None

    def want(self, call: str, exception: type[ssl.SSLError]) -> None:
        self.wanted = self.wanted or []
        if call not in self.wanted:
            self.wanted.append(call)
            raise exception

    def do_handshake(self, block: bool = False) -> None:
        self.want("handshake", ssl.SSLWantWriteError)
        super().do_handshake(block)

    def read(self, size: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override]
        self.want("read", ssl.SSLWantWriteError)
        return super().read(size)

    def send(self, octets: bytes, flags: int = 0) -> int:  # type: ignore[override]
        self.want("send", ssl.SSLWantReadError)
        return super().send(octets)


def test_the_tls_layer_may_want_the_opposite_direction(
    plain_pair: Pair, client_context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, encrypted = plain_pair
    peer = terminate(encrypted)
    client_context.sslsocket_class = Moody
    stream.start_tls(client_context, "localhost", timeout=5)
    peer.sendall(b"ping")
    # Wants to read, and something is there.
    stream.write(b"pong", timeout=5)
    assert peer.recv(100) == b"pong"
    assert stream.read(100, timeout=5) == b"ping"
    assert stream.get_extra_info("socket").wanted == ["handshake", "send", "read"]


@pytest.mark.parametrize("error", [ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_every_way_to_say_that_the_stream_has_ended_is_understood(
    plain_pair: Pair,
    client_context: ssl.SSLContext,
    terminate: Terminate,
    error: type[ssl.SSLError],
) -> None:
    class Ending(ssl.SSLSocket):
        def read(self, size: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override]
            raise error

    stream, encrypted = plain_pair
    terminate(encrypted)
    client_context.sslsocket_class = Ending
    stream.start_tls(client_context, "localhost", timeout=5)
    assert stream.read(100, timeout=5) == b""


def test_one_thread_at_a_time_uses_the_tls_state(
    plain_pair: Pair, client_context: ssl.SSLContext, terminate: Terminate, threads: Threads
) -> None:
    inside: list[str] = []
    fouls: list[str] = []

    def enter(call: str) -> None:
        fouls.extend(inside)
        inside.append(call)
        # Somebody else's turn.
        time.sleep(1e-5)

    class Exclusive(ssl.SSLSocket):
        def read(self, size: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override]
            enter("read")
            try:
                return super().read(size)
            finally:
                inside.remove("read")

        def send(self, octets: bytes, flags: int = 0) -> int:  # type: ignore[override]
            enter("send")
            try:
                return super().send(octets)
            finally:
                inside.remove("send")

        def pending(self) -> int:
            enter("pending")
            try:
                return super().pending()
            finally:
                inside.remove("pending")

    client_context.sslsocket_class = Exclusive
    stream, encrypted = plain_pair
    peer = terminate(encrypted)
    stream.start_tls(client_context, "localhost", timeout=5)

    def read() -> None:
        for _ in range(300):
            peer.sendall(b"x")
            assert stream.read(1, timeout=5) == b"x"

    def look() -> None:
        for _ in range(300):
            stream.get_extra_info("is_readable")

    using = [threads.submit(read), threads.submit(look)]
    for _ in range(300):
        stream.write(b"y", timeout=5)
    for future in using:
        future.result(5)
    assert fouls == []
