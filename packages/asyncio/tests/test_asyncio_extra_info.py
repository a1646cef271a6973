import asyncio
import collections.abc
import select
import socket
import ssl
import struct
import threading
import time

import pytest

from httpcore_asyncio import AsyncioStream
from httpcore_interface import ReadError, ReadTimeout, WriteTimeout

Pair = tuple[AsyncioStream, socket.socket]

pytestmark = pytest.mark.usefixtures("runner")

NAMES = ["ssl_object", "client_addr", "server_addr", "socket", "is_writable"]


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


async def test_the_addresses_are_those_of_the_socket(
    tcp_pair: Pair, listener: socket.socket
) -> None:
    stream, peer = tcp_pair
    assert stream.get_extra_info("client_addr") == peer.getpeername()
    assert stream.get_extra_info("server_addr") == listener.getsockname()
    sock = stream.get_extra_info("socket")
    assert isinstance(sock, socket.socket)
    assert sock.getsockname() == peer.getpeername()


async def test_without_tls_there_is_no_ssl_object(plain_pair: Pair) -> None:
    stream, _ = plain_pair
    assert stream.get_extra_info("ssl_object") is None


async def test_with_tls_there_is_an_ssl_object(tls_pair: Pair) -> None:
    stream, _ = tls_pair
    assert isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject)
    assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"


async def test_what_is_unknown_is_none(pair: Pair) -> None:
    stream, _ = pair
    assert stream.get_extra_info("unheard of") is None
    await stream.aclose()
    assert stream.get_extra_info("unheard of") is None


@pytest.mark.parametrize("name", NAMES)
async def test_after_close_nothing_is_known(pair: Pair, name: str) -> None:
    stream, _ = pair
    await stream.aclose()
    assert stream.get_extra_info(name) is None


async def test_of_a_connection_that_is_gone_little_is_known(tcp_pair: Pair) -> None:
    stream, peer = tcp_pair
    reset(peer)
    assert stream.get_extra_info("server_addr") is None
    await stream.aclose()


@pytest.mark.parametrize("name", [*NAMES, "is_readable"])
def test_a_stream_answers_when_no_loop_runs(plain_pair: Pair, name: str) -> None:
    stream, _ = plain_pair
    assert stream.get_extra_info(name) is not None or name == "ssl_object"


async def test_an_idle_stream_is_not_readable(pair: Pair) -> None:
    stream, peer = pair
    # Whatever the TLS layers still had to say is read with this.
    peer.sendall(b"x")
    assert await stream.read(100, timeout=5) == b"x"
    assert [stream.get_extra_info("is_readable") for _ in range(3)] == [False] * 3


async def test_bytes_make_it_readable(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"x")
    await until_readable(stream)
    assert await stream.read(100, timeout=5) == b"x"


