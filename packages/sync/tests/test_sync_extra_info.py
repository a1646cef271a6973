import collections.abc
import concurrent.futures
import select
import socket
import ssl
import struct
import threading

import pytest

from httpcore_interface import NetworkStream, ReadTimeout, WriteError, WriteTimeout
from httpcore_sync import SyncStream

Pair = tuple[NetworkStream, socket.socket]
Threads = concurrent.futures.ThreadPoolExecutor

NAMES = ["ssl_object", "client_addr", "server_addr", "socket"]


def test_the_addresses_are_those_of_the_socket(listener: socket.socket) -> None:
    sock = socket.create_connection(listener.getsockname())
    stream = SyncStream(sock)
    peer, address = listener.accept()
    peer.close()
    assert stream.get_extra_info("client_addr") == address
    assert stream.get_extra_info("server_addr") == listener.getsockname()
    assert stream.get_extra_info("socket") is sock
    assert stream._sock is sock
    stream.close()


def test_without_tls_there_is_no_ssl_object(plain_pair: Pair) -> None:
    stream, _ = plain_pair
    assert stream.get_extra_info("ssl_object") is None


def test_with_tls_there_is_an_ssl_object(tls_pair: Pair) -> None:
    stream, _ = tls_pair
    assert isinstance(stream.get_extra_info("ssl_object"), ssl.SSLSocket)


def test_what_is_unknown_is_none(pair: Pair) -> None:
    stream, _ = pair
    assert stream.get_extra_info("unheard of") is None
    stream.close()
    assert stream.get_extra_info("unheard of") is None


@pytest.mark.parametrize("name", NAMES)
def test_after_close_nothing_is_known(pair: Pair, name: str) -> None:
    stream, _ = pair
    stream.close()
    assert stream.get_extra_info(name) is None


def test_addresses_that_are_gone_are_none(listener: socket.socket) -> None:
    stream = SyncStream(socket.create_connection(listener.getsockname()))
    peer, _ = listener.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    sock = stream.get_extra_info("socket")
    assert select.select([sock], [], [], 5)[0]
    assert stream.get_extra_info("server_addr") is None
    sock.close()
    assert stream.get_extra_info("client_addr") is None
    stream.close()


def test_an_idle_stream_is_not_readable(pair: Pair) -> None:
    stream, peer = pair
    # Whatever the TLS layers still had to say is read with this.
    peer.sendall(b"x")
    assert stream.read(100, timeout=5) == b"x"
    assert [stream.get_extra_info("is_readable") for _ in range(3)] == [False] * 3


def test_bytes_make_it_readable(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"x")
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert stream.get_extra_info("is_readable") is True


def test_the_end_of_the_stream_makes_it_readable(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"x")
    assert stream.read(100, timeout=5) == b"x"
    peer.close()
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert stream.get_extra_info("is_readable") is True
    assert stream.read(100, timeout=5) == b""
    assert stream.get_extra_info("is_readable") is True


def test_a_reset_makes_it_readable(listener: socket.socket) -> None:
    stream = SyncStream(socket.create_connection(listener.getsockname()))
    peer, _ = listener.accept()
    assert stream.get_extra_info("is_readable") is False
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert stream.get_extra_info("is_readable") is True
    stream.close()


def test_bytes_that_were_decrypted_already_make_it_readable(tls_pair: Pair) -> None:
    stream, peer = tls_pair
    peer.sendall(b"two")
    assert stream.read(1, timeout=5) == b"t"
    # The system knows nothing of these.
    assert not select.select([stream.get_extra_info("socket")], [], [], 0)[0]
    assert stream.get_extra_info("is_readable") is True
    assert stream.read(100, timeout=0) == b"wo"
    assert stream.get_extra_info("is_readable") is False


