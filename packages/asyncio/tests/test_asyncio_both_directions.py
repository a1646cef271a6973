import asyncio
import concurrent.futures
import contextlib
import hashlib
import socket
import time

import pytest

from httpcore_asyncio import AsyncioStream
from httpcore_interface import ReadError, ReadTimeout, WriteError, WriteTimeout

Pair = tuple[AsyncioStream, socket.socket]
Threads = concurrent.futures.ThreadPoolExecutor

pytestmark = pytest.mark.usefixtures("runner")

MEGABYTE = 1024 * 1024
TOO_MUCH = bytes(64 * MEGABYTE)


async def test_a_write_has_its_own_timeout_beside_a_read(pair: Pair) -> None:
    stream, peer = pair
    reading = asyncio.create_task(stream.read(100, 30))
    await asyncio.sleep(0)
    before = time.monotonic()
    with pytest.raises(WriteTimeout):
        await stream.write(TOO_MUCH, timeout=0.05)
    assert time.monotonic() - before < 2
    assert not reading.done()
    peer.sendall(b"for the reader")
    assert await reading == b"for the reader"


async def test_a_read_has_its_own_timeout_beside_a_write(pair: Pair) -> None:
    stream, peer = pair
    writing = asyncio.create_task(stream.write(TOO_MUCH, 30))
    await asyncio.sleep(0)
    for timeout in (0.05, 0, -1):
        before = time.monotonic()
        with pytest.raises(ReadTimeout):
            await stream.read(100, timeout=timeout)
        assert time.monotonic() - before < 2
    peer.sendall(b"for the reader")
    assert await stream.read(100, timeout=30) == b"for the reader"
    writing.cancel()


async def test_a_write_that_waits_lets_a_read_through(pair: Pair) -> None:
    stream, peer = pair
    writing = asyncio.create_task(stream.write(TOO_MUCH, 0.3))
    await asyncio.sleep(0)
    for _ in range(20):
        peer.sendall(b"x")
        assert await stream.read(1, timeout=5) == b"x"
    with pytest.raises(WriteTimeout):
        await writing


async def test_a_read_that_waits_lets_a_write_through(pair: Pair) -> None:
    stream, peer = pair
    reading = asyncio.create_task(stream.read(100, None))
    await asyncio.sleep(0)
    for _ in range(20):
        await stream.write(b"x", timeout=5)
        assert peer.recv(1) == b"x"
    peer.sendall(b"y")
    assert await reading == b"y"


async def test_a_read_beside_a_write_sees_the_end_of_the_stream(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    writing = asyncio.create_task(stream.write(TOO_MUCH, 30))
    await asyncio.sleep(0)
    peer.shutdown(socket.SHUT_WR)
    assert await stream.read(100, timeout=5) == b""
    peer.close()
    with pytest.raises(WriteError):
        await writing


async def test_after_the_end_of_the_stream_it_can_be_written(
    plain_pair: Pair, threads: Threads
) -> None:
    stream, peer = plain_pair
    peer.shutdown(socket.SHUT_WR)
    assert await stream.read(100, timeout=5) == b""
    size = 3 * MEGABYTE
    receiving = threads.submit(peer.recv, size, socket.MSG_WAITALL)
    await stream.write(bytes(size), timeout=5)
    assert len(receiving.result(5)) == size
    assert await stream.read(100, timeout=5) == b""


async def test_both_directions_fail_when_the_peer_is_gone(pair: Pair) -> None:
    stream, peer = pair
    writing = asyncio.create_task(stream.write(TOO_MUCH, 30))
    await asyncio.sleep(0)
    peer.sendall(b"x")
    assert await stream.read(100, timeout=5) == b"x"
    peer.close()
    with pytest.raises(WriteError):
        await writing
    # The end or an error, depending on what the peer left unread.
    with contextlib.suppress(ReadError):
        assert await stream.read(100, timeout=5) == b""


@pytest.mark.parametrize("timeouts", [(5,), (None,), (5, None, 6)])
async def test_both_directions_at_once_mix_nothing_up(
    pair: Pair, threads: Threads, timeouts: tuple[float | None, ...]
) -> None:
    stream, peer = pair
    size = 2 * MEGABYTE
    upload = bytes(range(251)) * (size // 251)
    download = bytes(reversed(range(251))) * (size // 251)

    async def write() -> None:
        for number, start in enumerate(range(0, len(upload), 10_007)):
            timeout = timeouts[number % len(timeouts)]
            await stream.write(upload[start : start + 10_007], timeout=timeout)

    async def read() -> bytes:
        received = bytearray()
        while len(received) < len(download):
            timeout = timeouts[len(received) % len(timeouts)]
            received += await stream.read(7_919, timeout=timeout)
        return bytes(received)

    def receive() -> bytes:
        received = bytearray()
        while len(received) < len(upload):
            received += peer.recv(65536)
        return bytes(received)

    receiving = threads.submit(receive)
    sending = threads.submit(peer.sendall, download)
    _, received = await asyncio.gather(write(), read())
    sending.result(10)
    assert hashlib.sha256(received).digest() == hashlib.sha256(download).digest()
    assert hashlib.sha256(receiving.result(10)).digest() == hashlib.sha256(upload).digest()


async def test_what_nobody_reads_keeps_the_peer_waiting(pair: Pair, threads: Threads) -> None:
    stream, peer = pair
    body = bytes(range(256)) * (16 * MEGABYTE // 256)
    sending = threads.submit(peer.sendall, body)
    # The peer has all the time it needs.
    await asyncio.wait([asyncio.wrap_future(sending)], timeout=0.2)
    assert not sending.done()
    # What the program holds; the system and the terminators hold some, too.
    assert stream._protocol._size <= 2 * 256 * 1024
    received = bytearray()
    while len(received) < len(body):
        received += await stream.read(65536, timeout=5)
    assert received == body
    sending.result(5)
