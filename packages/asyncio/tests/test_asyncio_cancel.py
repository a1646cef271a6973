"""Cancelling every operation wherever it waits: once, twice, early and late."""

import asyncio
import collections.abc
import contextlib
import os
import pathlib
import socket
import ssl
import time
import typing

import pytest

from httpcore_asyncio import AsyncioBackend, AsyncioStream
from httpcore_asyncio._adopt import adopt
from httpcore_interface import ReadError, ReadTimeout, WriteError

Pair = tuple[AsyncioStream, socket.socket]
Descriptors = collections.abc.Callable[[], int]
Operation = collections.abc.Coroutine[object, object, object]
NewLoop = collections.abc.Callable[[], asyncio.AbstractEventLoop]

pytestmark = pytest.mark.usefixtures("runner")

TOO_MUCH = bytes(64 * 1024 * 1024)


class Cancelled:
    """Runs an operation in its task, and cancels that where it waits.

    Args:
        operation: What is to be cancelled.
        first: At which of its waits, counted from 0.
        times: How many times: at that wait, and at those that follow.
        late: Whether what is waited for comes first, in the same round of the loop.
    """

    def __init__(self, operation: Operation, first: int, times: int, late: bool) -> None:
        self.operation, self.first, self.times, self.late = operation, first, times, late
        self.waits = 0

    def __await__(self) -> typing.Generator[object, object, object]:
        task = asyncio.current_task()
        assert task is not None
        steps = self.operation.__await__()
        step: collections.abc.Callable[[], object] = lambda: next(steps)  # noqa: E731
        while True:
            try:
                awaited = step()
            except StopIteration as stop:
                return stop.value
            if self.first <= self.waits < self.first + self.times:
                if self.late and isinstance(awaited, asyncio.Future):
                    # Before the task itself is told.
                    awaited.add_done_callback(lambda _: task.cancel())
                else:
                    task.cancel()
            self.waits += 1
            try:
                yield awaited
            except BaseException as exc:
                step = _throw(steps, exc)
            else:
                step = lambda: next(steps)  # noqa: E731


def _throw(
    steps: typing.Generator[object, object, object], exc: BaseException
) -> collections.abc.Callable[[], object]:
    return lambda: steps.throw(exc)


HOW = pytest.mark.parametrize(
    ("times", "late"), [(1, False), (2, False), (9, False), (1, True), (2, True)]
)


async def cancel_everywhere(
    make: collections.abc.Callable[[], Operation],
    check: collections.abc.Callable[[object], collections.abc.Awaitable[None]],
    times: int,
    late: bool,
) -> None:
    """Cancels an operation at its first wait, another at its second, and so on.

    Args:
        make: Makes one.
        check: Is told what came of it: a value or an exception.
        times: How many times it is cancelled.
        late: Whether what it waits for comes first.
    """
    before = asyncio.all_tasks()
    for first in range(100):
        cancelled = Cancelled(make(), first, times, late)

        async def run(cancelled: Cancelled = cancelled) -> object:
            return await cancelled

        task = asyncio.create_task(run())
        await asyncio.wait([task], timeout=10)
        outcome = task.exception() or task.result() if not task.cancelled() else None
        # What was left to the loop, it has done when it has gone round twice.
        for _ in range(3):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        await check(asyncio.CancelledError() if task.cancelled() else outcome)
        if cancelled.waits <= first:
            # It was over by then.
            return
    raise AssertionError("it never ends")


@HOW
@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize("kind", ["plain", "good", "raced"])
async def test_a_cancelled_connect_leaves_nothing_behind(
    listener: socket.socket,
    blackhole: tuple[str, int],
    monkeypatch: pytest.MonkeyPatch,
    descriptors: Descriptors,
    kind: str,
    timeout: float | None,
    times: int,
    late: bool,
) -> None:
    host, port = listener.getsockname()
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    good, dead, refused = (*entry, (host, port)), (*entry, blackhole), (*entry, (host, 1))
    addresses = {"good": [good, good], "raced": [dead, refused, dead, good]}.get(kind)
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 0.002)
    if addresses is not None:
        monkeypatch.setattr("httpcore_interface.Dial.literal_addresses", lambda dial: addresses)
    listener.setblocking(False)
    listener.listen(128)
    count = descriptors()
    connected = 0

    async def check(outcome: object) -> None:
        nonlocal connected
        if isinstance(outcome, AsyncioStream):
            connected += 1
            await outcome.aclose()
        else:
            assert isinstance(outcome, asyncio.CancelledError)
        with contextlib.suppress(BlockingIOError):
            while True:
                listener.accept()[0].close()
        assert descriptors() == count

    def make() -> Operation:
        return AsyncioBackend().connect_tcp(host, port, timeout=timeout)

    await cancel_everywhere(make, check, times, late)
    assert connected