async def test_bytes_make_it_readable_before_the_loop_has_run(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    peer.sendall(b"x")
    assert stream.get_extra_info("is_readable") is True


async def test_bytes_that_are_left_make_it_readable(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"two")
    assert await stream.read(1, timeout=5) == b"t"
    # The system knows nothing of these.
    assert not select.select([stream.get_extra_info("socket")], [], [], 0)[0]
    assert stream.get_extra_info("is_readable") is True
    assert await stream.read(100, timeout=0) == b"wo"
    assert stream.get_extra_info("is_readable") is False


async def test_looking_takes_nothing(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"hello")
    for _ in range(3):
        await until_readable(stream)
    assert await stream.read(2, timeout=5) == b"he"
    await until_readable(stream)
    assert await stream.read(100, timeout=0) == b"llo"


async def test_the_end_of_the_stream_makes_it_readable(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"x")
    assert await stream.read(100, timeout=5) == b"x"
    peer.close()
    await until_readable(stream)
    assert await stream.read(100, timeout=5) == b""
    assert stream.get_extra_info("is_readable") is True


async def test_a_reset_makes_it_readable(tcp_pair: Pair) -> None:
    stream, peer = tcp_pair
    assert stream.get_extra_info("is_readable") is False
    reset(peer)
    assert stream.get_extra_info("is_readable") is True
    await until_readable(stream)


async def test_half_a_record_is_nothing_to_read(
    plain_pair: Pair,
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
    client_context: ssl.SSLContext,
) -> None:
    stream, encrypted = plain_pair
    # In the middle, to hold back what it likes.
    ours, theirs = socket.socketpair()
    peer = terminate(theirs)
    with ours:

        def relay() -> None:
            while not is_over.is_set():
                for source in select.select([encrypted, ours], [], [], 0.01)[0]:
                    target = ours if source is encrypted else encrypted
                    target.sendall(source.recv(65536))

        is_over = threading.Event()
        thread = threading.Thread(target=relay)
        thread.start()
        await stream.start_tls(client_context, "localhost", timeout=5)
        peer.sendall(b"x")
        assert await stream.read(1, timeout=5) == b"x"
        is_over.set()
        thread.join()
        peer.sendall(b"secret")
        assert select.select([ours], [], [], 5)[0]
        record = ours.recv(65536)
        encrypted.sendall(record[:10])
        # The loop takes it, and it is nothing yet.
        assert await stream.wait_writable(5) is True
        await let_loop_run()
        assert stream.get_extra_info("is_readable") is False
        encrypted.sendall(record[10:])
        await let_loop_run()
        assert stream.get_extra_info("is_readable") is True
        assert await stream.read(100, timeout=0) == b"secret"


async def test_a_record_that_cannot_be_decrypted_makes_it_readable(
    plain_pair: Pair,
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
    client_context: ssl.SSLContext,
) -> None:
    stream, encrypted = plain_pair
    raw = encrypted.dup()
    with raw:
        terminate(encrypted)
        await stream.start_tls(client_context, "localhost", timeout=5)
        with pytest.raises(ReadTimeout):
            await stream.read(1, timeout=0.01)
        raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        await let_loop_run()
        for _ in range(3):
            assert stream.get_extra_info("is_readable") is True
        for _ in range(3):
            with pytest.raises(ReadError):
                await stream.read(1, timeout=0)
        assert stream.get_extra_info("is_readable") is True


async def test_a_closed_stream_is_readable(pair: Pair) -> None:
    stream, _ = pair
    await stream.aclose()
    assert stream.get_extra_info("is_readable") is True


async def test_a_stream_is_writable_until_the_peer_takes_no_more(pair: Pair) -> None:
    stream, _ = pair
    assert stream.get_extra_info("is_writable") is True
    with pytest.raises(WriteTimeout):
        await stream.write(bytes(64 * 1024 * 1024), timeout=0.05)
    assert stream.get_extra_info("is_writable") is False
    await stream.aclose()
    assert stream.get_extra_info("is_writable") is None


async def test_a_stream_of_which_the_system_has_enough_is_not_writable(
    plain_pair: Pair,
) -> None:
    stream, _ = plain_pair
    sock = stream.get_extra_info("socket")
    fill(sock)
    # Nothing of it went through the transport.
    assert stream.get_extra_info("is_writable") is False


async def test_what_the_transport_still_holds_comes_first(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    with pytest.raises(WriteTimeout):
        await stream.write(bytes(64 * 1024 * 1024), timeout=0)
    while select.select([peer], [], [], 0)[0]:
        peer.recv(1024 * 1024)
    # The system has room now.
    assert select.select([], [stream.get_extra_info("socket")], [], 0)[1]
    assert stream.get_extra_info("is_writable") is False


async def test_a_connection_that_is_gone_is_writable(tcp_pair: Pair) -> None:
    stream, peer = tcp_pair
    reset(peer)
    await let_loop_run()
    # A write fails at once.
    assert stream.get_extra_info("is_writable") is True


async def test_without_poll_select_tells_what_is_possible(
    plain_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(select, "poll")
    stream, peer = plain_pair
    assert stream.get_extra_info("is_readable") is False
    assert stream.get_extra_info("is_writable") is True
    peer.sendall(b"x")
    assert stream.get_extra_info("is_readable") is True
    fill(stream.get_extra_info("socket"))
    assert stream.get_extra_info("is_writable") is False


def fill(sock: socket.socket) -> None:
    try:
        while True:
            sock.send(bytes(65536))
    except BlockingIOError:
        pass


async def let_loop_run() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


async def until_readable(stream: AsyncioStream) -> None:
    deadline = time.monotonic() + 5
    while not stream.get_extra_info("is_readable"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0)
