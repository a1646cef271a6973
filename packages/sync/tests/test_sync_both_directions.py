import collections.abc
import concurrent.futures
import contextlib
import hashlib
import os
import socket
import sys
import threading
import time

import pytest

from httpcore_interface import NetworkStream, ReadError, ReadTimeout, WriteError, WriteTimeout
from httpcore_sync import SyncStream
from httpcore_sync._deadline import seconds_to_wait

Pair = tuple[NetworkStream, socket.socket]
Threads = concurrent.futures.ThreadPoolExecutor

MEGABYTE = 1024 * 1024
TOO_MUCH = bytes(64 * MEGABYTE)


class Sluice(socket.socket):
    """A socket that tells when a receive or a send has begun."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(fileno=sock.detach())
        self.receiving = threading.Event()
        self.sending = threading.Event()

    def recv(self, max_bytes: int, flags: int = 0, /) -> bytes:
        self.receiving.set()
        return super().recv(max_bytes, flags)

    def send(self, octets: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
        self.sending.set()
        return super().send(octets, flags)


@pytest.fixture
def sluice() -> collections.abc.Iterator[tuple[SyncStream, Sluice, socket.socket]]:
    ours, peer = socket.socketpair()
    with peer, Sluice(ours) as sock:
        yield SyncStream(sock), sock, peer


@pytest.fixture
def hasty_switches() -> collections.abc.Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def drain(peer: socket.socket, size: int) -> int:
    received = 0
    target = bytearray(65536)
    while received < size:
        received += peer.recv_into(target) or size
    return received


@pytest.mark.parametrize("read_timeout", [None, 30])
def test_a_write_has_its_own_timeout_beside_a_read(
    sluice: tuple[SyncStream, Sluice, socket.socket],
    threads: Threads,
    read_timeout: float | None,
) -> None:
    stream, sock, peer = sluice
    reading = threads.submit(stream.read, 100, read_timeout)
    assert sock.receiving.wait(5)
    before = time.monotonic()
    with pytest.raises(WriteTimeout):
        stream.write(TOO_MUCH, timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 2
    assert sock.gettimeout() == read_timeout
    peer.sendall(b"for the reader")
    assert reading.result(5) == b"for the reader"


@pytest.mark.parametrize("write_timeout", [None, 30])
def test_a_read_has_its_own_timeout_beside_a_write(
    sluice: tuple[SyncStream, Sluice, socket.socket],
    threads: Threads,
    write_timeout: float | None,
) -> None:
    stream, sock, peer = sluice
    writing = threads.submit(stream.write, TOO_MUCH, write_timeout)
    assert sock.sending.wait(5)
    for timeout in (0.05, 0, -1):
        before = time.monotonic()
        with pytest.raises(ReadTimeout):
            stream.read(100, timeout=timeout)
        assert max(timeout, 0) <= time.monotonic() - before < 2
    assert drain(peer, len(TOO_MUCH)) == len(TOO_MUCH)
    writing.result(5)
    peer.sendall(b"for the reader")
    assert stream.read(100, timeout=30) == b"for the reader"


def test_a_read_beside_a_write_sees_the_end_of_the_stream(
    sluice: tuple[SyncStream, Sluice, socket.socket], threads: Threads
) -> None:
    stream, sock, peer = sluice
    writing = threads.submit(stream.write, TOO_MUCH, 30)
    assert sock.sending.wait(5)
    peer.shutdown(socket.SHUT_WR)
    assert stream.read(100, timeout=5) == b""
    peer.close()
    with pytest.raises(WriteError):
        writing.result(5)


def test_both_directions_fail_when_the_peer_is_gone(pair: Pair, threads: Threads) -> None:
    stream, peer = pair
    writing = threads.submit(stream.write, TOO_MUCH, 30)
    peer.sendall(b"x")
    assert stream.read(100, timeout=5) == b"x"
    peer.close()
    with pytest.raises(WriteError):
        writing.result(5)
    # The end or an error, depending on what the peer left unread.
    with contextlib.suppress(ReadError):
        assert stream.read(100, timeout=5) == b""


def test_a_socket_closed_behind_our_back_beside_a_write_is_a_read_error(
    sluice: tuple[SyncStream, Sluice, socket.socket], threads: Threads
) -> None:
    stream, sock, _ = sluice
    writing = threads.submit(stream.write, TOO_MUCH, 5)
    assert sock.sending.wait(5)
    with socket.socket(fileno=os.dup(sock.fileno())) as ours:
        sock.close()
        with pytest.raises(ReadError, match="Bad file descriptor"):
            stream.read(100, timeout=5)
        # What was blocked does not notice until something happens.
        ours.shutdown(socket.SHUT_RDWR)
    with pytest.raises(WriteError):
        writing.result(5)


@pytest.mark.usefixtures("hasty_switches")
@pytest.mark.parametrize("timeouts", [(5,), (None,), (5, None, 6)])
def test_both_directions_at_once_mix_nothing_up(
    pair: Pair, threads: Threads, timeouts: tuple[float | None, ...]
) -> None:
    stream, peer = pair
    size = 2 * MEGABYTE
    upload = bytes(range(251)) * (size // 251)
    download = bytes(reversed(range(251))) * (size // 251)

    def write() -> None:
        for number, start in enumerate(range(0, len(upload), 10_007)):
            timeout = timeouts[number % len(timeouts)]
            stream.write(upload[start : start + 10_007], timeout=timeout)

    def read() -> bytes:
        received = bytearray()
        while len(received) < len(download):
            timeout = timeouts[len(received) % len(timeouts)]
            received += stream.read(7_919, timeout=timeout)
        return bytes(received)

    def receive() -> bytes:
        received = bytearray()
        while len(received) < len(upload):
            received += peer.recv(65536)
        return bytes(received)

    writing, reading = threads.submit(write), threads.submit(read)
    receiving = threads.submit(receive)
    peer.sendall(download)
    writing.result(10)
    assert hashlib.sha256(reading.result(10)).digest() == hashlib.sha256(download).digest()
    assert hashlib.sha256(receiving.result(10)).digest() == hashlib.sha256(upload).digest()


@pytest.mark.usefixtures("hasty_switches")
def test_the_timeouts_of_one_direction_never_reach_the_other(
    plain_pair: Pair, threads: Threads
) -> None:
    stream, peer = plain_pair
    peer.settimeout(5)
    # What the system takes at once, whoever is slow.
    room = threading.Semaphore(50)

    def write() -> None:
        for number in range(2000):
            assert room.acquire(timeout=5)
            stream.write(b"x", timeout=(0, 5, None, -1)[number % 4])

    def read() -> None:
        for number in range(2000):
            assert stream.read(1, timeout=(20, None)[number % 2])

    writing, reading = threads.submit(write), threads.submit(read)
    for _ in range(2000):
        assert peer.recv(1)
        peer.sendall(b"x")
        room.release()
    writing.result(5)
    reading.result(5)


@pytest.mark.parametrize("late", ["read", "write"])
def test_whoever_finds_the_other_about_to_set_the_timeout_waits_by_itself(
    threads: Threads, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    about_to_set, may_set, late_one_is_there = (threading.Event() for _ in range(3))
    how: list[str] = []

    class Noting(socket.socket):
        def recv(self, max_bytes: int, flags: int = 0, /) -> bytes:
            note("recv", flags)
            return super().recv(max_bytes, flags)

        def send(self, octets: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
            note("send", flags)
            return super().send(octets, flags)

    def note(call: str, flags: int) -> None:
        if about_to_set.is_set() and not late_one_is_there.is_set():
            how.append(f"{call}, relying on {'nothing' if flags else 'the timeout'}")
            late_one_is_there.set()

    def hesitate(timeout: float | None) -> float | None:
        if timeout == 6:
            about_to_set.set()
            assert may_set.wait(5)
        return seconds_to_wait(timeout)

    monkeypatch.setattr("httpcore_sync._stream.seconds_to_wait", hesitate)
    ours, peer = socket.socketpair()
    with peer, Noting(fileno=ours.detach()) as sock:
        stream = SyncStream(sock)
        peer.sendall(b"abc")
        assert stream.read(1, timeout=5) == b"a"
        if late == "read":
            writing = threads.submit(stream.write, b"x", 6)
            assert about_to_set.wait(5)
            reading = threads.submit(stream.read, 1, 5)
        else:
            reading = threads.submit(stream.read, 1, 6)
            assert about_to_set.wait(5)
            writing = threads.submit(stream.write, b"x", 5)
        assert late_one_is_there.wait(5)
        may_set.set()
        writing.result(5)
        assert reading.result(5) == b"b"
    assert how == [f"{'recv' if late == 'read' else 'send'}, relying on nothing"]
