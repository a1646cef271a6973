"""Ports for servers that open theirs by themselves, and where those are then found."""

import collections.abc
import contextlib
import socket
import typing


class Address(typing.NamedTuple):
    """Where a server listens: what `socket.create_connection` takes."""

    host: str
    port: int

    def url(self, scheme: str) -> str:
        """The address in a URL, without a slash at the end."""
        return f"{scheme}://{self.host}:{self.port}"


class Port:
    """A port that nobody else is given, before servers use it and between them."""

    def __init__(self) -> None:
        # Bound, and never listening: that leaves the port to servers, which all allow
        # for such a neighbour, but takes it from those who want any port that is free.
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.number: int = self._holder.getsockname()[1]

    def close(self) -> None:
        self._holder.close()

    def is_served(self) -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.number)) == 0


@contextlib.contextmanager
def reserved(count: int) -> collections.abc.Iterator[list[Port]]:
    """Reserves ports until servers listen on them."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(Port())) for _ in range(count)]
