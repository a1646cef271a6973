import asyncio
import collections.abc
import contextlib
import select
import socket
import ssl
import time

import pytest

from httpcore_asyncio import AsyncioStream
from httpcore_interface import ConnectError, ReadError, WriteError, WriteTimeout

Pair = tuple[AsyncioStream, socket.socket]
MakePair = collections.abc.Callable[[str], Pair]
Descriptors = collections.abc.Callable[[], int]

pytestmark = pytest.mark.usefixtures("runner")

CLOSED = "the stream was closed on this side"
TOO_MUCH = bytes(64 * 1024 * 1024)


async def test_close_ends_the_connection_for_the_peer(pair: Pair) -> None:
    stream, peer = pair
    await stream.aclose()
    assert select.select([peer], [], [], 5)[0]
    assert peer.recv(100) == b""


async def test_close_frees_the_descriptor(pair: Pair, descriptors: Descriptors) -> None:
    stream, _ = pair
    sock = stream.get_extra_info("socket")
    await stream.aclose()
    assert sock.fileno() == -1


async def test_close_can_be_repeated(pair: Pair) -> None:
    stream, _ = pair
    for _ in range(3):
        await stream.aclose()


async def test_close_can_be_called_by_many_at_once(pair: Pair) -> None:
    stream, _ = pair
    sock = stream.get_extra_info("socket")
    await asyncio.gather(*(stream.aclose() for _ in range(5)))
    assert sock.fileno() == -1


async def test_a_paused_connection_can_be_closed(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    sock = stream.get_extra_info("socket")
    peer.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            peer.send(bytes(65536))
            await asyncio.sleep(0)
    await stream.aclose()
    assert sock.fileno() == -1


async def test_a_connection_that_is_gone_can_be_closed(tcp_pair: Pair) -> None:
    stream, peer = tcp_pair
    peer.close()
    assert await stream.read(1) == b""
    await stream.aclose()


@pytest.mark.parametrize("timeout", [None, 5, 0, -1])
async def test_nothing_works_after_close(
    pair: Pair, client_context: ssl.SSLContext, timeout: float | None
) -> None:
    stream, peer = pair
    peer.sendall(b"unread")
    assert await stream.read(1, timeout=5) == b"u"
    await stream.aclose()
    for _ in range(2):
        with pytest.raises(ReadError, match=CLOSED):
            await stream.read(100, timeout=timeout)
        for octets in (b"x", bytearray(b"x"), b""):
            with pytest.raises(WriteError, match=CLOSED):
                await stream.write(octets, timeout=timeout)
        with pytest.raises(WriteError, match=CLOSED):
            await stream.wait_writable(timeout)
        with pytest.raises(ConnectError, match=CLOSED):
            await stream.start_tls(client_context, "localhost", timeout=timeout)


async def test_a_broken_stream_that_was_closed_says_that_it_is_closed(pair: Pair) -> None:
    stream, _ = pair
    with pytest.raises(WriteTimeout):
        await stream.write(TOO_MUCH, timeout=0)
    await stream.aclose()
    with pytest.raises(WriteError, match=CLOSED):
        await stream.write(b"x", timeout=5)


@pytest.mark.parametrize("timeout", [None, 30])
async def test_close_ends_a_read(pair: Pair, timeout: float | None) -> None:
    stream, _ = pair
    sock = stream.get_extra_info("socket")
    reading = asyncio.create_task(stream.read(100, timeout))
    await asyncio.sleep(0)
    await stream.aclose()
    with pytest.raises(ReadError, match=CLOSED):
        await reading
    assert sock.fileno() == -1


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("size", [1024 * 1024, len(TOO_MUCH)])
async def test_close_ends_a_write(pair: Pair, timeout: float | None, size: int) -> None:
    stream, _ = pair
    sock = stream.get_extra_info("socket")
    writing = asyncio.create_task(stream.write(bytes(size), timeout))
    await asyncio.sleep(0)
    await stream.aclose()
    with pytest.raises(WriteError, match=CLOSED):
        await writing
    assert sock.fileno() == -1


async def test_close_ends_a_read_and_a_write_at_once(pair: Pair) -> None:
    stream, peer = pair
    sock = stream.get_extra_info("socket")
    writing = asyncio.create_task(stream.write(TOO_MUCH, None))
    await asyncio.sleep(0)
    reading = asyncio.create_task(stream.read(100, 30))
    peer.sendall(b"x")
    assert await reading == b"x"
    reading = asyncio.create_task(stream.read(100, None))
    await asyncio.sleep(0)
    await stream.aclose()
    with pytest.raises(ReadError, match=CLOSED):
        await reading
    with pytest.raises(WriteError, match=CLOSED):
        await writing
    assert sock.fileno() == -1


@pytest.mark.parametrize("timeout", [None, 30])
async def test_close_ends_a_handshake(
    pair: Pair, client_context: ssl.SSLContext, timeout: float | None
) -> None:
    stream, peer = pair
    sock = stream.get_extra_info("socket")
    shaking = asyncio.create_task(stream.start_tls(client_context, "localhost", timeout))
    await asyncio.sleep(0)
    # The greeting of the client has come, and it waits for the answer.
    assert select.select([peer], [], [], 5)[0]
    await stream.aclose()
    with pytest.raises(ConnectError, match=CLOSED):
        await shaking
    assert sock.fileno() == -1


async def test_a_read_that_finds_its_stream_closed_gets_nothing_of_it(pair: Pair) -> None:
    stream, peer = pair
    reading = asyncio.create_task(stream.read(100))
    await asyncio.sleep(0)
    peer.sendall(b"too late")
    closing = asyncio.create_task(stream.aclose())
    with pytest.raises(ReadError, match=CLOSED):
        await reading
    await closing


async def test_close_of_an_encrypted_stream_does_not_wait_for_the_peer(
    plain_pair: Pair,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
) -> None:
    stream, encrypted = plain_pair
    accepting = asyncio.create_task(
        asyncio.to_thread(server_context.wrap_socket, encrypted, server_side=True)
    )
    await stream.start_tls(client_context, "localhost", timeout=5)
    with await accepting:
        before = time.monotonic()
        await stream.aclose()
        assert time.monotonic() - before < 5


async def test_close_takes_the_timers_down(plain_pair: Pair) -> None:
    stream, _ = plain_pair
    for operation in (stream.read(1, 3600), stream.write(TOO_MUCH, 3600)):
        task = asyncio.create_task(operation)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await stream.aclose()
    loop = asyncio.get_running_loop()
    # uvloop does not show its timers.
    timers = getattr(loop, "_scheduled", [])
    assert all(timer.cancelled() or timer.when() < loop.time() + 60 for timer in timers)
