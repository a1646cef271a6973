"""What every stream does, plain and encrypted: the contract in short."""

import array
import collections.abc
import contextlib
import functools
import hashlib
import math
import select
import socket
import ssl
import struct
import time
import tracemalloc

import pytest
import trio
import trio.testing

from httpcore_interface import ReadError, ReadTimeout, WriteError, WriteTimeout
from httpcore_trio import TrioStream

Pair = tuple[TrioStream, socket.socket]

MEGABYTE = 1024 * 1024
TOO_MUCH = bytes(64 * MEGABYTE)

FOR_EVER = pytest.mark.parametrize("timeout", [None, math.inf, 1e10, 1e300, 5])
NO_TIME = pytest.mark.parametrize("timeout", [0, 0.0, -1, -math.inf, math.nan])


def drain(peer: socket.socket, size: int) -> bytes:
    """Receives so many bytes, in a thread of its own."""
    received = bytearray()
    while len(received) < size:
        piece = peer.recv(MEGABYTE)
        assert piece, f"the stream ended after {len(received)} of {size} bytes"
        received += piece
    return bytes(received)


async def arrival(stream: TrioStream) -> None:
    """Waits until there is something to read, without reading it."""
    sock = stream.get_extra_info("socket")
    while not stream.get_extra_info("is_readable"):
        await trio.lowlevel.wait_readable(sock)


async def test_read_returns_what_has_come(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"hello")
    assert await stream.read(100, timeout=5) == b"hello"


async def test_read_returns_at_most_max_bytes(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"hello")
    assert [await stream.read(2, timeout=5) for _ in range(3)] == [b"he", b"ll", b"o"]


async def test_the_end_of_the_stream_reads_as_nothing_again_and_again(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"bye")
    peer.close()
    assert await stream.read(100, timeout=5) == b"bye"
    for timeout in (5, None, 0):
        assert await stream.read(100, timeout=timeout) == b""


@FOR_EVER
async def test_read_waits_for_what_comes_later(pair: Pair, timeout: float | None) -> None:
    stream, peer = pair
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def answer() -> None:
            await trio.testing.wait_all_tasks_blocked()
            peer.sendall(b"pong")

        assert await stream.read(100, timeout=timeout) == b"pong"
    assert stream.get_extra_info("is_readable") is False


@NO_TIME
async def test_without_time_read_returns_only_what_is_there(pair: Pair, timeout: float) -> None:
    stream, peer = pair
    for _ in range(2):
        with pytest.raises(ReadTimeout, match=f"nothing came within {timeout} seconds"):
            await stream.read(100, timeout=timeout)
        peer.sendall(b"now")
        await arrival(stream)
        assert await stream.read(2, timeout=timeout) == b"no"
        assert await stream.read(2, timeout=timeout) == b"w"


async def test_read_times_out_and_has_lost_nothing(pair: Pair) -> None:
    stream, peer = pair
    for _ in range(2):
        before = time.monotonic()
        with pytest.raises(ReadTimeout, match=r"nothing came within 0\.05 seconds"):
            await stream.read(100, timeout=0.05)
        assert 0.05 <= time.monotonic() - before < 2
        peer.sendall(b"body")
        assert await stream.read(100, timeout=5) == b"body"
        await stream.write(b"fine", timeout=5)
        assert peer.recv(100) == b"fine"


@pytest.mark.parametrize("max_bytes", [0, -1])
async def test_read_of_less_than_a_byte_is_refused(pair: Pair, max_bytes: int) -> None:
    stream, peer = pair
    with pytest.raises(ValueError, match=f"max_bytes is {max_bytes}"):
        await stream.read(max_bytes, timeout=1)
    peer.sendall(b"x")
    assert await stream.read(1, timeout=5) == b"x"


