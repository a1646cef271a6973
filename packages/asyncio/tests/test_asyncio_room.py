"""Waiting until there is room for a write, or something to read."""

import asyncio
import collections.abc
import math
import socket
import struct
import time

import pytest

from httpcore_asyncio import AsyncioStream
from httpcore_interface import WriteError, WriteTimeout

Pair = tuple[AsyncioStream, socket.socket]
Descriptors = collections.abc.Callable[[], int]

pytestmark = pytest.mark.usefixtures("runner")

TOO_MUCH = bytes(64 * 1024 * 1024)

# How much sooner a timer may go off: uvloop counts whole milliseconds.
EARLY = 0.005


def fill(stream: AsyncioStream) -> None:
    """Leaves no room, behind the back of the transport."""
    sock = stream.get_extra_info("socket")
    try:
        while True:
            sock.send(bytes(65536))
    except BlockingIOError:
        pass


def drain(peer: socket.socket) -> None:
    peer.settimeout(0)
    try:
        while peer.recv(1024 * 1024):
            pass
    except BlockingIOError:
        peer.settimeout(None)


@pytest.mark.parametrize("timeout", [None, math.inf, 1e10, 5, 0, -1])
async def test_where_there_is_room_nothing_is_waited_for(
    pair: Pair, timeout: float | None
) -> None:
    stream, _ = pair
    assert await stream.wait_writable(timeout) is True


@pytest.mark.parametrize("timeout", [None, math.inf, 1e10, 5])
async def test_the_wait_ends_with_room(plain_pair: Pair, timeout: float | None) -> None:
    stream, peer = plain_pair
    fill(stream)
    waiting = asyncio.create_task(stream.wait_writable(timeout))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    drain(peer)
    assert await waiting is True
    await stream.write(b"x" * 16384, timeout=0)


async def test_the_wait_ends_with_something_to_read(pair: Pair) -> None:
    stream, peer = pair
    with pytest.raises(WriteTimeout):
        await stream.write(TOO_MUCH, timeout=0.05)
    waiting = asyncio.create_task(stream.wait_writable(5))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    peer.sendall(b"an answer")
    assert await waiting is False
    assert await stream.read(100, timeout=5) == b"an answer"


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_what_can_be_read_already_is_not_waited_for(
    plain_pair: Pair, timeout: float | None
) -> None:
    stream, peer = plain_pair
    fill(stream)
    peer.sendall(b"an answer")
    assert await stream.wait_writable(timeout) is False
    assert await stream.read(100, timeout=5) == b"an answer"


async def test_the_wait_ends_with_the_stream(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    fill(stream)
    waiting = asyncio.create_task(stream.wait_writable(5))
    await asyncio.sleep(0)
    peer.shutdown(socket.SHUT_WR)
    assert await waiting is False
    assert await stream.read(100, timeout=5) == b""


async def test_the_wait_ends_when_the_peer_is_gone(tcp_pair: Pair) -> None:
    stream, peer = tcp_pair
    fill(stream)
    waiting = asyncio.create_task(stream.wait_writable(5))
    await asyncio.sleep(0)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    assert await waiting is True
    # That is what it was waiting for.
    with pytest.raises(WriteError):
        await stream.write(b"x", timeout=5)


@pytest.mark.parametrize("timeout", [0.05, 0, -1])
async def test_the_wait_times_out(pair: Pair, timeout: float, descriptors: Descriptors) -> None:
    stream, _ = pair
    with pytest.raises(WriteTimeout):
        await stream.write(TOO_MUCH, timeout=0.05)
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(WriteTimeout, match=f"took no bytes for {timeout} seconds"):
        await stream.wait_writable(timeout)
    assert max(timeout - EARLY, 0) <= time.monotonic() - before < 1
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [0.05, 0, -1])
async def test_the_wait_for_a_full_system_times_out(
    plain_pair: Pair, timeout: float, descriptors: Descriptors
) -> None:
    stream, _ = plain_pair
    fill(stream)
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(WriteTimeout, match=f"took no bytes for {timeout} seconds"):
        await stream.wait_writable(timeout)
    assert max(timeout - EARLY, 0) <= time.monotonic() - before < 1
    assert descriptors() == count


