"""SOCKS4 and SOCKS4a, as a client.

No RFC has them. What counts are two texts by Ying-Da Lee: "SOCKS: A protocol for TCP
proxy across firewalls" and "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol".
"""

from httpcore_interface import LocalProtocolError, ProxyError

from .socks_address import check_length, check_name, octets_of

_VERSION = 4
_CONNECT = 1
# An address that is none: the name stands behind the user.
_NAME_FOLLOWS = b"\0\0\0\1"

_REPLY_SIZE = 8
# The version of the reply, not that of the protocol.
_REPLY_VERSION = 0
_GRANTED = 90
_REFUSALS = {
    91: "request rejected or failed",
    92: "the proxy cannot reach the identd of this host",
    93: "the identd of this host reports another user",
}


class Socks4Handshake:
    """Asks a SOCKS4 or SOCKS4a proxy for a tunnel.

    Args:
        host: An IPv4 address, or a name, which the proxy looks up.
        port: 0 to 65535.
        user: Who asks, 255 bytes at most; often empty.
        takes_names: Whether the proxy does look names up: SOCKS4a.

    Attributes:
        is_done: As `Handshake` has it; likewise `unread`.

    Raises:
        LocalProtocolError: The host or the user cannot be sent.
        ProxyError: This version of SOCKS has no way to reach the host.
    """

    __slots__ = ("_buffer", "_request", "is_done", "unread")

    def __init__(self, host: bytes, port: int, user: bytes, *, takes_names: bool) -> None:
        check_length("the user name", user)
        if b"\0" in user:
            raise LocalProtocolError("the user name has a NUL in it, which ends it in SOCKS4")
        octets = _ipv4_octets(host)
        name = b""
        if octets is None:
            if not takes_names:
                raise ProxyError(
                    f"{host!r} is no IPv4 address, and a SOCKS4 proxy takes no names: "
                    "if it speaks SOCKS4a, write socks4a://"
                )
            check_name(host)
            octets, name = _NAME_FOLLOWS, host + b"\0"
        # Version, command, port, address, user, perhaps the name.
        self._request = b"%c%c%b%b%b\0%b" % (
            _VERSION,
            _CONNECT,
            port.to_bytes(2, "big"),
            octets,
            user,
            name,
        )
        self._buffer = b""
        self.is_done = False
        self.unread = b""

    def begin(self) -> bytes:
        """Returns the request, which is all that there is to send."""
        return self._request

    def receive(self, received: bytes) -> bytes:
        """Takes what was received; see `Handshake`.

        Returns:
            `b""`.

        Raises:
            ProxyError: The proxy refuses, breaks the rules, or broke off.
        """
        assert not self.is_done
        if not received:
            raise ProxyError(
                "the SOCKS4 proxy closed the connection after "
                f"{len(self._buffer)} of {_REPLY_SIZE} bytes of its reply"
            )
        self._buffer += received
        if self._buffer[0] != _REPLY_VERSION:
            raise ProxyError(
                "the proxy does not speak SOCKS4: its reply begins with "
                f"0x{self._buffer[0]:02x}, not 0x{_REPLY_VERSION:02x}"
            )
        # What a refusal has behind the code, if anything, does not matter.
        if len(self._buffer) >= 2 and self._buffer[1] != _GRANTED:
            code = self._buffer[1]
            meaning = _REFUSALS.get(code, "of no known meaning")
            raise ProxyError(f"the SOCKS4 proxy refused: {meaning} (code {code})")
        if len(self._buffer) >= _REPLY_SIZE:
            self.is_done = True
            self.unread = self._buffer[_REPLY_SIZE:]
            self._buffer = b""
        return b""


def _ipv4_octets(host: bytes) -> bytes | None:
    """Returns the octets of an IPv4 address; None if the host is to be sent as a name."""
    octets = octets_of(host)
    if octets is None:
        return None
    if len(octets) != 4:
        raise ProxyError(
            f"{host!r} is an IPv6 address, which SOCKS4 does not know: use a SOCKS5 proxy"
        )
    # Of 0.0.0.x a proxy that speaks SOCKS4a would wait for a name.
    if octets[:3] == b"\0\0\0" and octets[3] != 0:
        return None
    return octets
