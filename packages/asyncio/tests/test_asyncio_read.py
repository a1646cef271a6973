import asyncio
import concurrent.futures
import math
import select
import socket
import ssl
import struct
import threading
import time

import pytest

from httpcore_asyncio import AsyncioStream
from httpcore_interface import ReadError, ReadTimeout

Pair = tuple[AsyncioStream, socket.socket]

pytestmark = pytest.mark.usefixtures("runner")

# How much sooner a timer may go off: uvloop counts whole milliseconds.
EARLY = 0.005


async def test_read_returns_what_has_come(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"hello")
    assert await stream.read(100, timeout=5) == b"hello"


async def test_read_returns_at_most_max_bytes(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"hello")
    assert [await stream.read(2, timeout=5) for _ in range(3)] == [b"he", b"ll", b"o"]


async def test_pieces_of_any_size_make_up_what_was_sent(
    pair: Pair, threads: concurrent.futures.ThreadPoolExecutor
) -> None:
    stream, peer = pair
    body = bytes(range(251)) * 8_000
    sending = threads.submit(peer.sendall, body)
    received = bytearray()
    sizes = [1, 7, 1000, 65_536, 300_000]
    while len(received) < len(body):
        size = sizes[len(received) % len(sizes)]
        piece = await stream.read(size, timeout=5)
        assert 1 <= len(piece) <= size
        received += piece
    assert received == body
    sending.result(5)


async def test_the_end_of_the_stream_reads_as_nothing_again_and_again(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"bye")
    peer.close()
    assert await stream.read(100, timeout=5) == b"bye"
    assert await stream.read(100, timeout=5) == b""
    assert await stream.read(100, timeout=0) == b""
    assert await stream.read(100, timeout=None) == b""


@pytest.mark.parametrize("timeout", [None, math.inf, 1e300, 1e10, 5, 5.0])
async def test_read_waits_for_what_comes_later(pair: Pair, timeout: float | None) -> None:
    stream, peer = pair
    await stream.write(b"ping", timeout=timeout)
    assert select.select([peer], [], [], 5)[0]
    reading = asyncio.create_task(stream.read(100, timeout=timeout))
    await asyncio.sleep(0)
    peer.sendall(b"pong")
    assert await reading == b"pong"
    assert stream.get_extra_info("is_readable") is False


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -math.inf, math.nan])
async def test_without_time_read_returns_only_what_is_there(pair: Pair, timeout: float) -> None:
    stream, peer = pair
    before = time.monotonic()
    with pytest.raises(ReadTimeout, match=f"within {timeout} seconds"):
        await stream.read(100, timeout=timeout)
    assert time.monotonic() - before < 5
    peer.sendall(b"now")
    # Nothing was asked of the loop in between: the system has it.
    assert await read_when_ready(stream, timeout) == b"now"


