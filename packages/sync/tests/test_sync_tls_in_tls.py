import collections.abc
import concurrent.futures
import contextlib
import select
import socket
import ssl
import time

import pytest

from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    NetworkStream,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)
from httpcore_sync._tls_in_tls import TLSStream, start_tls_over

Pair = tuple[NetworkStream, socket.socket]
MakePair = collections.abc.Callable[[str], Pair]
Threads = concurrent.futures.ThreadPoolExecutor
Terminate = collections.abc.Callable[[socket.socket], socket.socket]


class Foreign(NetworkStream):
    """A stream that somebody else wrote: blocking sockets, and nothing but the contract."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_closed = False
        self.failure: BaseException | None = None
        self.injected = b""
        self.written: list[int] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.failure is not None:
            raise self.failure
        if self.injected:
            injected, self.injected = self.injected, b""
            return injected
        if not select.select([self.sock], [], [], timeout)[0]:
            raise ReadTimeout
        try:
            return self.sock.recv(max_bytes)
        except OSError as exc:
            raise ReadError(str(exc)) from exc

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self.failure is not None:
            raise self.failure
        self.written.append(len(buffer))
        self.sock.settimeout(timeout)
        try:
            self.sock.sendall(buffer)
        except TimeoutError as exc:
            raise WriteTimeout from exc
        except OSError as exc:
            raise WriteError(str(exc)) from exc

    def close(self) -> None:
        self.is_closed = True
        self.sock.close()


ForeignPair = tuple[NetworkStream, Foreign, socket.socket]


@pytest.fixture
def foreign_pair(
    client_context: ssl.SSLContext, terminate: Terminate, cleanup: contextlib.ExitStack
) -> ForeignPair:
    ours, theirs = socket.socketpair()
    outer = Foreign(ours)
    cleanup.callback(outer.close)
    peer = terminate(theirs)
    return start_tls_over(outer, client_context, "localhost", 5), outer, peer


def test_start_tls_of_an_encrypted_stream_encrypts_inside(
    make_pair: MakePair, terminate: Terminate, client_context: ssl.SSLContext
) -> None:
    outer, peer = make_pair("tls")
    outer_object = outer.get_extra_info("ssl_object")
    peer = terminate(peer)
    inner = outer.start_tls(client_context, "localhost", timeout=5)
    assert inner is not outer
    inner_object = inner.get_extra_info("ssl_object")
    assert isinstance(inner_object, ssl.SSLObject)
    assert inner_object is not outer_object
    assert inner_object.version() == "TLSv1.3"
    inner.write(b"ping", timeout=5)
    assert peer.recv(100) == b"ping"


def test_there_is_no_end_to_nesting(
    make_pair: MakePair, terminate: Terminate, client_context: ssl.SSLContext
) -> None:
    stream, peer = make_pair("tls in tls")
    for _ in range(3):
        peer = terminate(peer)
        stream = stream.start_tls(client_context, "localhost", timeout=5)
        stream.write(b"ping", timeout=5)
        assert peer.recv(100) == b"ping"
        peer.sendall(b"pong")
        assert stream.read(100, timeout=5) == b"pong"
        assert stream.get_extra_info("client_addr") is not None
    stream.close()
    assert peer.recv(100) == b""


def test_any_stream_can_be_the_outer_one(
    foreign_pair: ForeignPair,
) -> None:
    stream, outer, peer = foreign_pair
    stream.write(b"ping", timeout=5)
    assert peer.recv(100) == b"ping"
    with pytest.raises(ReadTimeout):
        stream.read(100, timeout=0.01)
    peer.sendall(b"pong")
    assert stream.read(100, timeout=5) == b"pong"
    # It told us nothing about itself.
    for info in ("socket", "client_addr", "server_addr"):
        assert stream.get_extra_info(info) is None
    stream.close()
    assert outer.is_closed


def test_a_large_write_is_encrypted_piece_by_piece(
    foreign_pair: ForeignPair, threads: Threads
) -> None:
    stream, outer, peer = foreign_pair
    size = 4 * 1024 * 1024

    def receive() -> int:
        received = 0
        while received < size:
            received += len(peer.recv(65536))
        return received

    receiving = threads.submit(receive)
    stream.write(bytes(size), timeout=5)
    assert receiving.result(5) == size
    assert max(outer.written) < 128 * 1024


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(WriteError("outer"), WriteError), (WriteTimeout("outer"), WriteTimeout)],
)
def test_a_failed_write_of_the_outer_stream_ends_writing_only(
    foreign_pair: ForeignPair,
    failure: Exception,
    expected: type[Exception],
) -> None:
    stream, outer, peer = foreign_pair
    outer.failure = failure
    with pytest.raises(expected):
        stream.write(b"x", timeout=5)
    outer.failure = None
    with pytest.raises(WriteError, match="an earlier write failed"):
        stream.write(b"x", timeout=5)
    peer.sendall(b"still here")
    assert stream.read(100, timeout=5) == b"still here"


def test_a_failed_read_of_the_outer_stream_is_a_read_error(
    foreign_pair: ForeignPair,
) -> None:
    stream, outer, _ = foreign_pair
    outer.failure = ReadError("outer")
    with pytest.raises(ReadError, match="outer"):
        stream.read(100, timeout=5)


def test_a_record_that_cannot_be_decrypted_is_an_error(foreign_pair: ForeignPair) -> None:
    stream, outer, _ = foreign_pair
    outer.injected = b"\x17\x03\x03\x00\x20" + bytes(32)
    with pytest.raises(ReadError) as caught:
        stream.read(100, timeout=5)
    assert isinstance(caught.value.__cause__, ssl.SSLError)
    with pytest.raises(WriteError):
        stream.write(b"x", timeout=5)


@pytest.mark.parametrize("farewell", [True, False])
def test_the_end_of_the_stream_may_come_without_a_farewell(
    threads: Threads,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    farewell: bool,
) -> None:
    ours, theirs = socket.socketpair()
    accepting = threads.submit(server_context.wrap_socket, theirs, server_side=True)
    stream = start_tls_over(Foreign(ours), client_context, "localhost", 5)
    with accepting.result(5) as peer:
        peer.sendall(b"all there is")
        if farewell:
            peer.settimeout(0)
            with contextlib.suppress(ssl.SSLWantReadError):
                peer.unwrap()
    assert stream.read(100, timeout=5) == b"all there is"
    assert stream.read(100, timeout=5) == b""
    assert stream.read(100, timeout=0) == b""
    stream.close()


def test_bytes_that_were_decrypted_already_make_it_readable(
    foreign_pair: ForeignPair,
) -> None:
    stream, _, peer = foreign_pair
    assert stream.get_extra_info("is_readable") is False
    peer.sendall(b"ab")
    assert stream.read(1, timeout=5) == b"a"
    assert stream.get_extra_info("is_readable") is True
    assert stream.read(1, timeout=5) == b"b"
    assert stream.get_extra_info("is_readable") is False


def test_ciphertext_that_was_received_already_makes_it_readable(
    threads: Threads, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    ours, theirs = socket.socketpair()
    accepting = threads.submit(server_context.wrap_socket, theirs, server_side=True)
    stream = start_tls_over(Foreign(ours), client_context, "localhost", 5)
    with accepting.result(5) as peer:
        # A record each, received at once.
        for octet in (b"a", b"b"):
            peer.sendall(octet)
        assert stream.read(100, timeout=5) == b"a"
        assert stream.get_extra_info("is_readable") is True
        assert stream.read(100, timeout=5) == b"b"
        assert stream.get_extra_info("is_readable") is False
    stream.close()


def test_a_read_never_waits_for_a_write_to_be_sent(foreign_pair: ForeignPair) -> None:
    stream, outer, peer = foreign_pair
    assert isinstance(stream, TLSStream)
    stream._outgoing.write(b"due")
    # What a write does that is blocked.
    with stream._sending:
        peer.sendall(b"x")
        assert stream.read(1, timeout=5) == b"x"
        assert outer.written[-1] != 3
        with pytest.raises(WriteTimeout, match=r"for 0\.01 seconds"):
            stream.write(b"x", timeout=0.01)
    stream._broken = False
    # The next one to write sends it.
    stream.write(b"", timeout=5)
    assert outer.written[-1] == 3


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(WriteTimeout("outer"), ReadTimeout), (WriteError("outer"), ReadError)],
)
def test_an_answer_of_the_tls_layer_that_cannot_be_sent_fails_the_read(
    foreign_pair: ForeignPair, failure: Exception, expected: type[Exception]
) -> None:
    stream, outer, _ = foreign_pair
    assert isinstance(stream, TLSStream)
    stream._outgoing.write(b"due")
    outer.failure = failure
    with pytest.raises(expected):
        stream.read(100, timeout=5)


def test_a_certificate_that_is_refused_closes_the_outer_stream_and_tells_the_peer(
    threads: Threads, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    ours, theirs = socket.socketpair()
    outer = Foreign(ours)
    with theirs:
        accepting = threads.submit(server_context.wrap_socket, theirs, server_side=True)
        with pytest.raises(ConnectError, match=r"not valid for 'example\.org'") as caught:
            start_tls_over(outer, client_context, "example.org", 5)
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        assert outer.is_closed
        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            accepting.result(5)


@pytest.mark.parametrize("timeout", [0.05, 0, -1])
def test_a_handshake_that_stalls_times_out(
    tls_pair: Pair, client_context: ssl.SSLContext, timeout: float
) -> None:
    stream, _ = tls_pair
    sock = stream.get_extra_info("socket")
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=f"longer than {timeout} seconds"):
        stream.start_tls(client_context, "localhost", timeout=timeout)
    assert max(timeout, 0) <= time.monotonic() - before < 1
    assert sock.fileno() == -1


@pytest.mark.parametrize("answer", [b"", b"\x16\x03\x03", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_handshake_that_is_cut_or_no_handshake_is_a_connect_error(
    tls_pair: Pair, client_context: ssl.SSLContext, answer: bytes
) -> None:
    stream, peer = tls_pair
    sock = stream.get_extra_info("socket")
    peer.sendall(answer)
    peer.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectError, match="the TLS handshake failed"):
        stream.start_tls(client_context, "localhost", timeout=5)
    assert sock.fileno() == -1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ReadError("outer"), ConnectError),
        (WriteError("outer"), ConnectError),
        (ReadTimeout("outer"), ConnectTimeout),
        (WriteTimeout("outer"), ConnectTimeout),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (LookupError("defect"), LookupError),
    ],
)
def test_a_handshake_over_a_stream_that_fails_closes_it(
    client_context: ssl.SSLContext, failure: BaseException, expected: type[BaseException]
) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        outer = Foreign(ours)
        outer.failure = failure
        with pytest.raises(expected):
            start_tls_over(outer, client_context, "localhost", 5)
        assert outer.is_closed


@pytest.mark.parametrize("name", [None, "", "local\0host", "a" * 64, "a..b", ".localhost"])
def test_what_is_no_name_is_a_connect_error(
    tls_pair: Pair, client_context: ssl.SSLContext, name: str | None
) -> None:
    stream, _ = tls_pair
    sock = stream.get_extra_info("socket")
    with pytest.raises(ConnectError):
        stream.start_tls(client_context, name, timeout=5)
    assert sock.fileno() == -1


def test_the_outer_stream_can_be_closed_as_well(
    make_pair: MakePair, client_context: ssl.SSLContext, terminate: Terminate
) -> None:
    outer, peer = make_pair("tls")
    terminate(peer)
    inner = outer.start_tls(client_context, "localhost", timeout=5)
    outer.close()
    with pytest.raises(ReadError, match="closed on this side"):
        inner.read(100, timeout=5)
    with pytest.raises(WriteError, match="closed on this side"):
        inner.write(b"x", timeout=5)
    assert inner.get_extra_info("is_readable") is True
    assert inner.get_extra_info("client_addr") is None
    inner.close()


def test_one_thread_at_a_time_uses_the_tls_state(
    tls_pair: Pair, client_context: ssl.SSLContext, terminate: Terminate, threads: Threads
) -> None:
    inside: list[str] = []
    fouls: list[str] = []

    @contextlib.contextmanager
    def alone(call: str) -> collections.abc.Iterator[None]:
        fouls.extend(inside)
        inside.append(call)
        # Somebody else's turn.
        time.sleep(1e-5)
        yield
        inside.remove(call)

    class Exclusive(ssl.SSLObject):
        def read(self, size: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override]
            with alone("read"):
                try:
                    return super().read(size)
                except ssl.SSLWantReadError as exc:
                    wanted = exc
            raise wanted

        def write(self, octets: bytes) -> int:  # type: ignore[override]
            with alone("write"):
                return super().write(octets)

        def pending(self) -> int:
            with alone("pending"):
                return super().pending()

    client_context.sslobject_class = Exclusive
    outer, encrypted = tls_pair
    peer = terminate(encrypted)
    stream = outer.start_tls(client_context, "localhost", timeout=5)

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
