"""How SOCKS writes the host that is to be reached: addresses as octets, names as text."""

import ipaddress

from httpcore_interface import LocalProtocolError

LONGEST_TEXT = 255
"""Bytes in a name, a user or a password: their length is one byte in SOCKS5 (RFC 1928,
section 5; RFC 1929, section 2). SOCKS4 sets no limit; no name of a host is longer."""


def octets_of(host: bytes) -> bytes | None:
    """Returns an address as its 4 or 16 octets; None if the host is a name.

    The zone of an IPv6 address is dropped: it means something on this host only.

    Raises:
        LocalProtocolError: It has colons, as no name does, and is no IPv6 address.
    """
    has_colons = b":" in host
    # Latin-1, so that any bytes become text: what is not ASCII is no address.
    text = (host.partition(b"%")[0] if has_colons else host).decode("latin-1")
    try:
        if has_colons:
            return ipaddress.IPv6Address(text).packed
        return ipaddress.IPv4Address(text).packed
    except ValueError as exc:
        if not has_colons:
            return None
        raise LocalProtocolError(f"{host!r} is neither a name nor an IPv6 address") from exc


def check_name(name: bytes) -> None:
    """Makes sure that a name can be sent.

    Raises:
        LocalProtocolError: It is empty or too long, or has a NUL: many proxies would
            take what stands before that for the name.
    """
    check_length("the name of the host", name)
    if not name:
        raise LocalProtocolError("the name of the host is empty")
    if b"\0" in name:
        raise LocalProtocolError("the name of the host has a NUL in it")


def check_length(what: str, text: bytes) -> None:
    """Makes sure that a text is not too long to be sent.

    Raises:
        LocalProtocolError: It is. The text is not shown.
    """
    if len(text) > LONGEST_TEXT:
        raise LocalProtocolError(
            f"{what} has {len(text)} bytes, but SOCKS takes {LONGEST_TEXT} at most"
        )