async def test_without_time_read_returns_what_the_system_has(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    for _ in range(20):
        peer.sendall(b"now")
        assert await stream.read(100, timeout=0) == b"now"


async def test_read_times_out_after_its_timeout(pair: Pair) -> None:
    stream, _ = pair
    before = time.monotonic()
    with pytest.raises(ReadTimeout, match=r"nothing came within 0\.05 seconds"):
        await stream.read(100, timeout=0.05)
    assert 0.05 - EARLY <= time.monotonic() - before < 1


async def test_each_read_has_its_own_timeout(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"ab")
    assert await stream.read(1, timeout=5) == b"a"
    assert await stream.read(1, timeout=None) == b"b"
    for timeout in (0.02, 0, 0.03, 0.01, 0.01, -1):
        before = time.monotonic()
        with pytest.raises(ReadTimeout):
            await stream.read(1, timeout=timeout)
        assert max(timeout - EARLY, 0) <= time.monotonic() - before < 1


async def test_a_shorter_timeout_is_not_that_of_the_read_before(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    reading = asyncio.create_task(stream.read(1, timeout=30))
    await asyncio.sleep(0)
    peer.sendall(b"a")
    assert await reading == b"a"
    before = time.monotonic()
    with pytest.raises(ReadTimeout):
        await stream.read(1, timeout=0.05)
    assert 0.05 - EARLY <= time.monotonic() - before < 1


async def test_a_longer_timeout_is_not_that_of_the_read_before(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    reading = asyncio.create_task(stream.read(1, timeout=0.05))
    await asyncio.sleep(0)
    peer.sendall(b"a")
    assert await reading == b"a"
    before = time.monotonic()
    with pytest.raises(ReadTimeout):
        await stream.read(1, timeout=0.15)
    assert 0.15 - EARLY <= time.monotonic() - before < 1
    # The timer of the first one has gone off meanwhile, and harmed nobody.
    reading = asyncio.create_task(stream.read(1, timeout=None))
    await asyncio.sleep(0)
    peer.sendall(b"b")
    assert await reading == b"b"


async def test_half_a_record_does_not_begin_the_timeout_anew(
    plain_pair: Pair,
    client_context: ssl.SSLContext,
    server_context: ssl.SSLContext,
    threads: concurrent.futures.ThreadPoolExecutor,
) -> None:
    stream, peer = plain_pair
    accepting = threads.submit(server_context.wrap_socket, peer.dup(), server_side=True)
    await stream.start_tls(client_context, "localhost", timeout=5)
    over = threading.Event()

    def trickle() -> None:
        # The beginning of a large record, a byte at a time.
        for octet in b"\x17\x03\x03\x3f\xff" + bytes(1000):
            peer.sendall(bytes([octet]))
            if over.wait(0.02):
                return

    with accepting.result(5):
        trickling = threads.submit(trickle)
        before = time.monotonic()
        with pytest.raises(ReadTimeout):
            await stream.read(100, timeout=0.15)
        assert 0.15 - EARLY <= time.monotonic() - before < 1
        over.set()
        trickling.result(5)


async def test_a_read_that_timed_out_has_lost_nothing(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"head")
    assert await stream.read(100, timeout=5) == b"head"
    with pytest.raises(ReadTimeout):
        await stream.read(100, timeout=0.01)
    peer.sendall(b"body")
    assert await stream.read(100, timeout=5) == b"body"
    await stream.write(b"fine", timeout=5)
    assert peer.recv(100) == b"fine"


async def test_a_loop_that_was_held_up_makes_no_read_time_out(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    reading = asyncio.create_task(stream.read(100, timeout=0.02))
    await asyncio.sleep(0)
    peer.sendall(b"in time")
    # What a program does that computes in its event loop.
    time.sleep(0.05)  # noqa: ASYNC251 - the point of the test
    assert await reading == b"in time"


@pytest.mark.parametrize("max_bytes", [0, -1])
async def test_read_of_less_than_a_byte_is_refused(pair: Pair, max_bytes: int) -> None:
    stream, peer = pair
    with pytest.raises(ValueError, match=f"max_bytes is {max_bytes}"):
        await stream.read(max_bytes, timeout=1)
    peer.sendall(b"x")
    assert await stream.read(1, timeout=5) == b"x"


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_a_connection_reset_by_the_peer_is_a_read_error(
    tcp_pair: Pair, timeout: float | None
) -> None:
    stream, peer = tcp_pair
    reset(peer)
    for _ in range(3):
        with pytest.raises(ReadError, match="reset by peer") as caught:
            await stream.read(100, timeout=timeout)
        assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_a_reset_while_a_read_waits_is_a_read_error(tcp_pair: Pair) -> None:
    stream, peer = tcp_pair
    reading = asyncio.create_task(stream.read(100))
    await asyncio.sleep(0)
    reset(peer)
    with pytest.raises(ReadError, match="reset by peer"):
        await reading


async def test_a_second_reader_is_refused_and_the_first_loses_nothing(pair: Pair) -> None:
    stream, peer = pair
    first = asyncio.create_task(stream.read(100, timeout=5))
    await asyncio.sleep(0)
    for timeout in (5, None, 0):
        with pytest.raises(ReadError, match="another task is reading this stream"):
            await stream.read(100, timeout=timeout)
    peer.sendall(b"for the first")
    assert await first == b"for the first"
    peer.sendall(b"again")
    assert await stream.read(100, timeout=5) == b"again"


async def test_readers_in_turn_get_all_bytes_between_them(pair: Pair) -> None:
    stream, peer = pair
    first = asyncio.create_task(stream.read(1, timeout=5))
    await asyncio.sleep(0)
    peer.sendall(b"ab")
    received = [await first]
    received.append(await asyncio.create_task(stream.read(1, timeout=5)))
    assert received == [b"a", b"b"]


async def read_when_ready(stream: AsyncioStream, timeout: float) -> bytes:
    """Tries again whenever something comes, which need not be data if it is TLS."""
    deadline = time.monotonic() + 5
    while True:
        try:
            return await stream.read(100, timeout=timeout)
        except ReadTimeout:
            assert time.monotonic() < deadline
            select.select([stream.get_extra_info("socket")], [], [], 5)
