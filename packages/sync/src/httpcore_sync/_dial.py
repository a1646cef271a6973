"""What one connect was asked for, and the sockets that are made for it."""

import collections.abc
import dataclasses
import socket

from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout, describe_failures

from ._deadline import Deadline
from ._resolve import AddressInfo


@dataclasses.dataclass(frozen=True, slots=True)
class Dial:
    """One call of `connect_tcp`: where to, from where, how, and until when."""

    host: str
    port: int
    local_address: str | None
    socket_options: collections.abc.Sequence[SOCKET_OPTION]
    deadline: Deadline

    def open_socket(self, address: AddressInfo) -> socket.socket:
        """Returns a socket that is ready to be connected to `address`.

        Raises:
            OSError: An option or the local address does not fit.
        """
        family, kind, protocol, _, _ = address
        sock = socket.socket(family, kind, protocol)
        try:
            # First, so that the caller's options have the last word.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            set_options(sock, self.socket_options)
            if self.local_address is not None:
                bind(sock, self.local_address)
        except BaseException:
            sock.close()
            raise
        return sock

    def failure(self, failures: list[tuple[str, Exception]]) -> ConnectError:
        """Returns what to raise when every address has failed."""
        return ConnectError(describe_failures(self.host, self.port, failures))

    def timeout(
        self, tried: int, failures: collections.abc.Sequence[tuple[str, Exception]] = ()
    ) -> ConnectTimeout:
        """Returns what to raise when the deadline has passed.

        Args:
            tried: How many addresses were tried.
            failures: Those that had failed by then.
        """
        addresses = f"{tried} {'address' if tried == 1 else 'addresses'} tried"
        failed = "".join(f"; {address}: {error}" for address, error in failures)
        return ConnectTimeout(
            f"no connection to {self.host}:{self.port} within {self.deadline.timeout}"
            f" seconds ({addresses}{failed})"
        )


def bind(sock: socket.socket, local_address: str) -> None:
    """Binds a socket to an address of this host, and to any port.

    Raises:
        OSError: The address does not fit, or is none.
        UnicodeError: It is no host name according to the idna codec.
    """
    try:
        sock.bind((local_address, 0))
    except TypeError as exc:
        # What Python says of a null character, and of half a character.
        raise OSError(f"cannot bind to {local_address!r}: {exc}") from exc


def set_options(sock: socket.socket, options: collections.abc.Iterable[SOCKET_OPTION]) -> None:
    """Sets the options that the caller asked for.

    Raises:
        OSError: The system refuses one of them.
    """
    for option in options:
        sock.setsockopt(*option)