@FOR_EVER
async def test_write_sends_all_of_a_large_buffer(pair: Pair, timeout: float | None) -> None:
    stream, peer = pair
    body = bytes(range(256)) * (5 * MEGABYTE // 256)
    received = b""

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def receive() -> None:
            nonlocal received
            received = await trio.to_thread.run_sync(drain, peer, len(body))

        await stream.write(body, timeout=timeout)
    assert hashlib.sha256(received).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("size", [12, 3 * MEGABYTE], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["bytes", "bytearray", "slice", "items", "shape", "array"])
async def test_any_buffer_can_be_written(pair: Pair, kind: str, size: int) -> None:
    stream, peer = pair
    octets = bytes(range(1, 13)) * (size // 12)
    view = memoryview(octets)
    buffer = {
        "bytes": octets,
        "bytearray": bytearray(octets),
        "slice": memoryview(b"--" + octets + b"--")[2:-2],
        "items": view.cast("I"),
        "shape": view.cast("B", (2, size // 2)),
        "array": array.array("I", octets),
    }[kind]
    received = b""

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def receive() -> None:
            nonlocal received
            received = await trio.to_thread.run_sync(drain, peer, size)

        # Any buffer will do, whatever the best common type of these is.
        await stream.write(buffer, timeout=5)  # type: ignore[arg-type]
    assert received == octets


@pytest.mark.parametrize("buffer", [b"", bytearray(), memoryview(b""), array.array("I")])
async def test_nothing_can_be_written(pair: Pair, buffer: bytes) -> None:
    stream, peer = pair
    for _ in range(3):
        await stream.write(buffer, timeout=0)
    await stream.write(b"after", timeout=5)
    assert drain(peer, 5) == b"after"


async def test_what_is_no_buffer_is_a_type_error(pair: Pair) -> None:
    stream, _ = pair
    with pytest.raises(TypeError):
        await stream.write("text", timeout=5)  # type: ignore[arg-type]  # the point of it


async def test_a_written_buffer_is_let_go(pair: Pair) -> None:
    stream, _ = pair
    buffer = bytearray(TOO_MUCH)
    with pytest.raises(WriteTimeout) as caught:
        await stream.write(buffer, timeout=0.02)
    # Impossible while a view of it exists, in the traceback for example.
    buffer.append(0)
    assert caught.value.__traceback__ is not None


async def test_a_large_buffer_is_not_copied_as_a_whole(pair: Pair) -> None:
    stream, peer = pair
    body = bytes(8 * MEGABYTE)

    def count_and_drop() -> None:
        received = 0
        target = bytearray(65536)
        while received < len(body):
            received += peer.recv_into(target)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, count_and_drop)
        tracemalloc.start()
        try:
            await stream.write(body, timeout=5)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2 * MEGABYTE


async def test_write_times_out_when_the_peer_takes_nothing(pair: Pair) -> None:
    stream, peer = pair
    before = time.monotonic()
    with pytest.raises(WriteTimeout, match=r"the peer took no bytes for 0\.05 seconds"):
        await stream.write(TOO_MUCH, timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 5
    # Nobody knows how much it got: the stream is good for reading only.
    for timeout in (0, 5, None):
        with pytest.raises(WriteError, match="an earlier write failed"):
            await stream.write(b"more", timeout=timeout)
    peer.sendall(b"413 Content Too Large")
    assert await stream.read(100, timeout=5) == b"413 Content Too Large"


@NO_TIME
async def test_without_time_write_sends_only_what_fits(pair: Pair, timeout: float) -> None:
    stream, peer = pair
    for _ in range(3):
        await stream.write(b"fits", timeout=timeout)
    assert drain(peer, 12) == b"fits" * 3
    with pytest.raises(WriteTimeout, match=f"for {timeout} seconds"):
        await stream.write(TOO_MUCH, timeout=timeout)


async def test_the_time_of_a_write_begins_anew_whenever_the_peer_takes_some(
    plain_pair: Pair,
) -> None:
    stream, peer = plain_pair
    stream.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    body = bytes(3 * MEGABYTE // 2)

    async def receive_slowly() -> None:
        received = 0
        while received < len(body):
            # A slow peer, not a wait for something.
            await trio.sleep(0.05)
            received += len(peer.recv(MEGABYTE // 2, socket.MSG_DONTWAIT))

    before = time.monotonic()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_slowly)
        await stream.write(body, timeout=0.4)
    assert time.monotonic() - before > 0.4


async def test_a_loop_that_was_held_up_is_no_timeout_of_a_write(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    stream.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    peer.setblocking(False)
    body = bytes(MEGABYTE)

    async def receive() -> None:
        received = 0
        while received < len(body):
            with contextlib.suppress(BlockingIOError):
                received += len(peer.recv(MEGABYTE))
            # Somebody computes, and the peer has room again all the while.
            time.sleep(0.06)  # noqa: ASYNC251 - the point of it
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await stream.write(body, timeout=0.05)


def reset_by_peer() -> TrioStream:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    assert select.select([sock], [], [], 5)[0]
    return TrioStream(sock)


async def test_a_connection_reset_by_the_peer_is_an_error() -> None:
    stream = reset_by_peer()
    assert stream.get_extra_info("is_readable") is True
    assert stream.get_extra_info("server_addr") is None
    with pytest.raises(ReadError, match="reset by peer") as reading:
        await stream.read(100, timeout=5)
    assert isinstance(reading.value.__cause__, ConnectionResetError)
    with pytest.raises(WriteError, match="Broken pipe") as writing:
        await stream.write(b"x", timeout=5)
    assert isinstance(writing.value.__cause__, OSError)
    await stream.aclose()


@pytest.mark.parametrize("operation", ["read", "write", "wait_writable"])
async def test_a_reset_ends_what_waits(operation: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = TrioStream(socket.create_connection(listener.getsockname()))
        peer, _ = listener.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def reset() -> None:
            await trio.testing.wait_all_tasks_blocked()
            peer.close()

        if operation == "read":
            with pytest.raises(ReadError, match="reset by peer"):
                await stream.read(100, timeout=5)
        elif operation == "write":
            with pytest.raises(WriteError, match=r"reset by peer|Broken pipe"):
                await stream.write(TOO_MUCH, timeout=5)
        else:
            sock = stream.get_extra_info("socket")
            with contextlib.suppress(BlockingIOError):
                while True:
                    sock.send(bytes(MEGABYTE))
            # What it has come to is told by the write.
            assert await stream.wait_writable(5) is True
    await stream.aclose()


async def test_a_socket_closed_behind_our_back_is_an_error(pair: Pair) -> None:
    stream, _ = pair
    stream.get_extra_info("socket").close()
    for timeout in (5, None, 0):
        with pytest.raises(ReadError, match=r"Bad file descriptor|-1"):
            await stream.read(100, timeout=timeout)
    with pytest.raises(WriteError):
        await stream.write(b"x", timeout=5)
    assert stream.get_extra_info("is_readable") is True
    assert stream.get_extra_info("is_writable") is True
    assert stream.get_extra_info("client_addr") is None
    await stream.aclose()


@pytest.mark.parametrize("timeout", [5, None])
async def test_sockets_closed_behind_our_back_disturb_nobody_else(
    make_pair: collections.abc.Callable[[str], Pair], timeout: float | None
) -> None:
    # What trio notes of a wait for a descriptor that is none stays noted, and ends the
    # whole run as soon as another task says that such a descriptor is being closed.
    async def use(stream: TrioStream) -> None:
        await stream.write(b"x", timeout=5)
        stream.get_extra_info("socket").close()
        with pytest.raises(ReadError, match="Bad file descriptor"):
            await stream.read(100, timeout=timeout)

    for _ in range(3):
        stream, _ = make_pair("plain")
        async with trio.open_nursery() as tasks:
            tasks.start_soon(use, stream)
        await stream.aclose()
    stream, peer = make_pair("plain")
    peer.sendall(b"y")
    assert await stream.read(100, timeout=5) == b"y"
    await stream.aclose()


async def test_close_wakes_who_reads_a_socket_closed_behind_our_back(pair: Pair) -> None:
    stream, _ = pair

    async def read() -> None:
        with pytest.raises(ReadError, match="closed on this side"):
            await stream.read(100)

    with trio.fail_after(30):
        async with trio.open_nursery() as tasks:
            tasks.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            stream.get_extra_info("socket").close()
            await stream.aclose()


async def test_reading_and_writing_at_once_mix_nothing_up(pair: Pair) -> None:
    stream, peer = pair
    size = 2 * MEGABYTE
    upload = bytes(range(251)) * (size // 251)
    download = bytes(reversed(range(251))) * (size // 251)
    received = bytearray()
    drained = b""

    async def write() -> None:
        for number, start in enumerate(range(0, len(upload), 10_007)):
            timeout = (5, None, 6)[number % 3]
            await stream.write(upload[start : start + 10_007], timeout=timeout)

    async def receive() -> None:
        nonlocal drained
        drained = await trio.to_thread.run_sync(drain, peer, len(upload))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        nursery.start_soon(receive)
        nursery.start_soon(functools.partial(trio.to_thread.run_sync, peer.sendall, download))
        while len(received) < len(download):
            received += await stream.read(7_919, timeout=5)
    assert hashlib.sha256(received).digest() == hashlib.sha256(download).digest()
    assert hashlib.sha256(drained).digest() == hashlib.sha256(upload).digest()


async def test_a_second_reader_is_refused_and_disturbs_nobody(pair: Pair) -> None:
    stream, peer = pair
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def first() -> None:
            assert await stream.read(100, timeout=5) == b"mine"

        await trio.testing.wait_all_tasks_blocked()
        for timeout in (0, 5, None):
            with pytest.raises(ReadError, match="another task is reading this stream"):
                await stream.read(100, timeout=timeout)
        peer.sendall(b"mine")


async def test_a_second_writer_is_refused_and_disturbs_nobody(pair: Pair) -> None:
    stream, peer = pair
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.write, bytes(8 * MEGABYTE), 5)
        await trio.testing.wait_all_tasks_blocked()
        for timeout in (0, 5, None):
            with pytest.raises(WriteError, match="another task is writing to this stream"):
                await stream.write(b"x", timeout=timeout)
            with pytest.raises(WriteError, match="another task is writing to this stream"):
                await stream.wait_writable(timeout)
        assert set(await trio.to_thread.run_sync(drain, peer, 8 * MEGABYTE)) == {0}
    await stream.write(b"x", timeout=5)
    assert drain(peer, 1) == b"x"


async def test_who_waits_for_the_socket_itself_makes_a_clear_error(plain_pair: Pair) -> None:
    stream, _ = plain_pair
    sock = stream.get_extra_info("socket")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.lowlevel.wait_readable, sock)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ReadError, match=r"(?i)another task") as caught:
            await stream.read(100, timeout=5)
        assert isinstance(caught.value.__cause__, trio.BusyResourceError)
        nursery.cancel_scope.cancel()


async def test_waiting_to_write_ends_with_room_or_with_something_to_read(pair: Pair) -> None:
    stream, peer = pair
    for timeout in (0.0, 5, None):
        assert await stream.wait_writable(timeout) is True
    with pytest.raises(WriteTimeout):
        await stream.write(TOO_MUCH, timeout=0.05)
    for short in (0, 0.05):
        with pytest.raises(WriteTimeout, match=f"took no bytes for {short} seconds"):
            await stream.wait_writable(short)
    for _ in range(2):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                await trio.testing.wait_all_tasks_blocked()
                peer.sendall(b"an answer")

            assert await stream.wait_writable(5) is False
        assert await stream.wait_writable(None) is False
        assert await stream.read(100, timeout=5) == b"an answer"


async def test_waiting_to_write_beside_a_reader_ends_with_room_only(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    sock = stream.get_extra_info("socket")
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(bytes(MEGABYTE))

    async def read() -> None:
        assert await stream.read(100, timeout=5) == b"for the reader"
        while not stream.get_extra_info("is_writable"):
            peer.recv(MEGABYTE)

    async def wait() -> None:
        assert await stream.wait_writable(5) is True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        peer.sendall(b"for the reader")


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
async def test_what_was_decrypted_already_is_read_after_a_write(
    tls_pair: Pair, writes: int
) -> None:
    stream, peer = tls_pair
    peer.sendall(b"two")
    assert await stream.read(1, timeout=5) == b"t"
    for _ in range(writes):
        await stream.write(b"x", timeout=5)
    # The system knows nothing of these.
    assert await stream.read(100, timeout=5) == b"wo"


async def test_a_read_sends_what_the_tls_layer_has_to_say(tls_pair: Pair) -> None:
    stream, peer = tls_pair
    # With it comes whatever else would make the socket readable.
    peer.sendall(b"x")
    assert await stream.read(100, timeout=5) == b"x"
    with pytest.raises(WriteTimeout):
        await stream.write(TOO_MUCH, timeout=0)
    # Half a record, of which the peer can make nothing.
    assert stream._channel.has_unsent
    peer.setblocking(False)

    async def read() -> None:
        with pytest.raises(ReadError, match="closed"):
            await stream.read(100, timeout=5)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        while stream._channel.has_unsent:
            await trio.lowlevel.checkpoint()
            with contextlib.suppress(BlockingIOError):
                peer.recv(MEGABYTE)
        await stream.aclose()


class Renegotiating(ssl.SSLObject):
    """What OpenSSL may do to a write: it wants to read first."""

    wants_input = False

    def write(self, octets: bytes) -> int:  # type: ignore[override]
        if self.wants_input:
            raise ssl.SSLWantReadError
        return super().write(octets)


@pytest.mark.parametrize("timeout", [None, 5])
async def test_a_write_may_have_to_wait_for_something_to_read(
    plain_pair: Pair,
    client_context: ssl.SSLContext,
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
    timeout: float | None,
) -> None:
    client_context.sslobject_class = Renegotiating
    stream, encrypted = plain_pair
    peer = terminate(encrypted)
    await stream.start_tls(client_context, "localhost", timeout=5)
    peer.sendall(b"1")
    assert await stream.read(100, timeout=5) == b"1"
    stream.get_extra_info("ssl_object").wants_input = True

    async def agree() -> None:
        # Not before the write waits, idly.
        await trio.testing.wait_all_tasks_blocked()
        stream.get_extra_info("ssl_object").wants_input = False
        peer.sendall(b"2")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(agree)
        await stream.write(b"later", timeout=timeout)
    assert peer.recv(100) == b"later"
    assert await stream.read(100, timeout=5) == b"2"


async def test_the_facts_are_those_of_the_connection(listener: socket.socket) -> None:
    sock = socket.create_connection(listener.getsockname())
    peer, address = listener.accept()
    stream = TrioStream(sock)
    with peer:
        assert stream.get_extra_info("client_addr") == address
        assert stream.get_extra_info("server_addr") == listener.getsockname()
        assert stream.get_extra_info("socket") is sock
        assert stream.get_extra_info("ssl_object") is None
        assert stream.get_extra_info("unheard of") is None
        assert stream.get_extra_info("is_readable") is False
        assert stream.get_extra_info("is_writable") is True
    await stream.aclose()
    for name in ("client_addr", "server_addr", "socket", "ssl_object", "is_writable", "?"):
        assert stream.get_extra_info(name) is None
    assert stream.get_extra_info("is_readable") is True


async def test_a_stream_is_readable_when_a_read_would_return_at_once(pair: Pair) -> None:
    stream, peer = pair
    assert stream.get_extra_info("is_readable") is False
    peer.sendall(b"two")
    await arrival(stream)
    assert await stream.read(1, timeout=0) == b"t"
    assert stream.get_extra_info("is_readable") is True
    # What is here already is no reason to wait for the socket.
    assert await stream.read(100, timeout=5) == b"wo"
    assert [stream.get_extra_info("is_readable") for _ in range(3)] == [False] * 3
    peer.close()
    await arrival(stream)
    assert await stream.read(100, timeout=0) == b""
    assert stream.get_extra_info("is_readable") is True


async def test_with_tls_there_is_an_ssl_object(tls_pair: Pair) -> None:
    assert isinstance(tls_pair[0].get_extra_info("ssl_object"), ssl.SSLObject)


@pytest.fixture
def scopes(change_library: collections.abc.Callable[[str, object], None]) -> list[float]:
    """The deadlines of all cancel scopes that are made."""
    made: list[float] = []

    def make(*, deadline: float) -> trio.CancelScope:
        made.append(deadline)
        return trio.CancelScope(deadline=deadline)

    change_library("cancel_scope", make)
    return made


async def test_where_nothing_waits_there_is_no_cancel_scope(
    pair: Pair, scopes: list[float]
) -> None:
    stream, peer = pair
    peer.sendall(b"x" * 10)
    await arrival(stream)
    for _ in range(5):
        assert await stream.read(1, timeout=5) == b"x"
        await stream.write(b"y", timeout=5)
    for _ in range(5):
        assert await stream.read(1, timeout=5) == b"x"
    for timeout in (0, 5):
        assert await stream.wait_writable(timeout) is True
    with pytest.raises(ReadTimeout):
        await stream.read(1, timeout=0)
    assert scopes == []


async def test_an_operation_that_waits_has_one_cancel_scope_and_none_without_a_timeout(
    plain_pair: Pair, scopes: list[float]
) -> None:
    stream, peer = plain_pair
    sock = stream.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    peer.setblocking(False)

    async def serve(size: int) -> None:
        received = 0
        while received < size:
            await trio.lowlevel.wait_readable(peer)
            received += len(peer.recv(MEGABYTE))
        peer.sendall(b"done")

    for timeout in (None, 5.0):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, MEGABYTE)
            await stream.write(bytes(MEGABYTE), timeout=timeout)
            assert await stream.read(100, timeout=timeout) == b"done"
        # However often they had to wait.
        assert len(scopes) == (0 if timeout is None else 2)
