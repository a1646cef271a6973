"""How much a socket takes at once."""

import select
import socket

import pytest

from httpcore_pool._send_buffer import room_when_writable


def test_what_is_no_socket_says_nothing() -> None:
    assert room_when_writable(None) == 0
    assert room_when_writable("socket") == 0


def test_closed_socket_says_nothing() -> None:
    sock = socket.socket()
    sock.close()
    assert room_when_writable(sock) == 0


@pytest.mark.skipif(not hasattr(select, "poll"), reason="the system has no poll")
@pytest.mark.parametrize("kind", ["tcp", "pair"])
def test_socket_that_is_writable_takes_so_much_at_once(kind: str) -> None:
    ours, peer = socket.socketpair() if kind == "pair" else connected()
    with ours, peer:
        ours.setblocking(False)
        peer.setblocking(False)
        fill(ours)
        writable = select.poll()
        writable.register(ours, select.POLLOUT)
        # The peer reads on until there is room again.
        while not writable.poll(0):
            try:
                peer.recv(4096)
            except BlockingIOError:
                writable.poll(10)
        room = room_when_writable(ours)
        assert 16 * 1024 <= room == ours.send(bytes(room))


def connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        return ours, listener.accept()[0]


def fill(sock: socket.socket) -> None:
    try:
        while True:
            sock.send(bytes(64 * 1024))
    except BlockingIOError:
        pass
