"""Servers that answer no connect: their queues are full."""

import contextlib
import select
import socket

import pytest

# What fits into a queue of no length, and a few more.
_MOST = 8


class Blackhole:
    """A server that takes no connection until it has accepted some.

    Skips the test where the system does not let connects wait.

    Args:
        family: Of the addresses.
        address: Where it is.
    """

    def __init__(
        self,
        family: socket.AddressFamily = socket.AF_INET,
        address: tuple[str, int] | str = ("127.0.0.1", 0),
    ) -> None:
        self._stack = contextlib.ExitStack()
        self.sock = self._stack.enter_context(socket.socket(family))
        self.sock.bind(address)
        self.sock.listen(0)
        for _ in range(_MOST):
            if not self._fill(family):
                return
        self.close()
        pytest.skip("on this system a server's queue is never full")

    def _fill(self, family: socket.AddressFamily) -> bool:
        """Adds a connection; whether there was room."""
        sock = self._stack.enter_context(socket.socket(family))
        sock.setblocking(False)
        try:
            sock.connect(self.sock.getsockname())
        except BlockingIOError:
            if select.select([], [sock], [], 0.05 if family != _unix() else 0)[1]:
                return family != _unix()
            # Nor shall this one be the next that it accepts.
            sock.close()
            return False
        return True

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port, *_ = self.sock.getsockname()
        return host, port

    def accept(self) -> socket.socket:
        """Accepts one of the connections that fill the queue."""
        return self._stack.enter_context(self.sock.accept()[0])

    def close(self) -> None:
        """Closes everything."""
        self._stack.close()


def _unix() -> int:
    return getattr(socket, "AF_UNIX", -1)
