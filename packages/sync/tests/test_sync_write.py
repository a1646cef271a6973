import array
import concurrent.futures
import contextlib
import hashlib
import math
import mmap
import select
import socket
import struct
import threading
import time

import pytest

from httpcore_interface import NetworkStream, WriteError, WriteTimeout
from httpcore_sync import SyncStream

Pair = tuple[NetworkStream, socket.socket]
Threads = concurrent.futures.ThreadPoolExecutor

MEGABYTE = 1024 * 1024


def receive(peer: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        piece = peer.recv(MEGABYTE)
        assert piece, f"the stream ended after {len(received)} of {size} bytes"
        received += piece
    return bytes(received)


def test_write_sends_all_of_a_large_buffer(pair: Pair, threads: Threads) -> None:
    stream, peer = pair
    body = bytes(range(256)) * (5 * MEGABYTE // 256)
    received = threads.submit(receive, peer, len(body))
    stream.write(body, timeout=5)
    assert hashlib.sha256(received.result(5)).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("timeout", [None, math.inf, 5])
def test_writes_arrive_in_order(pair: Pair, timeout: float | None) -> None:
    stream, peer = pair
    for word in (b"one", b"two", b"three"):
        stream.write(word, timeout=timeout)
    assert receive(peer, 11) == b"onetwothree"


@pytest.mark.parametrize("size", [12, 3 * MEGABYTE], ids=["small", "large"])
@pytest.mark.parametrize(
    "kind", ["bytes", "bytearray", "memoryview", "items", "shape", "array", "mmap"]
)
def test_any_buffer_can_be_written(pair: Pair, threads: Threads, kind: str, size: int) -> None:
    stream, peer = pair
    octets = bytes(range(1, 13)) * (size // 12)
    received = threads.submit(receive, peer, len(octets))
    with contextlib.ExitStack() as stack:
        if kind == "mmap":
            mapped = stack.enter_context(mmap.mmap(-1, len(octets)))
            mapped[:] = octets
            stream.write(mapped, timeout=5)  # type: ignore[arg-type]  # any buffer will do
        else:
            view = memoryview(octets)
            buffer = {
                "bytes": octets,
                "bytearray": bytearray(octets),
                "memoryview": view,
                "items": view.cast("I"),
                "shape": view.cast("B", (2, len(octets) // 2)),
                "array": array.array("I", octets),
            }[kind]
            stream.write(buffer, timeout=5)  # type: ignore[arg-type]  # likewise
    assert received.result(5) == octets


@pytest.mark.parametrize("buffer", [b"", bytearray(), memoryview(b""), array.array("I")])
def test_nothing_can_be_written(pair: Pair, buffer: bytes) -> None:
    stream, peer = pair
    stream.write(buffer, timeout=0)
    stream.write(b"after", timeout=5)
    assert receive(peer, 5) == b"after"


def test_a_written_buffer_is_let_go(pair: Pair) -> None:
    stream, _ = pair
    buffer = bytearray(64 * MEGABYTE)
    with pytest.raises(WriteTimeout) as caught:
        stream.write(buffer, timeout=0.02)  # type: ignore[arg-type]  # any buffer will do
    # Impossible while a view of it exists, in the traceback for example.
    buffer.append(0)
    assert caught.value.__traceback__ is not None


def test_a_large_buffer_is_not_copied_as_a_whole(pair: Pair, threads: Threads) -> None:
    import tracemalloc

    stream, peer = pair
    body = bytes(8 * MEGABYTE)

    def count_and_drop() -> int:
        received = 0
        target = bytearray(65536)
        while received < len(body):
            received += peer.recv_into(target)
        return received

    received = threads.submit(count_and_drop)
    tracemalloc.start()
    try:
        stream.write(body, timeout=5)
        received.result(5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MEGABYTE


def test_write_times_out_when_the_peer_takes_nothing(pair: Pair) -> None:
    stream, _ = pair
    before = time.monotonic()
    with pytest.raises(WriteTimeout, match=r"took no bytes for 0\.05 seconds") as caught:
        stream.write(bytes(64 * MEGABYTE), timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 2
    assert caught.value.__cause__ is not None or caught.value.__context__ is None


@pytest.mark.parametrize("timeout", [0, -1, -math.inf])
def test_without_time_write_sends_only_what_fits(pair: Pair, timeout: float) -> None:
    stream, peer = pair
    stream.write(b"fits", timeout=timeout)
    assert receive(peer, 4) == b"fits"
    with pytest.raises(WriteTimeout, match=f"for {timeout} seconds"):
        stream.write(bytes(64 * MEGABYTE), timeout=timeout)


def test_the_timeout_begins_anew_whenever_the_peer_takes_some(
    pair: Pair, threads: Threads
) -> None:
    stream, peer = pair
    body = bytes(12 * MEGABYTE)
    stopped = threading.Event()

    def receive_slowly() -> int:
        received = 0
        target = bytearray(MEGABYTE)
        while received < len(body):
            # A slow peer, not a wait for something: nobody sets the event.
            stopped.wait(0.12)
            received += peer.recv_into(target, flags=socket.MSG_WAITALL)
        return received

    before = time.monotonic()
    received = threads.submit(receive_slowly)
    stream.write(body, timeout=1)
    assert received.result(10) == len(body)
    assert time.monotonic() - before > 1


def test_after_a_failed_write_the_stream_refuses_to_write(pair: Pair) -> None:
    stream, _ = pair
    with pytest.raises(WriteTimeout):
        stream.write(bytes(64 * MEGABYTE), timeout=0)
    for timeout in (0, 5, None):
        with pytest.raises(WriteError, match="an earlier write failed"):
            stream.write(b"more", timeout=timeout)


def test_after_a_failed_write_the_stream_can_be_read(pair: Pair) -> None:
    stream, peer = pair
    with pytest.raises(WriteTimeout):
        stream.write(bytes(64 * MEGABYTE), timeout=0.02)
    peer.sendall(b"413 Content Too Large")
    assert stream.read(100, timeout=5) == b"413 Content Too Large"


def test_an_interrupted_write_is_a_failed_write() -> None:
    class Interrupted(socket.socket):
        def send(self, octets: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
            raise KeyboardInterrupt

    ours, peer = socket.socketpair()
    with peer, Interrupted(fileno=ours.detach()) as sock:
        stream = SyncStream(sock)
        with pytest.raises(KeyboardInterrupt):
            stream.write(b"first", timeout=5)
        with pytest.raises(WriteError, match="an earlier write failed"):
            stream.write(b"second", timeout=5)


def test_a_peer_that_is_gone_is_a_write_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = SyncStream(socket.create_connection(listener.getsockname()))
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    with pytest.raises(WriteError, match=r"reset|Broken pipe") as caught:
        stream.write(b"x", timeout=5)
    assert isinstance(caught.value.__cause__, OSError)
    stream.close()


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_a_socket_closed_behind_our_back_is_a_write_error(
    kind: str, request: pytest.FixtureRequest
) -> None:
    stream, _ = request.getfixturevalue(f"{kind}_pair")
    stream.get_extra_info("socket").close()
    for timeout in (5, None, 0):
        with pytest.raises(WriteError):
            stream.write(b"x", timeout=timeout)


def test_what_is_no_buffer_is_a_type_error(pair: Pair) -> None:
    stream, _ = pair
    with pytest.raises(TypeError):
        stream.write("text", timeout=5)  # type: ignore[arg-type]  # the point of the test


def test_a_first_send_that_takes_a_part_is_continued_where_it_stopped() -> None:
    class Reluctant(socket.socket):
        def send(self, octets: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
            return super().send(memoryview(octets).cast("B")[:3])

    ours, peer = socket.socketpair()
    with peer, Reluctant(fileno=ours.detach()) as sock:
        stream = SyncStream(sock)
        for _ in range(2):
            stream.write(b"0123456789", timeout=5)
            assert receive(peer, 10) == b"0123456789"
        # Three bytes, as many as it has items: no reason to stop there.
        stream.write(memoryview(b"abcdefghijkl").cast("I"), timeout=5)
        assert receive(peer, 12) == b"abcdefghijkl"