async def test_a_wait_that_timed_out_leaves_the_stream_alone(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    fill(stream)
    with pytest.raises(WriteTimeout):
        await stream.wait_writable(0.01)
    drain(peer)
    await stream.write(b"fine", timeout=5)
    assert peer.recv(100) == b"fine"


async def test_closing_ends_the_wait(plain_pair: Pair, descriptors: Descriptors) -> None:
    stream, _ = plain_pair
    count = descriptors()
    fill(stream)
    waiting = asyncio.create_task(stream.wait_writable())
    await asyncio.sleep(0)
    await stream.aclose()
    with pytest.raises(WriteError, match="closed on this side"):
        await waiting
    with pytest.raises(WriteError, match="closed on this side"):
        await stream.wait_writable()
    assert descriptors() == count - 1


async def test_a_cancelled_wait_leaves_nothing_behind(
    plain_pair: Pair, descriptors: Descriptors
) -> None:
    stream, peer = plain_pair
    fill(stream)
    count = descriptors()
    waiting = asyncio.create_task(stream.wait_writable())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert descriptors() == count
    drain(peer)
    await stream.write(b"fine", timeout=5)
    assert peer.recv(100) == b"fine"


async def test_room_is_waited_for_beside_a_read(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    fill(stream)
    reading = asyncio.create_task(stream.read(100, timeout=5))
    waiting = asyncio.create_task(stream.wait_writable(5))
    await asyncio.sleep(0)
    drain(peer)
    assert await waiting is True
    peer.sendall(b"for the reader")
    assert await reading == b"for the reader"


async def test_room_is_not_waited_for_beside_a_write(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    writing = asyncio.create_task(stream.write(TOO_MUCH, timeout=5))
    await asyncio.sleep(0)
    with pytest.raises(WriteError, match="another task is writing"):
        await stream.wait_writable(5)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    fill(stream)
    waiting = asyncio.create_task(stream.wait_writable(5))
    await asyncio.sleep(0)
    with pytest.raises(WriteError):
        await stream.write(b"x", timeout=5)
    peer.close()
    await waiting


async def test_room_comes_when_the_transport_has_got_rid_of_its_own(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    with pytest.raises(WriteTimeout):
        await stream.write(bytes(1024 * 1024), timeout=0)
    waiting = asyncio.create_task(stream.wait_writable(5))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    before = time.monotonic()
    drain(peer)
    await asyncio.sleep(0)
    drain(peer)
    assert await waiting is True
    assert time.monotonic() - before < 2


async def test_a_loop_that_watches_no_sockets_looks_now_and_then(
    plain_pair: Pair, monkeypatch: pytest.MonkeyPatch, descriptors: Descriptors
) -> None:
    # Windows' Proactor is one.
    def refuse(loop: object, descriptor: object, callback: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(type(asyncio.get_running_loop()), "add_writer", refuse)
    stream, peer = plain_pair
    fill(stream)
    count = descriptors()
    with pytest.raises(WriteTimeout):
        await stream.wait_writable(0.05)
    waiting = asyncio.create_task(stream.wait_writable(5))
    await asyncio.sleep(0.01)
    before = time.monotonic()
    drain(peer)
    assert await waiting is True
    assert time.monotonic() - before < 2
    assert descriptors() == count


async def test_waiting_costs_no_cpu(plain_pair: Pair) -> None:
    stream, _ = plain_pair
    with pytest.raises(WriteTimeout):
        await stream.write(TOO_MUCH, timeout=0.05)
    before = time.process_time()
    with pytest.raises(WriteTimeout):
        await stream.wait_writable(0.3)
    assert time.process_time() - before < 0.1
