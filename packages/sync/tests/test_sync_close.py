import collections.abc
import concurrent.futures
import contextlib
import os
import select
import socket
import ssl
import sys
import threading
import time

import pytest

from httpcore_interface import (
    ConnectError,
    NetworkError,
    NetworkStream,
    ReadError,
    WriteError,
)
from httpcore_sync import SyncStream
from httpcore_sync._wait import wait_ready

Pair = tuple[NetworkStream, socket.socket]
MakePair = collections.abc.Callable[[str], Pair]
Threads = concurrent.futures.ThreadPoolExecutor

CLOSED = "the stream was closed on this side"
TOO_MUCH = bytes(64 * 1024 * 1024)
KINDS = ["plain", "tls", "tls in tls"]


class Observed(socket.socket):
    """A socket that tells when a call has begun, and holds it up while told to.

    A call that is held up uses the descriptor that it found when it began, as a
    system call does.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(fileno=sock.detach())
        self.began = threading.Event()
        self.may_read = threading.Event()
        self.may_read.set()
        self.may_write = threading.Event()
        self.may_write.set()

    def recv(self, max_bytes: int, flags: int = 0, /) -> bytes:
        descriptor = self.fileno()
        self.began.set()
        if self.may_read.is_set():
            return super().recv(max_bytes, flags)
        assert self.may_read.wait(5)
        return os.read(descriptor, max_bytes)

    def send(self, octets: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
        descriptor = self.fileno()
        self.began.set()
        if self.may_write.is_set():
            return super().send(octets, flags)
        assert self.may_write.wait(5)
        return os.write(descriptor, octets)


@pytest.fixture
def observed() -> collections.abc.Iterator[tuple[SyncStream, Observed, socket.socket]]:
    ours, peer = socket.socketpair()
    with peer, Observed(ours) as sock:
        yield SyncStream(sock), sock, peer


Observation = tuple[NetworkStream, socket.socket, threading.Event]


@pytest.fixture(params=KINDS)
def watched(
    request: pytest.FixtureRequest, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch
) -> Observation:
    """A stream, its peer, and an event: an operation is about to block."""
    kind = str(request.param)
    if kind == "plain":
        stream, sock, peer = request.getfixturevalue("observed")
        return stream, peer, sock.began
    stream, peer = make_pair(kind)
    began = threading.Event()

    def announce(sock: socket.socket, *, writing: bool, timeout: float | None) -> bool:
        began.set()
        return wait_ready(sock, writing=writing, timeout=timeout)

    monkeypatch.setattr("httpcore_sync._tls_socket.wait_ready", announce)
    return stream, peer, began


def test_close_ends_the_connection_for_the_peer(pair: Pair) -> None:
    stream, peer = pair
    stream.close()
    assert select.select([peer], [], [], 5)[0]
    assert peer.recv(100) == b""


def test_close_frees_the_descriptor(pair: Pair) -> None:
    stream, _ = pair
    sock = stream.get_extra_info("socket")
    stream.close()
    assert sock.fileno() == -1


def test_close_can_be_repeated(pair: Pair) -> None:
    stream, _ = pair
    for _ in range(3):
        stream.close()


@pytest.mark.parametrize("timeout", [None, 5, 0, -1])
def test_nothing_works_after_close(
    pair: Pair, client_context: ssl.SSLContext, timeout: float | None
) -> None:
    stream, peer = pair
    peer.sendall(b"unread")
    stream.close()
    for _ in range(2):
        with pytest.raises(ReadError, match=CLOSED):
            stream.read(100, timeout=timeout)
        with pytest.raises(WriteError, match=CLOSED):
            stream.write(b"x", timeout=timeout)
        with pytest.raises(ConnectError, match=CLOSED):
            stream.start_tls(client_context, "localhost", timeout=timeout)


@pytest.mark.parametrize("timeout", [None, 30])
def test_close_wakes_a_blocked_read(
    watched: Observation, threads: Threads, timeout: float | None
) -> None:
    stream, _, began = watched
    sock = stream.get_extra_info("socket")
    began.clear()
    reading = threads.submit(stream.read, 100, timeout)
    assert began.wait(5)
    stream.close()
    with pytest.raises(ReadError, match=CLOSED):
        reading.result(5)
    assert sock.fileno() == -1


@pytest.mark.parametrize("timeout", [None, 30])
def test_close_wakes_a_blocked_write(
    watched: Observation, threads: Threads, timeout: float | None
) -> None:
    stream, _, began = watched
    sock = stream.get_extra_info("socket")
    began.clear()
    writing = threads.submit(stream.write, TOO_MUCH, timeout)
    assert began.wait(5)
    stream.close()
    with pytest.raises(WriteError, match=CLOSED):
        writing.result(5)
    assert sock.fileno() == -1


@pytest.mark.parametrize("kind", KINDS)
def test_close_wakes_a_read_and_a_write_at_once(
    make_pair: MakePair, threads: Threads, kind: str
) -> None:
    stream, peer = make_pair(kind)
    sock = stream.get_extra_info("socket")
    writing = threads.submit(stream.write, TOO_MUCH, None)
    assert select.select([peer], [], [], 5)[0]
    reading = threads.submit(stream.read, 100, 30)
    peer.sendall(b"x")
    assert reading.result(5) == b"x"
    reading = threads.submit(stream.read, 100, None)
    stream.close()
    with pytest.raises(ReadError, match=CLOSED):
        reading.result(5)
    with pytest.raises(WriteError, match=CLOSED):
        writing.result(5)
    assert sock.fileno() == -1


class ContextOfItsOwn(ssl.SSLContext):
    """What truststore's contexts do: they take over `wrap_socket`."""

    def wrap_socket(  # type: ignore[no-untyped-def]
        self, sock, *args, **kwargs
    ):
        return super().wrap_socket(sock, *args, **kwargs)


