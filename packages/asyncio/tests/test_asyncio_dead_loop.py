"""What becomes of a stream when its event loop is gone, or is another one."""

import asyncio
import collections.abc
import contextlib
import gc
import socket
import ssl
import sys
import threading
import types
import typing
import warnings

import pytest

from httpcore_asyncio import AsyncioBackend, AsyncioStream
from httpcore_asyncio._adopt import adopt
from httpcore_asyncio._protocol import StreamProtocol
from httpcore_interface import ConnectError, ReadError, WriteError

NewLoop = collections.abc.Callable[[], asyncio.AbstractEventLoop]
Descriptors = collections.abc.Callable[[], int]
Call = collections.abc.Callable[[], None]


class Trace(typing.Protocol):
    """What `sys.settrace` takes."""

    def __call__(
        self, frame: types.FrameType, event: str, argument: object, /
    ) -> "Trace | None": ...


def close(loop: asyncio.AbstractEventLoop) -> None:
    """Closes a loop as a program does that forgets its streams."""
    with warnings.catch_warnings():
        # uvloop closes them itself, and complains about each.
        warnings.simplefilter("ignore", ResourceWarning)
        loop.close()


async def open_pair() -> tuple[AsyncioStream, socket.socket]:
    ours, theirs = socket.socketpair()
    return await adopt(ours), theirs


@pytest.mark.parametrize("how", ["idle", "blocked", "unread", "closing"])
def test_a_stream_of_a_dead_loop_can_be_closed(
    new_loop: NewLoop, descriptors: Descriptors, how: str
) -> None:
    count = descriptors()
    first = new_loop()
    stream, peer = first.run_until_complete(open_pair())
    with peer:
        if how == "blocked":
            stream._protocol.transport.write(bytes(64 * 1024 * 1024))
        if how == "unread":
            peer.sendall(bytes(100_000))
        if how == "closing":
            # Told so, but never given the time.
            stream._protocol.transport.abort()
        close(first)
        asyncio.run(stream.aclose())
        assert stream.get_extra_info("socket") is None
        # With something unread, closing is a reset.
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(1024 * 1024):
                pass
    asyncio.run(stream.aclose())
    assert descriptors() == count
    # Nor is there a warning of something unclosed.
    del stream
    gc.collect()


def test_a_stream_of_a_dead_loop_is_of_no_use(
    new_loop: NewLoop, client_context: ssl.SSLContext
) -> None:
    first = new_loop()
    stream, peer = first.run_until_complete(open_pair())
    close(first)
    assert stream.get_extra_info("is_readable") is True
    with peer:

        async def check() -> None:
            assert stream.get_extra_info("is_readable") is True
            with pytest.raises(ReadError):
                await stream.read(100, timeout=5)
            with pytest.raises(ReadError):
                await stream.read(100, timeout=0)
            with pytest.raises(WriteError):
                await stream.write(bytes(64 * 1024 * 1024), timeout=5)
            with pytest.raises(ConnectError):
                await stream.start_tls(client_context, "localhost", timeout=5)
            await stream.aclose()

        asyncio.run(check())
    gc.collect()


def test_a_stream_of_another_loop_is_of_no_use(new_loop: NewLoop) -> None:
    first = new_loop()
    stream, peer = first.run_until_complete(open_pair())

    async def check() -> None:
        assert stream.get_extra_info("is_readable") is True
        with pytest.raises(ReadError, match="belongs to another event loop"):
            await stream.read(100, timeout=5)
        with pytest.raises(WriteError, match="belongs to another event loop"):
            await stream.write(bytes(64 * 1024 * 1024), timeout=5)
        with pytest.raises(WriteError, match="belongs to another event loop"):
            await stream.wait_writable(5)

    with peer:
        asyncio.run(check())
        first.run_until_complete(stream.aclose())
    first.close()


