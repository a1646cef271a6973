"""What asyncio's own cancellation does to each operation, at each of its suspensions."""

import asyncio
import collections.abc
import contextlib
import pathlib
import socket
import ssl
import typing

import pytest

from httpcore_anyio import AnyIOBackend, AnyIOStream
from httpcore_interface import ReadTimeout, WriteError

Pair = tuple[AnyIOStream, socket.socket]
Terminate = collections.abc.Callable[[socket.socket], socket.socket]
Descriptors = collections.abc.Callable[[], int]
Result = typing.TypeVar("Result")

MEGABYTE = 1024 * 1024
TOO_MUCH = bytes(64 * MEGABYTE)

TIMEOUTS = pytest.mark.parametrize("timeout", [None, 20])

# Trio has no other cancellation than the one by scopes.
ON_LOOPS = "asyncio"


class CancelledAt(typing.Generic[Result]):
    """Awaits a coroutine, and cancels it when it suspends for the k-th time.

    Args:
        coroutine: What is awaited.
        k: When to cancel, from 1; then again whenever it suspends after that.
        cancel: What cancels it.
    """

    def __init__(
        self,
        coroutine: collections.abc.Coroutine[object, object, Result],
        k: int,
        cancel: collections.abc.Callable[[], object],
    ) -> None:
        self.coroutine, self.k, self.cancel = coroutine, k, cancel

    def __await__(self) -> collections.abc.Generator[object, object, Result]:
        error: BaseException | None = None
        sent: object = None
        while True:
            try:
                if error is None:
                    yielded = self.coroutine.send(sent)
                else:
                    yielded = self.coroutine.throw(error)
            except StopIteration as stop:
                return typing.cast("Result", stop.value)
            self.k -= 1
            if self.k <= 0:
                self.cancel()
            try:
                sent, error = (yield yielded), None
            except BaseException as exc:
                sent, error = None, exc


async def cancelled_at(
    k: int, coroutine: collections.abc.Coroutine[object, object, object]
) -> bool:
    """Runs a coroutine in a task; whether it was cancelled, at its k-th suspension."""

    async def main() -> None:
        await CancelledAt(coroutine, k, task.cancel)

    before = asyncio.all_tasks()
    task = asyncio.create_task(main())
    await asyncio.wait([task])
    assert asyncio.all_tasks() == before
    if not task.cancelled():
        assert task.exception() is None
    return task.cancelled()


@TIMEOUTS
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_cancelled_connect_leaves_no_socket_open(
    blackhole: tuple[str, int],
    descriptors: Descriptors,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    timeout: float | None,
) -> None:
    # One wait for the resolver, and one for each address.
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", blackhole)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: [entry] * number)
    monkeypatch.setattr("httpcore_interface.scoped._connect.CONNECTION_ATTEMPT_DELAY", 0.01)
    await cancelled_at(1, AnyIOBackend().connect_tcp("name.test", 80, timeout))
    count = descriptors()
    for k in range(1, number + 2):
        assert await cancelled_at(k, AnyIOBackend().connect_tcp("name.test", 80, timeout))
        assert descriptors() == count


@TIMEOUTS
async def test_a_cancelled_connect_to_a_unix_server_leaves_no_socket_open(
    tmp_path: pathlib.Path, descriptors: Descriptors, timeout: float | None
) -> None:
    path = str(tmp_path / "socket")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(path)
        server.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                sock = stack.enter_context(socket.socket(socket.AF_UNIX))
                sock.setblocking(False)
                sock.connect(path)
        count = descriptors()
        for k in range(1, 4):
            assert await cancelled_at(k, AnyIOBackend().connect_unix_socket(path, timeout))
            assert descriptors() == count


@TIMEOUTS
async def test_a_cancelled_handshake_leaves_no_socket_open(
    plain_pair: Pair, client_context: ssl.SSLContext, timeout: float | None
) -> None:
    stream, _ = plain_pair
    sock = stream.get_extra_info("socket")
    assert await cancelled_at(1, stream.start_tls(client_context, "localhost", timeout))
    assert sock.fileno() == -1


@TIMEOUTS
async def test_a_cancelled_read_has_lost_no_bytes(pair: Pair, timeout: float | None) -> None:
    stream, peer = pair
    sent = bytes(range(256)) * 16
    received = bytearray()

    async def read() -> None:
        received.extend(await stream.read(500, timeout))

    cancelled = 0
    for start in range(0, len(sent), 1024):
        cancelled += await cancelled_at(1, read())
        peer.sendall(sent[start : start + 1024])
        for _ in range(3):
            cancelled += await cancelled_at(1, read())
    assert cancelled > 4
    while len(received) < len(sent):
        received += await stream.read(65536, 5)
    assert received == sent


@TIMEOUTS
async def test_after_a_cancelled_write_the_stream_refuses_to_write(
    pair: Pair, timeout: float | None
) -> None:
    stream, peer = pair
    assert await cancelled_at(1, stream.write(TOO_MUCH, timeout))
    with pytest.raises(WriteError, match="an earlier write failed"):
        await stream.write(b"more", timeout)
    peer.sendall(b"can be read")
    assert await stream.read(100, 5) == b"can be read"


@TIMEOUTS
async def test_a_cancelled_wait_to_write_has_changed_nothing(
    plain_pair: Pair, timeout: float | None
) -> None:
    stream, _ = plain_pair
    with contextlib.suppress(BlockingIOError):
        while True:
            stream.get_extra_info("socket").send(bytes(MEGABYTE))
    # Again while the tasks that wait are ended, too.
    assert await cancelled_at(1, stream.wait_writable(timeout))


@pytest.mark.parametrize("operation", ["connect", "read", "write", "wait"])
async def test_a_timeout_of_asyncio_is_none_of_ours(
    plain_pair: Pair, blackhole: tuple[str, int], operation: str
) -> None:
    stream, _ = plain_pair
    if operation == "wait":
        with contextlib.suppress(BlockingIOError):
            while True:
                stream.get_extra_info("socket").send(bytes(MEGABYTE))
    calls: dict[str, collections.abc.Callable[[], collections.abc.Awaitable[object]]] = {
        "connect": lambda: AnyIOBackend().connect_tcp(*blackhole, timeout=20),
        "read": lambda: stream.read(100, timeout=20),
        "write": lambda: stream.write(TOO_MUCH, timeout=20),
        "wait": lambda: stream.wait_writable(timeout=20),
    }
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await calls[operation]()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_timeout_of_ours_within_one_of_asyncio_is_ours(plain_pair: Pair) -> None:
    stream, _ = plain_pair
    async with asyncio.timeout(20):
        with pytest.raises(ReadTimeout):
            await stream.read(100, timeout=0.02)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
