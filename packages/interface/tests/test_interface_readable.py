"""Whether a socket has something to read, with poll and without."""

import collections.abc
import contextlib
import os
import resource
import select
import socket
import struct

import pytest

from httpcore_interface import is_socket_readable

LARGE_DESCRIPTOR = 1500  # select(2) stops at 1023


@pytest.fixture(params=["poll", "select"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    way: str = request.param
    if way == "select":
        # What Windows looks like, and a process that gevent has patched.
        monkeypatch.delattr(select, "poll")
    return way


@pytest.fixture
def pair() -> collections.abc.Iterator[tuple[socket.socket, socket.socket]]:
    ours, peer = socket.socketpair()
    with ours, peer:
        yield ours, peer


Pair = tuple[socket.socket, socket.socket]


@pytest.mark.usefixtures("way")
def test_idle_socket_is_not_readable(pair: Pair) -> None:
    assert is_socket_readable(pair[0]) is False


@pytest.mark.usefixtures("way")
def test_looking_takes_nothing_away(pair: Pair) -> None:
    ours, peer = pair
    peer.send(b"x")
    assert is_socket_readable(ours) is True
    assert is_socket_readable(ours) is True
    assert ours.recv(10) == b"x"
    assert is_socket_readable(ours) is False


@pytest.mark.usefixtures("way")
def test_ended_stream_is_readable(pair: Pair) -> None:
    ours, peer = pair
    peer.shutdown(socket.SHUT_WR)
    assert is_socket_readable(ours) is True


@pytest.mark.usefixtures("way")
def test_socket_whose_peer_is_gone_is_readable(pair: Pair) -> None:
    ours, peer = pair
    peer.close()
    assert is_socket_readable(ours) is True


@pytest.mark.usefixtures("way")
def test_reset_connection_is_readable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
    with ours, peer:
        assert is_socket_readable(ours) is False
        # Closing without lingering sends RST instead of FIN.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        ours.settimeout(30)
        with pytest.raises(ConnectionResetError):
            ours.recv(1)
        assert is_socket_readable(ours) is True


@pytest.mark.usefixtures("way")
def test_reset_that_nobody_has_read_is_readable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
    with ours, peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        assert select.select([ours], [], [], 30)[0] == [ours]
        assert is_socket_readable(ours) is True


@pytest.mark.usefixtures("way")
def test_listening_socket_is_readable_when_somebody_connects() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert is_socket_readable(server) is False
        with socket.create_connection(server.getsockname()):
            assert select.select([server], [], [], 30)[0] == [server]
            assert is_socket_readable(server) is True


def test_looking_does_not_wait(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts: list[float] = []

    class Poll:
        def register(self, descriptor: int, events: int) -> None:
            assert descriptor == pair[0].fileno()

        def poll(self, milliseconds: float) -> list[tuple[int, int]]:
            timeouts.append(milliseconds)
            return []

    def look(*arguments: object) -> tuple[list[int], list[int], list[int]]:
        *_, seconds = arguments
        assert isinstance(seconds, int | float)
        timeouts.append(seconds)
        return [], [], []

    monkeypatch.setattr(select, "poll", Poll)
    assert is_socket_readable(pair[0]) is False
    monkeypatch.delattr(select, "poll")
    monkeypatch.setattr(select, "select", look)
    assert is_socket_readable(pair[0]) is False
    assert timeouts == [0, 0]


@pytest.mark.usefixtures("way")
def test_no_socket_is_readable() -> None:
    assert is_socket_readable(None) is True


@pytest.mark.usefixtures("way")
def test_closed_socket_is_readable(pair: Pair) -> None:
    pair[0].close()
    assert is_socket_readable(pair[0]) is True


@pytest.mark.usefixtures("way")
def test_socket_that_another_thread_closes_meanwhile_is_readable(pair: Pair) -> None:
    class ClosedMeanwhile(socket.socket):
        def fileno(self) -> int:
            descriptor = self.detach()
            os.close(descriptor)
            return descriptor

    with ClosedMeanwhile(fileno=pair[0].detach()) as sock:
        assert is_socket_readable(sock) is True


@pytest.fixture
def descriptors() -> collections.abc.Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= LARGE_DESCRIPTOR:
        pytest.skip(f"this system allows no more than {hard} open files")
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, LARGE_DESCRIPTOR + 1), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def moved(sock: socket.socket) -> collections.abc.Iterator[socket.socket]:
    """The same socket, by a descriptor of a large number."""
    os.dup2(sock.fileno(), LARGE_DESCRIPTOR)
    with socket.socket(fileno=LARGE_DESCRIPTOR) as large:
        yield large


@pytest.mark.usefixtures("descriptors")
def test_descriptor_of_a_large_number_is_looked_at(pair: Pair) -> None:
    ours, peer = pair
    with moved(ours) as large:
        assert is_socket_readable(large) is False
        peer.send(b"x")
        assert is_socket_readable(large) is True


@pytest.mark.usefixtures("descriptors")
def test_descriptor_too_large_for_select_is_not_trusted(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(select, "poll")
    with moved(pair[0]) as large:
        assert is_socket_readable(large) is True