def test_a_stream_of_a_loop_that_rests_can_be_closed(
    new_loop: NewLoop, descriptors: Descriptors
) -> None:
    first = new_loop()
    count = descriptors()
    stream, peer = first.run_until_complete(open_pair())
    with peer:
        asyncio.run(stream.aclose())
        assert stream.get_extra_info("is_readable") is True
        if isinstance(first, asyncio.BaseEventLoop):
            # uvloop frees it when it runs again, or is closed.
            assert peer.recv(100) == b""
        # It may go on, and finds nothing to stumble over.
        first.run_until_complete(asyncio.sleep(0))
        assert peer.recv(100) == b""
    assert descriptors() == count
    first.close()


def test_a_stream_of_a_loop_in_another_thread_can_be_closed(new_loop: NewLoop) -> None:
    first = new_loop()
    stream, peer = first.run_until_complete(open_pair())
    reading = first.create_task(stream.read(100))
    thread = threading.Thread(target=first.run_forever)
    thread.start()
    with peer:
        asyncio.run(stream.aclose())
        peer.settimeout(5)
        assert peer.recv(100) == b""
    first.call_soon_threadsafe(first.stop)
    thread.join(5)
    with pytest.raises(ReadError, match="closed on this side"):
        first.run_until_complete(reading)
    first.close()


class Moment:
    """Calls something behind so many instructions of a function, where threads may switch."""

    def __init__(self, number: int, code: types.CodeType, call: Call) -> None:
        self._left = number
        self._code = code
        self._call = call

    @property
    def has_come(self) -> bool:
        return self._left < 0

    def trace(self, frame: types.FrameType, event: str, argument: object) -> Trace | None:
        if frame.f_code is not self._code:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and not self.has_come:
            self._left -= 1
            if self.has_come:
                self._call()
        return self.trace


def test_a_stream_can_be_closed_in_another_thread_at_any_moment_of_a_read(
    new_loop: NewLoop,
) -> None:
    moments: list[Moment] = []

    async def read() -> None:
        stream, peer = await open_pair()

        def close_elsewhere() -> None:
            thread = threading.Thread(target=lambda: asyncio.run(stream.aclose()))
            thread.start()
            thread.join()

        take = StreamProtocol.take.__code__
        moments.append(moment := Moment(len(moments), take, close_elsewhere))
        with peer:
            peer.sendall(b"ping")
            assert await stream.read(1, timeout=5) == b"p"
            former = sys.gettrace()
            # Python 3.12 looks at `settrace` whether any frame wants this.
            sys._getframe().f_trace_opcodes = True
            sys.settrace(moment.trace)
            try:
                # Which of the two it is depends on who was first.
                with contextlib.suppress(ReadError):
                    assert await stream.read(100, timeout=5) == b"ing"
            finally:
                sys.settrace(former)
        await stream.aclose()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(read())
        while moments[-1].has_come:
            runner.run(read())
    assert len(moments) > 20


def test_a_stream_can_be_closed_while_its_loop_ends_in_another_thread(
    new_loop: NewLoop, descriptors: Descriptors, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = descriptors()
    first = new_loop()
    stream, peer = first.run_until_complete(open_pair())

    class Ending:
        """The loop, which is closed as soon as it has said that it runs."""

        def is_running(self) -> bool:
            close(first)
            return True

        def __getattr__(self, name: str) -> object:
            return getattr(first, name)

    monkeypatch.setattr(stream._protocol, "loop", Ending())
    with peer:
        asyncio.run(stream.aclose())
        assert peer.recv(100) == b""
    assert descriptors() == count


def test_a_backend_serves_one_loop_after_another(
    new_loop: NewLoop, listener: socket.socket
) -> None:
    backend = AsyncioBackend()

    async def use() -> None:
        host, port = listener.getsockname()
        stream = await backend.connect_tcp(host, port, timeout=5)
        peer, _ = listener.accept()
        with peer:
            await stream.write(b"x", timeout=5)
            assert peer.recv(100) == b"x"
        await stream.aclose()

    for _ in range(3):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(use())
