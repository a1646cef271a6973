import math
import select
import socket
import struct
import time

import pytest

from httpcore_interface import NetworkStream, ReadError, ReadTimeout
from httpcore_sync import SyncStream

Pair = tuple[NetworkStream, socket.socket]


def test_read_returns_what_has_come(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"hello")
    assert stream.read(100, timeout=5) == b"hello"


def test_read_returns_at_most_max_bytes(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"hello")
    assert [stream.read(2, timeout=5) for _ in range(3)] == [b"he", b"ll", b"o"]


def test_the_end_of_the_stream_reads_as_nothing_again_and_again(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"bye")
    peer.close()
    assert stream.read(100, timeout=5) == b"bye"
    assert stream.read(100, timeout=5) == b""
    assert stream.read(100, timeout=5) == b""


@pytest.mark.parametrize("timeout", [None, math.inf, 1e300, 5, 5.0])
def test_read_waits_for_what_comes_later(pair: Pair, timeout: float | None) -> None:
    stream, peer = pair
    stream.write(b"ping", timeout=timeout)
    assert select.select([peer], [], [], 5)[0]
    peer.sendall(b"pong")
    assert stream.read(100, timeout=timeout) == b"pong"
    assert stream.get_extra_info("is_readable") is False


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -math.inf, math.nan])
def test_without_time_read_returns_only_what_is_there(pair: Pair, timeout: float) -> None:
    stream, peer = pair
    before = time.monotonic()
    with pytest.raises(ReadTimeout, match=f"within {timeout} seconds"):
        stream.read(100, timeout=timeout)
    assert time.monotonic() - before < 5
    peer.sendall(b"now")
    assert read_when_ready(stream, timeout) == b"now"


def test_read_times_out_after_its_timeout(pair: Pair) -> None:
    stream, _ = pair
    before = time.monotonic()
    with pytest.raises(ReadTimeout, match=r"nothing came within 0\.05 seconds") as caught:
        stream.read(100, timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 1
    assert caught.value.__cause__ is not None


def test_each_read_has_its_own_timeout(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"ab")
    assert stream.read(1, timeout=5) == b"a"
    assert stream.read(1, timeout=None) == b"b"
    for timeout in (0.02, 0, 0.01, 0.01, -1):
        before = time.monotonic()
        with pytest.raises(ReadTimeout):
            stream.read(1, timeout=timeout)
        assert max(timeout, 0) <= time.monotonic() - before < 1


def test_a_read_that_timed_out_has_lost_nothing(pair: Pair) -> None:
    stream, peer = pair
    peer.sendall(b"head")
    assert stream.read(100, timeout=5) == b"head"
    with pytest.raises(ReadTimeout):
        stream.read(100, timeout=0.01)
    peer.sendall(b"body")
    assert stream.read(100, timeout=5) == b"body"
    stream.write(b"fine", timeout=5)
    assert peer.recv(100) == b"fine"


@pytest.mark.parametrize("max_bytes", [0, -1])
def test_read_of_less_than_a_byte_is_refused(pair: Pair, max_bytes: int) -> None:
    stream, peer = pair
    with pytest.raises(ValueError, match=f"max_bytes is {max_bytes}"):
        stream.read(max_bytes, timeout=1)
    peer.sendall(b"x")
    assert stream.read(1, timeout=5) == b"x"


def reset_by_peer() -> SyncStream:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    return SyncStream(sock)


def test_a_connection_reset_by_the_peer_is_a_read_error() -> None:
    stream = reset_by_peer()
    with pytest.raises(ReadError, match="reset by peer") as caught:
        stream.read(100, timeout=5)
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    stream.close()


def test_a_timeout_of_the_system_is_a_read_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # What TCP reports after it has retransmitted in vain.
    class Unanswered(socket.socket):
        def recv(self, max_bytes: int, flags: int = 0, /) -> bytes:
            raise TimeoutError(110, "Connection timed out")

    with Unanswered() as sock, pytest.raises(ReadError, match="Connection timed out"):
        SyncStream(sock).read(100, timeout=5)


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_a_socket_closed_behind_our_back_is_a_read_error(
    kind: str, request: pytest.FixtureRequest
) -> None:
    stream, _ = request.getfixturevalue(f"{kind}_pair")
    stream.get_extra_info("socket").close()
    for timeout in (5, None, 0):
        with pytest.raises(ReadError):
            stream.read(100, timeout=timeout)


def test_the_timeout_is_set_only_when_it_changes() -> None:
    calls: list[float | None] = []

    class Counting(socket.socket):
        def settimeout(self, value: float | None, /) -> None:
            calls.append(value)
            super().settimeout(value)

    ours, peer = socket.socketpair()
    with peer, Counting(fileno=ours.detach()) as sock:
        stream = SyncStream(sock)
        peer.sendall(b"abcdefgh")
        for timeout in (5.0, 5.0, None, None, 2.0, 2):
            stream.read(1, timeout=timeout)
            stream.write(b"x", timeout=timeout)
        assert calls == [5.0, None, 2.0]
        for timeout in (math.inf, -1.0):
            stream.read(1, timeout=timeout)
        assert calls[3:] == [None, 0.0]


def test_a_timeout_that_failed_to_be_set_is_set_again() -> None:
    class Interrupted(socket.socket):
        has_raised = False

        def settimeout(self, value: float | None, /) -> None:
            super().settimeout(value)
            if value == 0.05 and not self.has_raised:
                self.has_raised = True
                raise KeyboardInterrupt

    ours, peer = socket.socketpair()
    with peer, Interrupted(fileno=ours.detach()) as sock:
        stream = SyncStream(sock)
        peer.sendall(b"a")
        assert stream.read(1, timeout=5) == b"a"
        with pytest.raises(KeyboardInterrupt):
            stream.read(1, timeout=0.05)
        peer.sendall(b"b")
        assert stream.read(1, timeout=5) == b"b"
        assert sock.gettimeout() == 5


def read_when_ready(stream: NetworkStream, timeout: float) -> bytes:
    """Tries again whenever something comes, which need not be data if it is TLS."""
    deadline = time.monotonic() + 5
    while True:
        assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
        try:
            return stream.read(100, timeout=timeout)
        except ReadTimeout:
            assert time.monotonic() < deadline
