"""Closing: at once, for good, whatever is under way, and when the loop has ended."""

import asyncio
import collections.abc
import contextlib
import gc
import socket
import ssl
import typing

import anyio
import anyio.lowlevel
import pytest
from anyio import wait_all_tasks_blocked

from httpcore_anyio import AnyIOBackend, AnyIOStream
from httpcore_interface import ConnectError, ReadError, WriteError, WriteTimeout

Pair = tuple[AnyIOStream, socket.socket]
Result = typing.TypeVar("Result")
Descriptors = collections.abc.Callable[[], int]

CLOSED = "the stream was closed on this side"
TOO_MUCH = bytes(64 * 1024 * 1024)

TIMEOUTS = pytest.mark.parametrize("timeout", [None, 20])


async def test_a_closed_stream_refuses_everything(
    pair: Pair, client_context: ssl.SSLContext
) -> None:
    stream, _ = pair
    for _ in range(3):
        await stream.aclose()
    for timeout in (0, 5, None):
        with pytest.raises(ReadError, match=CLOSED):
            await stream.read(100, timeout)
        with pytest.raises(WriteError, match=CLOSED):
            await stream.write(b"x", timeout)
        with pytest.raises(WriteError, match=CLOSED):
            await stream.write(b"", timeout)
        with pytest.raises(WriteError, match=CLOSED):
            await stream.wait_writable(timeout)
        with pytest.raises(ConnectError, match=CLOSED):
            await stream.start_tls(client_context, "localhost", timeout)


