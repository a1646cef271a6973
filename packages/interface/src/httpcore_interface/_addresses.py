"""In which order the addresses of a name are tried (RFC 8305), as pure functions."""

import collections.abc
import typing

CONNECTION_ATTEMPT_DELAY = 0.25
"""Seconds after which the next address is tried beside a slow one (RFC 8305, section 8)."""

# What socket.getaddrinfo returns: family, type, protocol, canonical name, address.
AddressInfo = typing.TypeVar("AddressInfo", bound=tuple[object, ...])


def interleave_families(
    addresses: collections.abc.Iterable[AddressInfo],
) -> list[AddressInfo]:
    """Orders addresses so that the families take turns (RFC 8305, section 4).

    The family of the first address, which the resolver prefers (RFC 6724), begins;
    within a family the resolver's order stays.

    Args:
        addresses: What `socket.getaddrinfo` returned: the family stands first in
            each entry.
    """
    families: dict[object, list[AddressInfo]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    longest = max(map(len, families.values()), default=0)
    return [
        family[turn]
        for turn in range(longest)
        for family in families.values()
        if turn < len(family)
    ]


def describe_failures(
    host: str, port: int, failures: collections.abc.Sequence[tuple[str, Exception]]
) -> str:
    """Says why no address of a host could be connected to.

    Args:
        host: What was asked for.
        port: Likewise.
        failures: Each address that was tried, with its exception; not empty.
    """
    if len(failures) == 1:
        return _describe(failures[0][1])
    attempts = "; ".join(f"{address}: {_describe(error)}" for address, error in failures)
    return f"all {len(failures)} attempts to connect to {host}:{port} failed ({attempts})"


def _describe(error: Exception) -> str:
    # A timeout, for one, often has no message.
    return str(error) or type(error).__name__
