"""What the transport is told, and what is kept of what it tells."""

import asyncio
import collections.abc
import contextlib
import errno
import gc
import math
import socket
import weakref

import pytest

from httpcore_asyncio._adopt import adopt
from httpcore_asyncio._protocol import HIGH_WATER, StreamProtocol
from httpcore_asyncio._waiter import Waiter
from httpcore_interface import ReadError

pytestmark = pytest.mark.usefixtures("runner")


class PretendedTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def abort(self) -> None:
        self.calls.append("abort")


@pytest.fixture
def pair() -> collections.abc.Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


Sockets = tuple[socket.socket, socket.socket]


async def make(sock: socket.socket) -> tuple[StreamProtocol, PretendedTransport]:
    protocol, transport = StreamProtocol(asyncio.get_running_loop(), sock), PretendedTransport()
    protocol.connection_made(transport)
    return protocol, transport


def receive(protocol: StreamProtocol, octets: bytes) -> None:
    while octets:
        buffer = protocol.get_buffer(-1)
        count = min(len(buffer), len(octets))
        buffer[:count] = octets[:count]
        protocol.buffer_updated(count)
        octets = octets[count:]


async def test_bytes_are_taken_as_they_came(pair: Sockets) -> None:
    protocol, _ = await make(pair[0])
    assert protocol.take(10) is None
    receive(protocol, b"abc")
    receive(protocol, b"defg")
    assert protocol.has_news
    assert [protocol.take(2) for _ in range(5)] == [b"ab", b"c", b"de", b"fg", None]
    assert not protocol.has_news


async def test_a_large_piece_is_kept_whole(pair: Sockets) -> None:
    protocol, _ = await make(pair[0])
    body = bytes(range(251)) * 2000
    receive(protocol, body)
    taken = bytearray()
    while (octets := protocol.take(1000)) is not None:
        assert 0 < len(octets) <= 1000
        taken += octets
    assert taken == body


async def test_connections_share_a_buffer_and_nothing_that_was_in_it(pair: Sockets) -> None:
    first, _ = await make(pair[0])
    second, _ = await make(pair[1])
    receive(first, b"for the first")
    receive(second, b"for the second")
    assert first.take(100) == b"for the first"
    assert second.take(100) == b"for the second"


async def test_too_much_pauses_the_transport_until_half_of_it_is_taken(pair: Sockets) -> None:
    protocol, transport = await make(pair[0])
    receive(protocol, bytes(HIGH_WATER))
    assert transport.calls == []
    receive(protocol, b"x")
    receive(protocol, b"x")
    assert transport.calls == ["pause"]
    taken = 0
    while taken < HIGH_WATER // 2 + 2:
        assert transport.calls == ["pause"]
        taken += len(protocol.take(1000) or b"")
    assert transport.calls == ["pause", "resume"]
    while protocol.take(100_000):
        pass
    assert transport.calls == ["pause", "resume"]


async def test_a_connection_that_is_lost_is_not_resumed(pair: Sockets) -> None:
    protocol, transport = await make(pair[0])
    receive(protocol, bytes(2 * HIGH_WATER))
    protocol.connection_lost(None)
    while protocol.take(100_000):
        pass
    assert transport.calls == ["pause"]
    assert protocol.take(100) == b""


async def test_the_end_of_the_stream_keeps_the_transport_open(pair: Sockets) -> None:
    protocol, _ = await make(pair[0])
    receive(protocol, b"x")
    assert protocol.eof_received() is True
    assert protocol.take(100) == b"x"
    assert protocol.take(100) == b""
    # Whatever becomes of the connection.
    protocol.connection_lost(ConnectionResetError(errno.ECONNRESET, "reset"))
    assert protocol.take(100) == b""


FAILURES = pytest.mark.parametrize(
    ("failure", "is_end"),
    [(BrokenPipeError(errno.EPIPE, "pipe"), True), (ConnectionResetError("reset"), False)],
)