async def test_the_peer_sees_the_end(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    await stream.write(b"bye", 5)
    await stream.aclose()
    assert peer.recv(100) == b"bye"
    assert peer.recv(100) == b""


async def test_closing_does_not_suspend(pair: Pair) -> None:
    stream, _ = pair
    closing = stream.aclose()
    with pytest.raises(StopIteration):
        closing.send(None)


@TIMEOUTS
async def test_closing_ends_what_waits(pair: Pair, timeout: float | None) -> None:
    stream, _ = pair

    async def read() -> None:
        with pytest.raises(ReadError, match=CLOSED) as caught:
            await stream.read(100, timeout)
        assert caught.value.__cause__ is not None

    async def write() -> None:
        with pytest.raises(WriteError, match=CLOSED):
            await stream.write(TOO_MUCH, timeout)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            tasks.start_soon(write)
            await wait_all_tasks_blocked()
            await stream.aclose()


@TIMEOUTS
async def test_closing_ends_a_wait_to_write(plain_pair: Pair, timeout: float | None) -> None:
    stream, _ = plain_pair
    with contextlib.suppress(BlockingIOError):
        while True:
            stream.get_extra_info("socket").send(TOO_MUCH)

    async def wait() -> None:
        with pytest.raises(WriteError, match=CLOSED):
            await stream.wait_writable(timeout)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await wait_all_tasks_blocked()
            await stream.aclose()


@TIMEOUTS
async def test_closing_ends_a_handshake(
    plain_pair: Pair, client_context: ssl.SSLContext, timeout: float | None
) -> None:
    stream, _ = plain_pair

    async def shake_hands() -> None:
        with pytest.raises(ConnectError, match=CLOSED):
            await stream.start_tls(client_context, "localhost", timeout)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(shake_hands)
            await wait_all_tasks_blocked()
            with pytest.raises(ReadError, match="another task"):
                await stream.read(100, timeout)
            with pytest.raises(WriteError, match="another task"):
                await stream.write(b"x", timeout)
            await stream.aclose()


async def test_a_stream_in_use_is_not_encrypted(
    plain_pair: Pair, client_context: ssl.SSLContext
) -> None:
    stream, _ = plain_pair

    async def read() -> None:
        with pytest.raises(ReadError, match=CLOSED):
            await stream.read(100, 5)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await wait_all_tasks_blocked()
        with pytest.raises(ConnectError, match="another task is using this stream"):
            await stream.start_tls(client_context, "localhost", 5)


async def test_closing_between_the_turns_of_a_busy_task_is_noticed(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    peer.sendall(bytes(1000))

    async def read_on() -> None:
        while True:
            await stream.read(1, 0)

    async def write_on() -> None:
        while True:
            await stream.write(b"x", 5)

    async def read() -> None:
        with pytest.raises(ReadError, match=CLOSED):
            await read_on()

    async def write() -> None:
        with pytest.raises(WriteError, match=CLOSED):
            await write_on()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        tasks.start_soon(write)
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        await stream.aclose()


async def test_a_failed_write_does_not_hinder_closing(pair: Pair) -> None:
    stream, _ = pair
    sock = stream.get_extra_info("socket")
    with pytest.raises(WriteTimeout):
        await stream.write(TOO_MUCH, 0)
    await stream.aclose()
    assert sock.fileno() == -1


async def test_an_error_of_the_system_is_no_error_of_closing(plain_pair: Pair) -> None:
    class Failing(socket.socket):
        def close(self) -> None:
            super().close()
            raise OSError(5, "Input/output error")

    ours, peer = socket.socketpair()
    with peer:
        sock = Failing(fileno=ours.detach())
        await AnyIOStream(sock).aclose()
        assert sock.fileno() == -1


class Loop(typing.Protocol):
    """One of the event loops that anyio runs on."""

    def run(
        self, call: collections.abc.Callable[[], collections.abc.Awaitable[Result]]
    ) -> Result: ...


@pytest.mark.parametrize("error", [OSError, RuntimeError, ValueError])
async def test_an_error_of_the_loop_is_no_error_of_closing(
    plain_pair: Pair, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(sock: socket.socket) -> None:
        raise error

    stream, _ = plain_pair
    sock = stream.get_extra_info("socket")
    monkeypatch.setattr(anyio, "notify_closing", fail)
    await stream.aclose()
    assert sock.fileno() == -1


@pytest.mark.parametrize("kind", ["plain", "tls"])
@pytest.mark.parametrize("where", ["nowhere", "same", "trio", "asyncio"])
def test_a_stream_can_be_closed_after_its_loop(
    loop: Loop,
    make_pair: collections.abc.Callable[[str], Pair],
    kind: str,
    where: str,
) -> None:
    async def use() -> None:
        peer.sendall(b"x")
        assert await stream.read(1, 5) == b"x"

    # The TLS handshake has had a loop of its own.
    stream, peer = make_pair(kind)
    loop.run(use)
    sock = stream.get_extra_info("socket")
    assert stream.get_extra_info("is_writable") is True
    if where == "same":
        loop.run(stream.aclose)
    elif where == "nowhere":
        with pytest.raises(StopIteration):
            stream.aclose().send(None)
    else:
        anyio.run(stream.aclose, backend=where)
    assert sock.fileno() == -1
    assert stream.get_extra_info("is_readable") is True


def test_a_loop_that_ends_amid_everything_leaves_nothing_behind(
    loop: Loop, plain_pair: Pair, blackhole: tuple[str, int], descriptors: Descriptors
) -> None:
    stream, _ = plain_pair

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stream.read, 100, 5)
            tasks.start_soon(stream.write, TOO_MUCH, 5)
            tasks.start_soon(AnyIOBackend().connect_tcp, *blackhole, 5)
            await wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()

    count = descriptors()
    loop.run(main)
    gc.collect()
    assert descriptors() == count
    with pytest.raises(StopIteration):
        stream.aclose().send(None)
    assert descriptors() == count - 1


def test_a_loop_that_is_stopped_amid_everything_leaves_nothing_behind(
    descriptors: Descriptors,
) -> None:
    count = descriptors()
    ours, peer = socket.socketpair()
    stream = AnyIOStream(ours)
    loop = asyncio.new_event_loop()
    reading = loop.create_task(stream.read(100, 5))
    loop.call_soon(loop.call_soon, loop.stop)
    loop.run_forever()
    # Nobody has cancelled the reader, who is still registered for the socket.
    loop.close()
    with pytest.raises(StopIteration):
        stream.aclose().send(None)
    peer.close()
    assert descriptors() == count
    # Says that it was destroyed while it was pending: what this loop deserves.
    loop.set_exception_handler(lambda loop, context: None)
    del reading
    gc.collect()