@HOW
async def test_a_cancelled_resolution_leaves_nothing_behind(
    descriptors: Descriptors, listener: socket.socket, times: int, late: bool
) -> None:
    _, port = listener.getsockname()
    listener.setblocking(False)
    count = descriptors()

    async def check(outcome: object) -> None:
        if isinstance(outcome, AsyncioStream):
            await outcome.aclose()
        with contextlib.suppress(BlockingIOError):
            while True:
                listener.accept()[0].close()
        assert descriptors() == count

    def make() -> Operation:
        return AsyncioBackend().connect_tcp("localhost", port, timeout=5)

    await cancel_everywhere(make, check, times, late)


@HOW
async def test_a_cancelled_connect_to_a_unix_socket_leaves_nothing_behind(
    tmp_path: pathlib.Path, descriptors: Descriptors, times: int, late: bool
) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(0)
        server.setblocking(False)
        with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
            first.connect(path)
            second.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                second.connect(path)
            count = descriptors()

            async def check(outcome: object) -> None:
                if isinstance(outcome, AsyncioStream):
                    await outcome.aclose()
                assert descriptors() == count

            def make() -> Operation:
                return AsyncioBackend().connect_unix_socket(path, timeout=0.01)

            await cancel_everywhere(make, check, times, late)


@HOW
async def test_a_cancelled_handshake_leaves_nothing_behind(
    client_context: ssl.SSLContext,
    server_context: ssl.SSLContext,
    descriptors: Descriptors,
    times: int,
    late: bool,
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    count = 0
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context)
    host, port = server.sockets[0].getsockname()
    encrypted = 0

    async def check(outcome: object) -> None:
        nonlocal encrypted, count
        if isinstance(outcome, AsyncioStream):
            encrypted += 1
            await outcome.aclose()
        assert made[-1]._protocol.is_lost
        assert made[-1].get_extra_info("socket") is None
        # The server's side ends, too.
        deadline = time.monotonic() + 5
        while asyncio.all_tasks() != before or descriptors() != count:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.001)

    made: list[AsyncioStream] = []

    async def start(stream: AsyncioStream) -> AsyncioStream:
        return await stream.start_tls(client_context, "localhost", timeout=5)

    before = asyncio.all_tasks()
    count = descriptors()
    for first in range(50):
        sock = socket.create_connection((host, port))
        made.append(await adopt(sock))
        cancelled = Cancelled(start(made[-1]), first, times, late)

        async def run(cancelled: Cancelled = cancelled) -> object:
            return await cancelled

        task = asyncio.create_task(run())
        await asyncio.wait([task], timeout=10)
        for _ in range(3):
            await asyncio.sleep(0)
        await check(None if task.cancelled() else task.result())
        if cancelled.waits <= first:
            break
    assert encrypted
    server.close()
    await server.wait_closed()


class Observed(socket.socket):
    """Fails when it closes a descriptor that somebody else has closed already.

    By then it could be somebody else's again.
    """

    def close(self) -> None:
        if self.fileno() >= 0:
            os.fstat(self.fileno())
        super().close()


@pytest.mark.parametrize("family", ["tcp", "unix"])
async def test_a_socket_whose_adoption_was_cancelled_is_closed_once(
    listener: socket.socket, descriptors: Descriptors, family: str
) -> None:
    # uvloop before 0.23 may close what the socket believes to be its own.
    count = descriptors()
    if family == "tcp":
        ours, theirs = socket.create_connection(listener.getsockname()), listener.accept()[0]
    else:
        ours, theirs = socket.socketpair()
    sock = Observed(fileno=ours.detach())
    with theirs:
        task = asyncio.create_task(adopt(sock))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert theirs.recv(100) == b""
    assert sock.fileno() == -1
    assert descriptors() == count


@HOW
async def test_a_cancelled_read_loses_no_bytes(pair: Pair, times: int, late: bool) -> None:
    stream, peer = pair
    sent, received = bytearray(), bytearray()
    loop = asyncio.get_running_loop()

    def send(octets: bytes) -> None:
        peer.sendall(octets)
        sent.extend(octets)

    async def read() -> bytes:
        octets = await stream.read(3, timeout=5)
        received.extend(octets)
        return octets

    async def check(outcome: object) -> None:
        pass

    def make() -> Operation:
        # While it waits.
        loop.call_later(0.002, send, bytes([65 + len(sent) % 26]) * 7)
        return read()

    await cancel_everywhere(make, check, times, late)
    while len(received) < len(sent):
        received += await stream.read(100, timeout=5)
    await asyncio.sleep(0.01)
    while len(received) < len(sent):
        received += await stream.read(100, timeout=5)
    assert received == sent


