"""Cancelling each operation, at each of its suspensions."""

import collections.abc
import contextlib
import pathlib
import socket
import ssl
import typing

import pytest
import trio
import trio.testing

from httpcore_interface import ReadTimeout, WriteError
from httpcore_trio import TrioBackend, TrioStream

Pair = tuple[TrioStream, socket.socket]
Terminate = collections.abc.Callable[[socket.socket], socket.socket]
Descriptors = collections.abc.Callable[[], int]
Result = typing.TypeVar("Result")

MEGABYTE = 1024 * 1024
TOO_MUCH = bytes(64 * MEGABYTE)

TIMEOUTS = pytest.mark.parametrize("timeout", [None, 20])
KINDS = pytest.mark.parametrize("kind", ["plain", "tls", "tls in tls"])


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
    """Runs a coroutine; whether it was cancelled, at its k-th suspension."""
    with trio.CancelScope() as scope:
        await CancelledAt(coroutine, k, scope.cancel)
    return scope.cancelled_caught


@TIMEOUTS
@pytest.mark.parametrize(("host", "number"), [("127.0.0.1", 1), ("one", 1), ("two", 2)])
async def test_a_cancelled_connect_leaves_no_socket_open(
    listener: socket.socket,
    descriptors: Descriptors,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    number: int,
    timeout: float | None,
) -> None:
    # A real resolver that is left to itself may have files open.
    addresses = [
        (family, socket.SOCK_STREAM, 6, "", (to, listener.getsockname()[1]))
        for family, to in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"))
    ]

    def look_up(name: str, port: int, *arguments: int) -> list[object]:
        if name != "127.0.0.1" and arguments[-1] & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        return [*addresses[-number:]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    streams: list[TrioStream] = []

    async def connect() -> None:
        streams.append(await TrioBackend().connect_tcp(host, 80, timeout))

    # So that trio has its thread, and what that needs, already.
    await connect()
    count = descriptors()
    await streams.pop().aclose()
    k = 1
    while await cancelled_at(k, connect()):
        assert not streams
        assert descriptors() == count - 1
        k += 1
    # The name is resolved in a thread, and several addresses have a task each.
    assert k > {"127.0.0.1": 0, "one": 1, "two": 2}[host]
    await streams.pop().aclose()


@TIMEOUTS
async def test_a_cancelled_wait_for_a_connect_leaves_no_socket_open(
    blackhole: tuple[str, int], descriptors: Descriptors, timeout: float | None
) -> None:
    count = descriptors()
    assert await cancelled_at(1, TrioBackend().connect_tcp(*blackhole, timeout))
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
            assert await cancelled_at(k, TrioBackend().connect_unix_socket(path, timeout))
            assert descriptors() == count


@TIMEOUTS
@KINDS
async def test_a_cancelled_handshake_leaves_no_socket_open(
    kind: str,
    terminate: Terminate,
    client_context: ssl.SSLContext,
    timeout: float | None,
) -> None:
    k = 1
    is_over = False
    while not is_over:
        ours, peer = socket.socketpair()
        stream = TrioStream(ours)
        for _ in range(("plain", "tls", "tls in tls").index(kind)):
            peer = terminate(peer)
            await stream.start_tls(client_context, "localhost", 5)
        with trio.CancelScope() as scope:
            suspensions = 0

            def step() -> None:
                nonlocal suspensions
                suspensions += 1
                if suspensions == 1 and k > 1:  # noqa: B023 - called in this round only
                    # Not before, or its answer might be here already.
                    terminate(peer)  # noqa: B023 - likewise
                if suspensions == k:  # noqa: B023 - likewise
                    scope.cancel()

            await CancelledAt(stream.start_tls(client_context, "localhost", timeout), 1, step)
            is_over = True
        if k == 1:
            peer.close()
        assert is_over or ours.fileno() == -1
        assert stream.get_extra_info("is_readable") is not is_over
        k += 1
    assert k > 2
    await stream.aclose()


@TIMEOUTS
async def test_a_cancelled_read_has_lost_no_bytes(pair: Pair, timeout: float | None) -> None:
    stream, peer = pair
    sent = bytes(range(256)) * 64
    received = bytearray()

    async def read() -> None:
        # Whatever comes after the read must not be cancelled.
        received.extend(await stream.read(500, timeout))

    cancelled = 0
    for start in range(0, len(sent), 1024):
        # Nothing is there yet, something comes at the very moment, and all is there.
        cancelled += await cancelled_at(1, read())
        with trio.CancelScope() as scope:
            scope.cancel()
            await read()
        cancelled += scope.cancelled_caught
        peer.sendall(sent[start : start + 1024])
        for _ in range(3):
            cancelled += await cancelled_at(1, read())
    assert cancelled > 30
    while len(received) < len(sent):
        received += await stream.read(65536, 5)
    assert received == sent
    with pytest.raises(ReadTimeout):
        await stream.read(1, 0)
    await stream.write(b"fine", 5)
    assert peer.recv(100) == b"fine"


@pytest.mark.parametrize("timeout", [None, 20, 0])
async def test_a_read_that_is_cancelled_before_it_begins_takes_nothing_when_it_is_due(
    plain_pair: Pair, timeout: float | None
) -> None:
    stream, peer = plain_pair
    peer.sendall(b"abcd")
    # One that need not wait is no checkpoint, the next one is.
    assert await stream.read(1, 5) == b"a"
    with trio.CancelScope() as scope:
        scope.cancel()
        await stream.read(1, timeout)
    assert scope.cancelled_caught
    assert await stream.read(100, 5) == b"bcd"


@TIMEOUTS
async def test_after_a_cancelled_write_the_stream_refuses_to_write(
    pair: Pair, timeout: float | None
) -> None:
    stream, peer = pair
    assert await cancelled_at(1, stream.write(TOO_MUCH, timeout))
    for timeout in (0, 5, None):
        with pytest.raises(WriteError, match="an earlier write failed"):
            await stream.write(b"more", timeout)
    peer.sendall(b"can be read")
    assert await stream.read(100, 5) == b"can be read"


async def test_a_write_that_was_cancelled_before_it_began_has_done_nothing(pair: Pair) -> None:
    stream, peer = pair
    cancelled = 0
    for _ in range(4):
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.write(b"x", 5)
        cancelled += scope.cancelled_caught
    # At least one of two in a row is a checkpoint.
    assert cancelled >= 2
    await stream.write(b"y", 5)
    received = b""
    while not received.endswith(b"y"):
        received += peer.recv(100)
    assert received == b"x" * (4 - cancelled) + b"y"


@pytest.mark.parametrize("operation", ["read", "write", "poll"])
async def test_operations_that_never_wait_hold_up_nobody(pair: Pair, operation: str) -> None:
    stream, peer = pair
    others = 0

    async def count() -> None:
        nonlocal others
        while True:
            await trio.lowlevel.checkpoint()
            others += 1

    if operation == "read":
        peer.sendall(b"x" * 100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        for _ in range(50):
            if operation == "read":
                assert await stream.read(1, 5) == b"x"
            elif operation == "write":
                await stream.write(b"x", 5)
            else:
                with contextlib.suppress(ReadTimeout):
                    await stream.read(2, 0)
        nursery.cancel_scope.cancel()
    assert others >= 20


async def test_a_request_and_its_answer_are_one_suspension(plain_pair: Pair) -> None:
    stream, peer = plain_pair

    async def exchange() -> None:
        await stream.write(b"request", 5)
        peer.sendall(b"answer")
        assert await stream.read(100, 5) == b"answer"

    for _ in range(3):
        # Not cancelled before the second suspension, which never comes.
        assert not await cancelled_at(2, exchange())
        assert peer.recv(100) == b"request"


async def test_an_answer_that_comes_later_is_waited_for_once(
    plain_pair: Pair, change_library: collections.abc.Callable[[str, object], None]
) -> None:
    stream, peer = plain_pair
    suspensions = 0

    async def fail() -> None:
        pytest.fail("the wait is checkpoint enough")

    change_library("checkpoint", fail)

    def answer() -> None:
        nonlocal suspensions
        suspensions += 1
        peer.sendall(b"answer")

    async def exchange() -> None:
        await stream.write(b"request", 5)
        assert await stream.read(100, 5) == b"answer"

    for number in range(1, 4):
        await CancelledAt(exchange(), 1, answer)
        assert suspensions == number


@TIMEOUTS
async def test_a_cancelled_wait_to_write_has_changed_nothing(
    plain_pair: Pair, timeout: float | None
) -> None:
    stream, peer = plain_pair
    sock = stream.get_extra_info("socket")
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(bytes(MEGABYTE))
    caught: list[type[BaseException]] = []

    async def wait() -> None:
        try:
            await stream.wait_writable(timeout)
        except BaseException as exc:
            caught.append(type(exc))
            raise

    assert await cancelled_at(1, wait())
    # No group of them.
    assert caught == [trio.Cancelled]
    while await trio.to_thread.run_sync(peer.recv, MEGABYTE):
        if stream.get_extra_info("is_writable"):
            break
    assert await stream.wait_writable(5) is True
    await stream.write(b"x", 5)


async def test_a_cancelled_close_has_closed(pair: Pair) -> None:
    stream, _ = pair
    sock = stream.get_extra_info("socket")
    with trio.CancelScope() as scope:
        scope.cancel()
        await stream.aclose()
    assert sock.fileno() == -1


@pytest.mark.parametrize("operation", ["connect", "handshake", "read", "write", "wait"])
async def test_a_deadline_of_the_caller_is_no_timeout_of_ours(
    plain_pair: Pair,
    blackhole: tuple[str, int],
    client_context: ssl.SSLContext,
    operation: str,
) -> None:
    stream, _ = plain_pair
    if operation == "wait":
        with contextlib.suppress(BlockingIOError):
            while True:
                stream.get_extra_info("socket").send(bytes(MEGABYTE))
    calls: dict[str, collections.abc.Callable[[], collections.abc.Awaitable[object]]] = {
        "connect": lambda: TrioBackend().connect_tcp(*blackhole, timeout=20),
        "handshake": lambda: stream.start_tls(client_context, "localhost", timeout=20),
        "read": lambda: stream.read(100, timeout=20),
        "write": lambda: stream.write(TOO_MUCH, timeout=20),
        "wait": lambda: stream.wait_writable(timeout=20),
    }
    with pytest.raises(trio.TooSlowError), trio.fail_after(0.05):
        await calls[operation]()