@FAILURES
async def test_what_the_system_still_has_of_a_failed_connection_is_taken_over(
    pair: Sockets, failure: OSError, is_end: bool
) -> None:
    ours, theirs = pair
    protocol, _ = await make(ours)
    receive(protocol, b"before")
    theirs.sendall(b"413 Content Too Large")
    theirs.close()
    protocol.connection_lost(failure)
    assert protocol.take(100) == b"before"
    assert protocol.take(100) == b"413 Content Too Large"
    with contextlib.nullcontext() if is_end else pytest.raises(ReadError, match="reset"):
        assert protocol.take(100) == b""


@FAILURES
async def test_without_an_end_a_failed_connection_is_a_read_error(
    pair: Sockets, failure: OSError, is_end: bool
) -> None:
    ours, theirs = pair
    protocol, _ = await make(ours)
    theirs.sendall(b"413")
    protocol.connection_lost(failure)
    assert protocol.take(100) == b"413"
    with pytest.raises(ReadError) as caught:
        protocol.take(100)
    assert caught.value.__cause__ is failure


async def test_what_was_closed_here_takes_nothing_over(pair: Sockets) -> None:
    ours, theirs = pair
    protocol, transport = await make(ours)
    theirs.sendall(b"413")
    protocol.close()
    assert transport.calls == ["abort"]
    protocol.connection_lost(ConnectionResetError("reset"))
    with pytest.raises(ReadError, match="closed on this side"):
        protocol.take(100)
    assert ours.recv(100) == b"413"


async def test_a_stream_that_is_forgotten_after_its_close_is_freed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        stream = await adopt(ours)
        sock = weakref.ref(ours)
        reading = asyncio.create_task(stream.read(1, 3600))
        await asyncio.sleep(0)
        await stream.aclose()
        await asyncio.wait([reading])
        assert isinstance(reading.exception(), ReadError)
        del ours, stream, reading
        for _ in range(3):
            await asyncio.sleep(0)
        gc.collect()
        assert sock() is None


def count_timers(loop: asyncio.AbstractEventLoop) -> int:
    if not isinstance(loop, asyncio.BaseEventLoop):
        pytest.skip("uvloop does not show its timers")
    # The fixture that runs the tests has one of its own.
    timers: list[asyncio.TimerHandle] = getattr(loop, "_scheduled", [])
    return sum("Waiter" in repr(timer) for timer in timers)


async def test_many_waits_have_one_timer() -> None:
    loop = asyncio.get_running_loop()
    waiter = Waiter(loop)
    for _ in range(50):
        future = waiter.start(loop.time() + 30)
        waiter.wake()
        assert await future is True
        waiter.stop()
    assert count_timers(loop) == 1
    waiter.close()


async def test_a_wait_for_ever_has_none() -> None:
    loop = asyncio.get_running_loop()
    waiter = Waiter(loop)
    future = waiter.start(math.inf)
    assert count_timers(loop) == 0
    waiter.wake()
    waiter.wake()
    assert await future is True
    waiter.stop()


async def test_a_timer_of_an_earlier_wait_does_not_end_a_later_one() -> None:
    loop = asyncio.get_running_loop()
    waiter = Waiter(loop)
    waiter.start(loop.time() + 0.01)
    waiter.stop()
    future = waiter.start(math.inf)
    await asyncio.sleep(0.03)
    assert not future.done()
    if isinstance(loop, asyncio.BaseEventLoop):
        assert count_timers(loop) == 0
    waiter.stop()
    began = loop.time()
    waiter.start(began + 0.01)
    waiter.stop()
    future = waiter.start(began + 0.05)
    assert await future is False
    assert loop.time() >= began + 0.05
    waiter.stop()


async def test_a_deadline_in_the_past_is_over_at_once() -> None:
    loop = asyncio.get_running_loop()
    waiter = Waiter(loop)
    assert await waiter.start(loop.time() - 10) is False
    waiter.stop()
    # Nobody waits: nobody is woken.
    waiter.wake()