async def test_after_a_cancelled_read_the_next_one_has_its_own_timeout(pair: Pair) -> None:
    stream, peer = pair
    reading = asyncio.create_task(stream.read(100, timeout=0.02))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    with pytest.raises(ReadTimeout):
        await stream.read(100, timeout=0.06)
    peer.sendall(b"x")
    assert await stream.read(100, timeout=5) == b"x"


@pytest.mark.parametrize("late", [True, False])
async def test_a_cancelled_write_is_a_failed_write(pair: Pair, late: bool) -> None:
    stream, peer = pair

    async def run() -> object:
        return await Cancelled(stream.write(TOO_MUCH, timeout=5), 0, 1, late)

    writing = asyncio.create_task(run())
    await asyncio.sleep(0)
    if late:
        peer.settimeout(0)
        while not writing.done():
            with contextlib.suppress(BlockingIOError):
                peer.recv(1024 * 1024)
            await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await writing
    for _ in range(2):
        with pytest.raises(WriteError, match="an earlier write failed"):
            await stream.write(b"x", timeout=5)
    # It can still be read, and closed.
    peer.settimeout(5)
    peer.sendall(b"y")
    assert await stream.read(100, timeout=5) == b"y"
    await stream.aclose()


async def test_a_small_write_is_over_before_it_could_be_cancelled(plain_pair: Pair) -> None:
    stream, peer = plain_pair

    async def run() -> object:
        return await Cancelled(stream.write(b"x"), 0, 9, late=False)

    await asyncio.create_task(run())
    assert peer.recv(100) == b"x"


@HOW
async def test_a_cancelled_close_has_closed(
    runner: asyncio.Runner, descriptors: Descriptors, times: int, late: bool
) -> None:
    peers: list[socket.socket] = []
    streams: list[AsyncioStream] = []
    count = descriptors()

    async def check(outcome: object) -> None:
        stream, peer = streams.pop(), peers.pop()
        with pytest.raises(ReadError, match="closed on this side"):
            await stream.read(100)
        assert peer.recv(100) == b""
        peer.close()
        await stream.aclose()
        assert descriptors() == count

    async def close() -> None:
        # Not a wait of the close itself, which has to begin.
        await streams[-1].aclose()

    def make() -> Operation:
        return close()

    for first in range(10):
        ours, theirs = socket.socketpair()
        streams.append(await adopt(ours))
        peers.append(theirs)
        cancelled = Cancelled(make(), first, times, late)

        async def run(cancelled: Cancelled = cancelled) -> object:
            return await cancelled

        task = asyncio.create_task(run())
        await asyncio.wait([task], timeout=10)
        await asyncio.sleep(0)
        await check(None)
        if cancelled.waits <= first:
            break


async def test_a_close_in_a_task_that_was_cancelled_has_closed(pair: Pair) -> None:
    stream, peer = pair

    async def read_and_close() -> None:
        try:
            await stream.read(100)
        finally:
            await stream.aclose()

    task = asyncio.create_task(read_and_close())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert stream._protocol.is_lost
    assert await asyncio.to_thread(peer.recv, 100) == b""


async def test_timeouts_around_an_operation_keep_their_meaning(
    pair: Pair, blackhole: tuple[str, int]
) -> None:
    stream, _ = pair
    task = asyncio.current_task()
    assert task is not None
    for operation in (
        lambda: stream.read(100, timeout=5),
        lambda: AsyncioBackend().connect_tcp(*blackhole, timeout=5),
        lambda: stream.write(TOO_MUCH, timeout=5),
        lambda: stream.start_tls(ssl.create_default_context(), "localhost", timeout=5),
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await operation()
        assert not task.cancelling()


async def test_a_connect_that_times_out_leaves_no_mark_on_its_task(
    blackhole: tuple[str, int],
) -> None:
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(Exception):
        await AsyncioBackend().connect_tcp(*blackhole, timeout=0.01)
    assert not task.cancelling()
    await asyncio.sleep(0)


async def test_a_cancellation_that_comes_with_the_timeout_is_not_swallowed(
    blackhole: tuple[str, int],
) -> None:
    task = asyncio.create_task(AsyncioBackend().connect_tcp(*blackhole, timeout=0.02))
    await asyncio.sleep(0)
    # Both are due in the same round of the loop.
    time.sleep(0.03)  # noqa: ASYNC251 - the point of the test
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
