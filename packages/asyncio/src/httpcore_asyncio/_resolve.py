"""From a host to the addresses to try."""

import asyncio
import collections.abc
import socket

from httpcore_interface import ConnectError

# An entry of what socket.getaddrinfo returns.
AddressInfo = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]


async def resolve(host: str, port: int) -> collections.abc.Sequence[AddressInfo]:
    """Returns the addresses of a host, in the resolver's order; at least one.

    An address is its own: for one nothing is waited for.

    Raises:
        ConnectError: There is no such name, or it is none at all.
    """
    # The resolver cuts a name at a null character, and a port to its lower 16 bits.
    if "\0" in host:
        raise ConnectError(f"the host {host!r} contains a null character")
    if not 0 <= port <= 65535:
        raise ConnectError(f"the port {port} is not between 0 and 65535")
    try:
        addresses: collections.abc.Sequence[AddressInfo]
        if is_address_literal(host):
            flags = socket.AI_NUMERICHOST
            addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, flags)
        else:
            loop = asyncio.get_running_loop()
            addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
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
