"""What one connect was asked for, and the sockets that are made for it."""

import collections.abc
import dataclasses
import socket

from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout, describe_failures

from ._resolve import AddressInfo

_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY)


@dataclasses.dataclass(frozen=True, slots=True)
class Dial:
    """One call of `connect_tcp`: where to, from where, how, and for how long."""

    host: str
    port: int
    local_address: str | None
    socket_options: collections.abc.Sequence[SOCKET_OPTION]
    timeout: float | None

    def open_socket(self, address: AddressInfo) -> socket.socket:
        """Returns a socket that is ready to be connected to `address`.

        Raises:
            OSError: An option or the local address does not fit.
        """
        family, kind, protocol, _, _ = address
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            # First, so that the caller's options have the last word.
            sock.setsockopt(*_NO_DELAY, 1)
            set_options(sock, self.socket_options)
            if self.local_address is not None:
                sock.bind((self.local_address, 0))
        except BaseException:
            sock.close()
            raise
        return sock

    def restore_options(self, sock: socket.socket) -> None:
        """Sets again what event loops set as they like when they get a socket."""
        for option in self.socket_options:
            if option[:2] == _NO_DELAY:
                sock.setsockopt(*option)

    def unresolved(self) -> ConnectTimeout:
        """Returns what to raise when the name was not resolved in time."""
        return ConnectTimeout(
            f"the name {self.host!r} was not resolved within {self.timeout} seconds"
            " (no address tried)"
        )

    def failure(self, failures: list[tuple[str, Exception]]) -> ConnectError:
        """Returns what to raise when every address has failed."""
        return ConnectError(describe_failures(self.host, self.port, failures))

    def expired(
        self, tried: int, failures: collections.abc.Sequence[tuple[str, Exception]] = ()
    ) -> ConnectTimeout:
        """Returns what to raise when the timeout has passed.

        Args:
            tried: How many addresses were tried.
            failures: Those that had failed by then.
        """
        addresses = f"{tried} {'address' if tried == 1 else 'addresses'} tried"
        failed = "".join(f"; {address}: {error}" for address, error in failures)
        return ConnectTimeout(
            f"no connection to {self.host}:{self.port} within {self.timeout}"
            f" seconds ({addresses}{failed})"
        )


def set_options(sock: socket.socket, options: collections.abc.Iterable[SOCKET_OPTION]) -> None:
    """Sets the options that the caller asked for.

    Raises:
        OSError: The system refuses one of them.
    """
    for option in options:
        sock.setsockopt(*option)
