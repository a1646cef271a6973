"""What one connect was asked for: the sockets that are made for it, and what to raise.

All that a connect does without waiting; the waiting is the backend's. The functions of
the `socket` module are looked up when they are called: test tools replace them.
"""

import collections.abc
import dataclasses
import os
import select
import socket

from ._addresses import describe_failures
from ._backend import SOCKET_OPTION
from ._exceptions import ConnectError, ConnectTimeout

# An entry of what socket.getaddrinfo returns.
AddressInfo = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]


@dataclasses.dataclass(frozen=True, slots=True)
class Dial:
    """One call of `connect_tcp`: where to, from where, how, and for how long.

    Args:
        host: A name or an address literal (IPv6 without brackets).
        port: As it was given; `literal_addresses` refuses what is no port.
        timeout: Seconds for name resolution and all attempts together; None: no limit.
        local_address: The address of this host to connect from.
        socket_options: Arguments of `setsockopt`, applied before connecting.
    """

    host: str
    port: int
    timeout: float | None = None
    local_address: str | None = None
    socket_options: collections.abc.Sequence[SOCKET_OPTION] = ()

    def literal_addresses(self) -> collections.abc.Sequence[AddressInfo] | None:
        """Returns the address that the host is, if it is no name that has to be resolved.

        Raises:
            ConnectError: It is neither, or there is no such port.
        """
        # The resolver cuts a name at a null character, and a port to its lower 16 bits.
        if "\0" in self.host:
            raise ConnectError(f"the host {self.host!r} contains a null character")
        if not 0 <= self.port <= 65535:
            raise ConnectError(f"the port {self.port} is not between 0 and 65535")
        if self.local_address is not None and not _is_literal(self.local_address):
            # The system would ask the resolver, and hold up the event loop meanwhile.
            raise ConnectError(f"the local address {self.local_address!r} is no IP address")
        if not _is_literal(self.host):
            return None
        try:
            return socket.getaddrinfo(
                self.host, self.port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST
            )
        # UnicodeError: it has a colon, and labels that no name may have.
        except (OSError, UnicodeError) as exc:
            raise self.not_resolved(exc) from exc

    def open_socket(self, address: AddressInfo) -> socket.socket:
        """Returns a socket that does not block, ready to be connected to `address`.

        Raises:
            OSError: An option or the local address does not fit.
        """
        family, kind, protocol, _, _ = address
        sock = socket.socket(family, kind, protocol)
        try:
            # First, so that the caller's options have the last word.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _set_options(sock, self.socket_options)
            if self.local_address is not None:
                sock.bind((self.local_address, 0))
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
        return sock

    def not_resolved(self, reason: object) -> ConnectError:
        """Returns what to raise when there is no such name."""
        return ConnectError(f"cannot resolve {self.host!r}: {reason}")

    def failure(
        self, failures: collections.abc.Sequence[tuple[str, Exception]]
    ) -> ConnectError:
        """Returns what to raise when every address has failed."""
        return ConnectError(describe_failures(self.host, self.port, failures))

    def timed_out(
        self, tried: int, failures: collections.abc.Sequence[tuple[str, Exception]] = ()
    ) -> ConnectTimeout:
        """Returns what to raise when the time is over.

        Args:
            tried: How many addresses were tried; 0: the name was not resolved in time.
            failures: Those that had failed by then.
        """
        if not tried:
            return ConnectTimeout(
                f"the name {self.host!r} was not resolved within {self.timeout} seconds"
                " (no address tried)"
            )
        addresses = f"{tried} {'address' if tried == 1 else 'addresses'} tried"
        failed = "".join(f"; {address}: {error}" for address, error in failures)
        return ConnectTimeout(
            f"no connection to {self.host}:{self.port} within {self.timeout} seconds"
            f" ({addresses}{failed})"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class UnixDial:
    """One call of `connect_unix_socket`: where to, how, and for how long.

    Args:
        path: Where the socket stands in the file system.
        timeout: Seconds to wait; None: no limit.
        socket_options: Arguments of `setsockopt`, applied before connecting.
    """

    path: str
    timeout: float | None = None
    socket_options: collections.abc.Sequence[SOCKET_OPTION] = ()

    def open_socket(self) -> socket.socket:
        """Returns a socket that does not block, ready to be connected to `path`.

        Raises:
            ConnectError: The platform has no Unix sockets, no file can have this path, or
                an option does not fit.
        """
        if not hasattr(socket, "AF_UNIX"):
            raise self.failure("this platform has no Unix sockets")
        # The system cuts a path there; only the names that Linux keeps apart from the
        # files begin with one.
        if "\0" in self.path and not self.path.startswith("\0"):
            raise self.failure("it contains a null character")
        if not self.path:
            raise self.failure("it is empty")
        try:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as exc:
            raise self.failure(exc) from exc
        try:
            _set_options(sock, self.socket_options)
            sock.setblocking(False)
        except OSError as exc:
            sock.close()
            raise self.failure(exc) from exc
        except BaseException:
            sock.close()
            raise
        return sock

    def failure(self, reason: object) -> ConnectError:
        """Returns what to raise when the connect has failed."""
        return ConnectError(f"cannot connect to {self.path!r}: {reason}")

    def timed_out(self) -> ConnectTimeout:
        """Returns what to raise when the time is over."""
        return ConnectTimeout(f"no connection to {self.path!r} within {self.timeout} seconds")


def unix_pauses() -> collections.abc.Iterator[float]:
    """Yields the seconds between two looks at a Unix server whose queue is full.

    Linux refuses a connect then, and offers nothing to wait for.
    """
    pause = 0.001
    while True:
        yield pause
        pause = min(pause * 2, 0.02)


def begin_connect(sock: socket.socket, address: object) -> bool:
    """Begins to connect a socket that does not block.

    Returns:
        Whether it is over already, as is usual over the loopback. If not, the socket
        becomes writable when it is; `finish_connect` tells what came of it then.

    Raises:
        OSError: It failed at once.
    """
    try:
        # Whatever the family's addresses look like.
        sock.connect(address)  # type: ignore[arg-type]
    except BlockingIOError:
        if not is_socket_writable(sock):
            return False
        finish_connect(sock)
    return True


def finish_connect(sock: socket.socket) -> None:
    """Looks what came of a connect that is over.

    Raises:
        OSError: It failed.
    """
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        # The subclass that belongs to the number, such as ConnectionRefusedError.
        raise OSError(error, os.strerror(error))
    # A socket that never came to connect has no error either.
    sock.getpeername()


def is_socket_writable(sock: socket.socket) -> bool:
    """Returns whether a write to a socket, or what came of its connect, need not wait."""
    try:
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(sock, select.POLLOUT)
            return bool(poll.poll(0))
        # Windows tells of a failed connect in the third list alone.
        return any(select.select([], [sock], [sock], 0))
    except (OSError, ValueError):
        # Closed: a write fails at once.
        return True


def _set_options(sock: socket.socket, options: collections.abc.Iterable[SOCKET_OPTION]) -> None:
    for option in options:
        sock.setsockopt(*option)


def _is_literal(host: str) -> bool:
    """Returns whether a host is an IPv4 or IPv6 address (a zone may follow)."""
    if "\0" in host or not host.isascii():
        return False
    if ":" in host:
        # No name has a colon; the resolver judges what this is without asking anyone.
        return True
    try:
        socket.inet_pton(socket.AF_INET, host)
    except OSError:
        return False
    return True
