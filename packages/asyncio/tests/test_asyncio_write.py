import array
import asyncio
import concurrent.futures
import contextlib
import hashlib
import math
import mmap
import select
import socket
import ssl
import struct
import threading
import time
import tracemalloc

import pytest

from httpcore_asyncio import AsyncioStream
from httpcore_interface import WriteError, WriteTimeout

Pair = tuple[AsyncioStream, socket.socket]
Threads = concurrent.futures.ThreadPoolExecutor

pytestmark = pytest.mark.usefixtures("runner")

MEGABYTE = 1024 * 1024

# How much sooner a timer may go off: uvloop counts whole milliseconds.
EARLY = 0.005


def receive(peer: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        piece = peer.recv(MEGABYTE)
        assert piece, f"the stream ended after {len(received)} of {size} bytes"
        received += piece
    return bytes(received)


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


async def write_until_it_fails(stream: AsyncioStream, octets: bytes, timeout: float) -> None:
    for _ in range(1000):
        await stream.write(octets, timeout=timeout)


async def test_write_sends_all_of_a_large_buffer(pair: Pair, threads: Threads) -> None:
    stream, peer = pair
    body = bytes(range(256)) * (5 * MEGABYTE // 256)
    received = threads.submit(receive, peer, len(body))
    await stream.write(body, timeout=5)
    assert hashlib.sha256(received.result(5)).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("timeout", [None, math.inf, 1e10, 5])
async def test_writes_arrive_in_order(pair: Pair, timeout: float | None) -> None:
    stream, peer = pair
    for word in (b"one", b"two", b"three"):
        await stream.write(word, timeout=timeout)
    assert receive(peer, 11) == b"onetwothree"


async def test_a_write_that_is_over_has_left_the_program(
    plain_pair: Pair, threads: Threads
) -> None:
    stream, peer = plain_pair
    for size in (1, 2, 100, 300_000, 3 * MEGABYTE):
        received = threads.submit(receive, peer, size)
        await stream.write(bytes(size), timeout=5)
        # No loop runs meanwhile.
        assert len(received.result(5)) == size
    await stream.write(b"x", timeout=5)
    await stream.aclose()
    assert peer.recv(100) == b"x"


@pytest.mark.parametrize("size", [12, 3 * MEGABYTE], ids=["small", "large"])
@pytest.mark.parametrize(
    "kind", ["bytes", "bytearray", "memoryview", "items", "shape", "array", "mmap"]
)
async def test_any_buffer_can_be_written(
    pair: Pair, threads: Threads, kind: str, size: int
) -> None:
    stream, peer = pair
    octets = bytes(range(1, 13)) * (size // 12)
    received = threads.submit(receive, peer, len(octets))
    with contextlib.ExitStack() as stack:
        if kind == "mmap":
            mapped = stack.enter_context(mmap.mmap(-1, len(octets)))
            mapped[:] = octets
            await stream.write(mapped, timeout=5)
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
            await stream.write(buffer, timeout=5)  # type: ignore[arg-type]  # any buffer
    assert received.result(5) == octets


async def test_a_slice_of_a_buffer_can_be_written(pair: Pair) -> None:
    stream, peer = pair
    await stream.write(memoryview(bytearray(b"0123456789"))[2:5], timeout=5)
    await stream.write(memoryview(b"0123456789")[7:], timeout=5)
    assert receive(peer, 6) == b"234789"


@pytest.mark.parametrize("buffer", [b"", bytearray(), memoryview(b""), array.array("I")])
async def test_nothing_can_be_written(pair: Pair, buffer: bytes) -> None:
    stream, peer = pair
    await stream.write(buffer, timeout=0)
    await stream.write(b"after", timeout=5)
    assert receive(peer, 5) == b"after"


async def test_a_buffer_may_be_changed_once_it_is_written(pair: Pair, threads: Threads) -> None:
    stream, peer = pair
    buffer = bytearray(MEGABYTE)
    received = threads.submit(receive, peer, 5 * MEGABYTE)
    for number in range(5):
        buffer[:] = bytes([number]) * MEGABYTE
        await stream.write(buffer, timeout=5)
    buffer[:] = b"?" * MEGABYTE
    assert received.result(5) == b"".join(bytes([n]) * MEGABYTE for n in range(5))


async def test_a_written_buffer_is_let_go(pair: Pair) -> None:
    stream, _ = pair
    buffer = bytearray(64 * MEGABYTE)
    with pytest.raises(WriteTimeout) as caught:
        await stream.write(buffer, timeout=0.02)
    # Impossible while a view of it exists, in the traceback for example.
    buffer.append(0)
    assert caught.value.__traceback__ is not None


@pytest.mark.parametrize("kind", [bytes, bytearray])
async def test_a_large_buffer_is_not_copied_as_a_whole(
    pair: Pair, threads: Threads, kind: type[bytes]
) -> None:
    stream, peer = pair
    body = kind(8 * MEGABYTE)

    def count_and_drop() -> int:
        received = 0
        target = bytearray(65536)
        while received < len(body):
            received += peer.recv_into(target)
        return received

    received = threads.submit(count_and_drop)
    tracemalloc.start()
    try:
        await stream.write(body, timeout=5)
        received.result(5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MEGABYTE


async def test_write_times_out_when_the_peer_takes_nothing(pair: Pair) -> None:
    stream, _ = pair
    before = time.monotonic()
    with pytest.raises(WriteTimeout, match=r"took no bytes for 0\.05 seconds"):
        await stream.write(bytes(64 * MEGABYTE), timeout=0.05)
    assert 0.05 - EARLY <= time.monotonic() - before < 2


async def test_one_piece_times_out_like_many(plain_pair: Pair) -> None:
    stream, _ = plain_pair
    before = time.monotonic()
    with pytest.raises(WriteTimeout, match=r"took no bytes for 0\.05 seconds"):
        await write_until_it_fails(stream, bytes(100_000), timeout=0.05)
    assert 0.05 - EARLY <= time.monotonic() - before < 2


@pytest.mark.parametrize("timeout", [0, -1, -math.inf, math.nan])
async def test_without_time_write_sends_only_what_fits(pair: Pair, timeout: float) -> None:
    stream, peer = pair
    await stream.write(b"fits", timeout=timeout)
    assert receive(peer, 4) == b"fits"
    before = time.monotonic()
    with pytest.raises(WriteTimeout, match=f"for {timeout} seconds"):
        await stream.write(bytes(64 * MEGABYTE), timeout=timeout)
    assert time.monotonic() - before < 1


async def test_the_timeout_begins_anew_whenever_the_peer_takes_some(
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
            stopped.wait(0.05)
            received += peer.recv_into(target, flags=socket.MSG_WAITALL)
        return received

    before = time.monotonic()
    received = threads.submit(receive_slowly)
    await stream.write(body, timeout=0.3)
    assert received.result(5) == len(body)
    assert time.monotonic() - before > 0.3


async def test_the_timeout_begins_anew_within_one_piece(
    plain_pair: Pair, threads: Threads
) -> None:
    stream, peer = plain_pair
    # Until it is full to the brim.
    stream.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    stopped = threading.Event()
    size = 80_000

    def receive_slowly() -> int:
        received = 0
        while received < size:
            stopped.wait(0.02)
            received += len(peer.recv(2000))
        return received

    before = time.monotonic()
    received = threads.submit(receive_slowly)
    await stream.write(bytes(size), timeout=0.3)
    assert time.monotonic() - before > 0.6
    assert received.result(5) == size


async def test_a_write_that_stops_half_way_times_out_soon_after(
    plain_pair: Pair, threads: Threads
) -> None:
    stream, peer = plain_pair
    stream.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    stopped = threading.Event()

    def receive_some() -> float:
        for _ in range(5):
            stopped.wait(0.05)
            peer.recv(2000)
        return time.monotonic()

    receiving = threads.submit(receive_some)
    with pytest.raises(WriteTimeout):
        await stream.write(bytes(200_000), timeout=1)
    # Not twice as long, whenever the last byte was taken.
    assert 0.9 < time.monotonic() - receiving.result(5) < 1.6


async def test_after_a_failed_write_the_stream_refuses_to_write(pair: Pair) -> None:
    stream, _ = pair
    with pytest.raises(WriteTimeout):
        await stream.write(bytes(64 * MEGABYTE), timeout=0)
    for timeout in (0, 5, None):
        with pytest.raises(WriteError, match="an earlier write failed"):
            await stream.write(b"more", timeout=timeout)


async def test_after_a_failed_write_the_stream_can_be_read(pair: Pair) -> None:
    stream, peer = pair
    with pytest.raises(WriteTimeout):
        await stream.write(bytes(64 * MEGABYTE), timeout=0.02)
    peer.sendall(b"413 Content Too Large")
    assert await stream.read(100, timeout=5) == b"413 Content Too Large"


async def test_a_peer_that_is_gone_is_a_write_error(tcp_pair: Pair) -> None:
    stream, peer = tcp_pair
    reset(peer)
    with pytest.raises(WriteError, match=r"reset|Broken pipe") as caught:
        await stream.write(b"x", timeout=5)
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(WriteError):
        await stream.write(b"x", timeout=5)


@pytest.mark.parametrize("size", [1, 3 * MEGABYTE])
async def test_a_peer_that_is_known_to_be_gone_is_a_write_error(
    tcp_pair: Pair, size: int
) -> None:
    stream, peer = tcp_pair
    reset(peer)
    # The loop tells of it.
    for _ in range(5):
        await asyncio.sleep(0)
    with pytest.raises(WriteError, match="reset") as caught:
        await stream.write(bytes(size), timeout=5)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_a_blocked_write_fails_when_the_peer_is_gone(pair: Pair) -> None:
    stream, peer = pair
    writing = asyncio.create_task(stream.write(bytes(64 * MEGABYTE), timeout=30))
    assert await asyncio.to_thread(select.select, [peer], [], [], 5)
    peer.close()
    with pytest.raises(WriteError):
        await writing
    with pytest.raises(WriteError):
        await stream.write(b"x", timeout=5)


@pytest.mark.parametrize("is_held_up", [True, False])
async def test_the_answer_of_a_server_that_refuses_an_upload_can_be_read(
    tcp_pair: Pair, is_held_up: bool
) -> None:
    # It answers, and closes while we are sending: the system says so to the next write.
    stream, peer = tcp_pair
    await stream.write(b"x" * 1000, timeout=5)
    assert peer.recv(10)
    peer.sendall(b"413 Content Too Large")
    # With the rest unread, that is a reset.
    peer.close()
    if not is_held_up:
        await asyncio.sleep(0.01)
    with pytest.raises(WriteError):
        await write_until_it_fails(stream, b"x" * 1000, timeout=5)
    assert await stream.read(100, timeout=5) == b"413 Content Too Large"


async def test_what_is_no_buffer_is_a_type_error(pair: Pair) -> None:
    stream, _ = pair
    with pytest.raises(TypeError):
        await stream.write("text", timeout=5)  # type: ignore[arg-type]  # the point


async def test_a_second_writer_is_refused_and_the_first_goes_on(
    pair: Pair, threads: Threads
) -> None:
    stream, peer = pair
    body = bytes(64 * MEGABYTE)
    first = asyncio.create_task(stream.write(body, timeout=30))
    await asyncio.sleep(0)
    for _ in range(2):
        with pytest.raises(WriteError, match="another task is writing this stream"):
            await stream.write(b"between", timeout=5)
    received = threads.submit(receive, peer, len(body))
    await first
    assert received.result(10) == body
    await stream.write(b"after", timeout=5)
    assert receive(peer, 5) == b"after"


async def test_a_write_goes_on_when_tls_wants_to_hear_something_first(
    plain_pair: Pair,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    threads: Threads,
) -> None:
    # What a server asks for that wants a certificate in the middle (TLS 1.2).
    class Moody(ssl.SSLObject):
        moods = 2

        def write(self, octets: bytes) -> int:  # type: ignore[override]
            self.moods -= 1
            if self.moods >= 0:
                raise ssl.SSLWantReadError
            return super().write(octets)

    client_context.sslobject_class = Moody
    stream, encrypted = plain_pair
    accepting = threads.submit(server_context.wrap_socket, encrypted, server_side=True)
    await stream.start_tls(client_context, "localhost", timeout=5)
    with accepting.result(5) as peer:
        writing = asyncio.create_task(stream.write(b"ping", timeout=5))
        await asyncio.sleep(0.01)
        assert not writing.done()
        peer.sendall(b"go on")
        assert not writing.done()
        await asyncio.sleep(0.01)
        peer.sendall(b"really")
        await writing
        assert peer.recv(100) == b"ping"
        assert await stream.read(100, timeout=5) == b"go on"
        assert await stream.read(100, timeout=5) == b"really"


async def test_a_write_that_tls_holds_up_times_out(tls_pair: Pair) -> None:
    class Sulky(ssl.SSLObject):
        def write(self, octets: bytes) -> int:  # type: ignore[override]
            raise ssl.SSLWantReadError

    stream, _ = tls_pair
    stream.get_extra_info("ssl_object").__class__ = Sulky
    before = time.monotonic()
    with pytest.raises(WriteTimeout, match=r"for 0\.05 seconds"):
        await stream.write(b"x", timeout=0.05)
    assert 0.05 - EARLY <= time.monotonic() - before < 1


async def test_a_write_that_tls_holds_up_ends_with_the_connection(
    plain_pair: Pair,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    threads: Threads,
) -> None:
    class Sulky(ssl.SSLObject):
        def write(self, octets: bytes) -> int:  # type: ignore[override]
            raise ssl.SSLWantReadError

    client_context.sslobject_class = Sulky
    stream, encrypted = plain_pair
    accepting = threads.submit(server_context.wrap_socket, encrypted, server_side=True)
    await stream.start_tls(client_context, "localhost", timeout=5)
    with accepting.result(5):
        writing = asyncio.create_task(stream.write(b"ping", timeout=5))
        await asyncio.sleep(0)
    await stream.aclose()
    with pytest.raises(WriteError):
        await writing