@pytest.mark.parametrize("context_class", [ssl.SSLContext, ContextOfItsOwn])
@pytest.mark.parametrize("timeout", [None, 30])
def test_close_wakes_a_handshake(
    plain_pair: Pair,
    threads: Threads,
    context_class: type[ssl.SSLContext],
    timeout: float | None,
    descriptors: collections.abc.Callable[[], int],
) -> None:
    stream, peer = plain_pair
    count = descriptors()
    context = context_class(ssl.PROTOCOL_TLS_CLIENT)
    shaking = threads.submit(stream.start_tls, context, "localhost", timeout)
    # The greeting of the client has come, and it waits for the answer.
    assert select.select([peer], [], [], 5)[0]
    stream.close()
    with pytest.raises(ConnectError, match=CLOSED):
        shaking.result(5)
    assert descriptors() == count - 1


@pytest.mark.parametrize("context_class", [ssl.SSLContext, ContextOfItsOwn])
def test_close_between_two_steps_of_start_tls_is_noticed(
    plain_pair: Pair,
    context_class: type[ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
    descriptors: collections.abc.Callable[[], int],
) -> None:
    stream, _ = plain_pair
    count = descriptors()
    wrap_socket = ssl.SSLContext.wrap_socket

    # From another thread, and before the encrypted socket is where close() finds it.
    def close_meanwhile(
        context: ssl.SSLContext,
        sock: socket.socket,
        *,
        server_hostname: str,
        do_handshake_on_connect: bool,
    ) -> ssl.SSLSocket:
        sock.settimeout(5)
        wrapped = wrap_socket(
            context, sock, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        stream.close()
        return wrapped

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", close_meanwhile)
    context = context_class(ssl.PROTOCOL_TLS_CLIENT)
    before = time.monotonic()
    with pytest.raises(ConnectError, match=CLOSED):
        stream.start_tls(context, "localhost", timeout=5)
    assert time.monotonic() - before < 2
    assert descriptors() == count - 1


def test_close_wakes_a_handshake_inside_tls(
    tls_pair: Pair, client_context: ssl.SSLContext, threads: Threads
) -> None:
    stream, peer = tls_pair
    sock = stream.get_extra_info("socket")
    shaking = threads.submit(stream.start_tls, client_context, "localhost", None)
    assert select.select([peer], [], [], 5)[0]
    stream.close()
    with pytest.raises(ConnectError, match=CLOSED):
        shaking.result(5)
    assert sock.fileno() == -1


def test_a_blocked_read_never_reads_from_a_descriptor_that_was_freed(
    observed: tuple[SyncStream, Observed, socket.socket], threads: Threads
) -> None:
    stream, sock, _ = observed
    sock.may_read.clear()
    reading = threads.submit(stream.read, 100, 5)
    assert sock.began.wait(5)
    stream.close()
    with contextlib.ExitStack() as stack:
        # One of these gets the number of the descriptor, if it is free.
        for _ in range(20):
            ours, theirs = map(stack.enter_context, socket.socketpair())
            theirs.sendall(b"somebody else's")
            ours.sendall(b"somebody else's")
        sock.may_read.set()
        with pytest.raises(ReadError, match=CLOSED):
            reading.result(5)
    assert sock.fileno() == -1


def test_a_blocked_write_never_writes_to_a_descriptor_that_was_freed(
    observed: tuple[SyncStream, Observed, socket.socket], threads: Threads
) -> None:
    stream, sock, _ = observed
    sock.may_write.clear()
    writing = threads.submit(stream.write, b"secret", 5)
    assert sock.began.wait(5)
    stream.close()
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(sock) for _ in range(20) for sock in socket.socketpair()]
        sock.may_write.set()
        with pytest.raises(WriteError, match=CLOSED):
            writing.result(5)
        assert not select.select(others, [], [], 0)[0]
    assert sock.fileno() == -1


def test_of_two_operations_the_last_frees_the_descriptor(
    observed: tuple[SyncStream, Observed, socket.socket], threads: Threads
) -> None:
    stream, sock, peer = observed
    sock.may_read.clear()
    sock.may_write.clear()
    writing = threads.submit(stream.write, b"x", 5)
    assert sock.began.wait(5)
    sock.began.clear()
    peer.sendall(b"y")
    reading = threads.submit(stream.read, 100, 5)
    assert sock.began.wait(5)
    stream.close()
    sock.may_write.set()
    with pytest.raises(WriteError, match=CLOSED):
        writing.result(5)
    assert sock.fileno() != -1
    sock.may_read.set()
    assert reading.result(5) == b"y"
    assert sock.fileno() == -1


def test_close_frees_the_descriptor_itself_if_the_operation_ends_before_it_does(
    threads: Threads,
) -> None:
    class SlowToShutDown(Observed):
        was_open = False

        def shutdown(self, how: int, /) -> None:
            super().shutdown(how)
            with pytest.raises(ReadError, match=CLOSED):
                reading.result(5)
            # The read is over; close() is not, and still uses the descriptor.
            self.was_open = self.fileno() != -1

    ours, peer = socket.socketpair()
    with peer, SlowToShutDown(ours) as sock:
        stream = SyncStream(sock)
        reading = threads.submit(stream.read, 100, 5)
        assert sock.began.wait(5)
        stream.close()
        assert sock.was_open
        assert sock.fileno() == -1


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_a_failed_operation_does_not_keep_the_descriptor(error: type[BaseException]) -> None:
    class Failing(socket.socket):
        def recv(self, max_bytes: int, flags: int = 0, /) -> bytes:
            raise error

        def send(self, octets: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
            raise error

    ours, peer = socket.socketpair()
    with peer, Failing(fileno=ours.detach()) as sock:
        stream = SyncStream(sock)
        with pytest.raises((KeyboardInterrupt, ReadError)):
            stream.read(100, timeout=5)
        with pytest.raises((KeyboardInterrupt, WriteError)):
            stream.write(b"x", timeout=5)
        stream.close()
        assert sock.fileno() == -1


def test_close_ignores_what_the_system_says(threads: Threads) -> None:
    class Broken(Observed):
        def shutdown(self, how: int, /) -> None:
            super().shutdown(how)
            raise OSError("cannot shut down")

        def close(self) -> None:
            super().close()
            raise OSError("cannot close")

    ours, peer = socket.socketpair()
    with peer:
        idle = SyncStream(Broken(ours.dup()))
        idle.close()
        sock = Broken(ours)
        busy = SyncStream(sock)
        reading = threads.submit(busy.read, 100, 5)
        assert sock.began.wait(5)
        busy.close()
        with pytest.raises(ReadError, match=CLOSED):
            reading.result(5)


def test_close_of_an_idle_stream_leaves_other_owners_of_the_connection_alone(
    plain_pair: Pair,
) -> None:
    stream, peer = plain_pair
    # What a forked process has.
    with stream.get_extra_info("socket").dup() as inherited:
        stream.close()
        inherited.sendall(b"still here")
        assert peer.recv(100) == b"still here"


def test_close_of_an_encrypted_stream_does_not_wait_for_the_peer(
    threads: Threads, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    ours, theirs = socket.socketpair()
    accepting = threads.submit(server_context.wrap_socket, theirs, server_side=True)
    stream = SyncStream(ours).start_tls(client_context, "localhost", timeout=5)
    with accepting.result(5):
        before = time.monotonic()
        stream.close()
        assert time.monotonic() - before < 5


def test_close_does_not_take_the_encryption_away_under_a_write(
    plain_pair: Pair,
    client_context: ssl.SSLContext,
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
    threads: Threads,
) -> None:
    class Encrypted(ssl.SSLSocket):
        was_undone = False

        def shutdown(self, how: int) -> None:
            # From here on it sends what it is given as it is.
            self.was_undone = True
            super().shutdown(how)

    client_context.sslsocket_class = Encrypted
    stream, encrypted = plain_pair
    peer = terminate(encrypted)
    stream.start_tls(client_context, "localhost", timeout=5)
    sock = stream.get_extra_info("socket")
    writing = threads.submit(stream.write, TOO_MUCH, None)
    assert select.select([peer], [], [], 5)[0]
    stream.close()
    with pytest.raises(WriteError, match=CLOSED):
        writing.result(5)
    assert not sock.was_undone


@pytest.fixture
def hasty_switches() -> collections.abc.Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_switches")
def test_close_at_any_moment_of_a_read_and_a_write(
    threads: Threads, descriptors: collections.abc.Callable[[], int]
) -> None:
    count = descriptors()

    def use(stream: SyncStream, timeout: float | None, begin: threading.Barrier) -> str:
        begin.wait(5)
        try:
            while True:
                if timeout == 5:
                    stream.read(1, timeout)
                else:
                    stream.write(b"x", timeout)
        except NetworkError as exc:
            return str(exc)

    def close(stream: SyncStream, begin: threading.Barrier) -> None:
        begin.wait(5)
        stream.close()

    for turn in range(150):
        ours, peer = socket.socketpair()
        with peer:
            stream = SyncStream(ours)
            begin = threading.Barrier(4)
            peer.sendall(bytes(100))
            reading = threads.submit(use, stream, 5, begin)
            writing = threads.submit(use, stream, (None, 6)[turn % 2], begin)
            closing = [threads.submit(close, stream, begin) for _ in range(2)]
            assert [future.result(5) for future in closing] == [None, None]
            assert reading.result(5) == CLOSED
            assert writing.result(5) == CLOSED
    assert descriptors() == count