def test_a_read_after_a_write_finds_what_was_decrypted_already(tls_pair: Pair) -> None:
    stream, peer = tls_pair
    peer.sendall(b"two")
    assert stream.read(1, timeout=5) == b"t"
    stream.write(b"x", timeout=5)
    assert stream.read(100, timeout=0.5) == b"wo"


def test_a_closed_stream_is_readable(pair: Pair) -> None:
    stream, _ = pair
    stream.close()
    assert stream.get_extra_info("is_readable") is True


@pytest.mark.parametrize("kind", ["plain", "tls"])
@pytest.mark.parametrize("asked_before", [True, False])
def test_a_socket_closed_behind_our_back_is_readable(
    kind: str, asked_before: bool, request: pytest.FixtureRequest
) -> None:
    stream, peer = request.getfixturevalue(f"{kind}_pair")
    peer.sendall(b"x")
    assert stream.read(100, timeout=5) == b"x"
    if asked_before:
        assert stream.get_extra_info("is_readable") is False
    stream.get_extra_info("socket").close()
    assert stream.get_extra_info("is_readable") is True


def test_waiting_to_write_ends_with_room_or_with_something_to_read(plain_pair: Pair) -> None:
    stream, peer = plain_pair
    assert stream.wait_writable(5) is True
    with pytest.raises(WriteTimeout):
        stream.write(bytes(64 * 1024 * 1024), timeout=0.05)
    with pytest.raises(WriteTimeout):
        stream.wait_writable(0.05)
    peer.sendall(b"an answer")
    assert stream.wait_writable(5) is False
    assert stream.read(100, timeout=5) == b"an answer"


def test_closing_ends_a_wait_to_write(plain_pair: Pair) -> None:
    stream, _ = plain_pair
    with pytest.raises(WriteTimeout):
        stream.write(bytes(64 * 1024 * 1024), timeout=0.05)
    closer = threading.Timer(0.05, stream.close)
    closer.start()
    with pytest.raises(WriteError, match="closed"):
        stream.wait_writable()
    closer.join()
    with pytest.raises(WriteError, match="closed"):
        stream.wait_writable()


def test_a_stream_stays_readable_or_not_when_it_is_encrypted(
    plain_pair: Pair,
    client_context: ssl.SSLContext,
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
) -> None:
    stream, encrypted = plain_pair
    assert stream.get_extra_info("is_readable") is False
    peer = terminate(encrypted)
    stream.start_tls(client_context, "localhost", timeout=5)
    peer.sendall(b"x")
    assert stream.read(100, timeout=5) == b"x"
    assert stream.get_extra_info("is_readable") is False
    peer.sendall(b"y")
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert stream.get_extra_info("is_readable") is True


def test_without_poll_select_tells_what_is_readable(
    plain_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(select, "poll")
    stream, peer = plain_pair
    assert stream.get_extra_info("is_readable") is False
    peer.sendall(b"x")
    assert stream.get_extra_info("is_readable") is True


def test_without_poll_select_waits(
    plain_pair: Pair, monkeypatch: pytest.MonkeyPatch, threads: Threads
) -> None:
    monkeypatch.delattr(select, "poll")
    stream, peer = plain_pair
    writing = threads.submit(stream.write, bytes(64 * 1024 * 1024), 0.1)
    assert select.select([peer], [], [], 5)[0]
    with pytest.raises(ReadTimeout):
        stream.read(1, timeout=0.01)
    peer.sendall(b"x")
    assert stream.read(1, timeout=5) == b"x"
    assert isinstance(writing.exception(5), WriteTimeout)


def test_threads_may_ask_at_once(pair: Pair, threads: Threads) -> None:
    stream, peer = pair
    peer.sendall(b"x")
    assert stream.read(100, timeout=5) == b"x"
    begin = threading.Barrier(4)

    def ask() -> set[bool]:
        begin.wait(5)
        return {stream.get_extra_info("is_readable") for _ in range(500)}

    asking = [threads.submit(ask) for _ in range(4)]
    assert [future.result(5) for future in asking] == [{False}] * 4
