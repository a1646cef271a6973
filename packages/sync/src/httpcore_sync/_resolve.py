"""From a host to the addresses to try, within a deadline."""

import collections.abc
import socket
import threading

from httpcore_interface import ConnectError, ConnectTimeout, Event

from ._deadline import Deadline

# An entry of what socket.getaddrinfo returns.
AddressInfo = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]


def resolve(host: str, port: int, deadline: Deadline) -> collections.abc.Sequence[AddressInfo]:
    """Returns the addresses of a host, in the resolver's order; at least one.

    Raises:
        ConnectTimeout: The resolver did not answer before the deadline.
        ConnectError: There is no such name, or it is none at all.
    """
    # The resolver cuts a name at a null character, and a port to its lower 16 bits.
    if "\0" in host:
        raise ConnectError(f"the host {host!r} contains a null character")
    if not 0 <= port <= 65535:
        raise ConnectError(f"the port {port} is not between 0 and 65535")
    try:
        if is_address_literal(host):
            addresses = look_up(host, port, socket.AI_NUMERICHOST)
        elif deadline.remaining() is None:
            addresses = look_up(host, port)
        else:
            addresses = look_up_until(deadline, host, port)
    # UnicodeError: not a host name according to the idna codec.
    except (OSError, UnicodeError) as exc:
        raise ConnectError(f"cannot resolve {host!r}: {exc}") from exc
    if not addresses:
        raise ConnectError(f"cannot resolve {host!r}: it has no address")
    return addresses


def is_address_literal(host: str) -> bool:
    """Returns whether a host is an IPv4 or IPv6 address (a zone may follow)."""
    if ":" in host:
        # No name has a colon; the resolver judges what this is without asking anyone.
        return True
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, UnicodeError):
        return False
    return True


def look_up(host: str, port: int, flags: int = 0) -> collections.abc.Sequence[AddressInfo]:
    """Asks the resolver, in this thread, for as long as it takes."""
    return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, flags)


def look_up_until(
    deadline: Deadline, host: str, port: int
) -> collections.abc.Sequence[AddressInfo]:
    """Asks the resolver in a thread that is left to itself after the deadline.

    getaddrinfo(3) can neither be interrupted nor told how long it may take.

    Raises:
        ConnectTimeout: It did not answer before the deadline.
    """
    answers: list[collections.abc.Sequence[AddressInfo] | BaseException] = []
    answered = Event()
    deadline.alarm = answered.set

    def ask() -> None:
        try:
            answers.append(look_up(host, port))
        except BaseException as exc:  # noqa: BLE001 - raised again where it is awaited
            answers.append(exc)
        answered.set()

    remaining = deadline.remaining()
    if remaining:
        thread = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No more threads, or the interpreter is shutting down: better late than never.
            ask()
    if not answered.wait(remaining) or not answers:
        raise ConnectTimeout(
            f"the name {host!r} was not resolved within {deadline.timeout} seconds"
            " (no address tried)"
        )
    # Taken out, so that an exception and its traceback do not keep each other alive.
    answer = answers.pop()
    if isinstance(answer, BaseException):
        raise answer
    return answer
