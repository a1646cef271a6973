"""SOCKS5 (RFC 1928), with user names and passwords (RFC 1929), as a client."""

from httpcore_interface import ProxyError

from .socks_address import check_length, check_name, octets_of

_VERSION = 5
_NO_AUTHENTICATION, _PASSWORD, _NONE_ACCEPTABLE = 0x00, 0x02, 0xFF
# The version of RFC 1929's own exchange.
_PASSWORD_VERSION = 1
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4

# What is awaited, in the words of an error.
_CHOICE = "choice of an authentication method"
_VERDICT = "reply to the user name and password"
_REPLY = "reply to the request"

# RFC 1928, section 6.
_REFUSALS = {
    1: "general failure of the SOCKS server",
    2: "connection not allowed by the rules of the proxy",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


class Socks5Handshake:
    """Asks a SOCKS5 proxy for a tunnel.

    With a user and a password it offers both: to use them, and to do without. The
    proxy chooses, and many know only one of the two. Theirs comes first in the offer,
    for proxies that take the first they know: whoever gives a password wants it used.

    Args:
        host: A name, which the proxy looks up, or an address without brackets; a
            zone is dropped.
        port: 0 to 65535.
        auth: The user and the password, 255 bytes each at most; either may be empty.

    Attributes:
        is_done: As `Handshake` has it; likewise `unread`.

    Raises:
        LocalProtocolError: The host, the user or the password cannot be sent.
    """

    __slots__ = ("_awaited", "_buffer", "_credentials", "_request", "is_done", "unread")

    def __init__(self, host: bytes, port: int, auth: tuple[bytes, bytes] | None) -> None:
        self._credentials = None if auth is None else _written_credentials(*auth)
        # Version, command, a reserved byte, the address, the port.
        self._request = b"%c%c\0%b%b" % (
            _VERSION,
            _CONNECT,
            _written_address(host),
            port.to_bytes(2, "big"),
        )
        self._awaited = _CHOICE
        self._buffer = b""
        self.is_done = False
        self.unread = b""

    def begin(self) -> bytes:
        """Returns the offer: the version, how many methods, and which."""
        if self._credentials is None:
            return bytes([_VERSION, 1, _NO_AUTHENTICATION])
        return bytes([_VERSION, 2, _PASSWORD, _NO_AUTHENTICATION])

    def receive(self, received: bytes) -> bytes:
        """Takes what was received; see `Handshake`.

        Raises:
            ProxyError: The proxy refuses, breaks the rules, or broke off.
        """
        assert not self.is_done
        if not received:
            raise ProxyError(
                "the SOCKS5 proxy closed the connection after "
                f"{len(self._buffer)} bytes of its {self._awaited}"
            )
        # This stays small: no reply has more than 262 bytes, and each is looked at
        # as soon as a byte of it is there.
        self._buffer += received
        answers = b""
        while (answer := self._take_reply()) is not None:
            answers += answer
        return answers

    def _take_reply(self) -> bytes | None:
        """Takes one reply off the buffer; returns the answer, None for "more bytes"."""
        if not self._buffer:
            return None
        version = _PASSWORD_VERSION if self._awaited == _VERDICT else _VERSION
        if self._buffer[0] != version:
            raise ProxyError(
                f"the proxy does not speak SOCKS5: its {self._awaited} begins with "
                f"0x{self._buffer[0]:02x}, not 0x{version:02x}"
            )
        # What a refusal has behind the code, if anything, does not matter.
        if len(self._buffer) < 2:
            return None
        if self._awaited == _CHOICE:
            return self._take_choice(self._buffer[1])
        if self._awaited == _VERDICT:
            return self._take_verdict(self._buffer[1])
        return self._take_last_reply(self._buffer[1])

    def _take_choice(self, method: int) -> bytes:
        self._buffer = self._buffer[2:]
        if method == _NO_AUTHENTICATION:
            self._awaited = _REPLY
            return self._request
        if method == _PASSWORD and self._credentials is not None:
            self._awaited = _VERDICT
            return self._credentials
        if method not in (_PASSWORD, _NONE_ACCEPTABLE):
            raise ProxyError(
                f"the SOCKS5 proxy chose the authentication method {method}, "
                "which was not offered"
            )
        if self._credentials is None:
            raise ProxyError(
                "the SOCKS5 proxy asks for authentication, but no user and password are given"
            )
        raise ProxyError(
            "the SOCKS5 proxy accepts neither a user and password nor no authentication"
        )

    def _take_verdict(self, status: int) -> bytes:
        if status != 0:
            # Programs look for these words.
            raise ProxyError("Invalid username/password")
        self._buffer = self._buffer[2:]
        self._awaited = _REPLY
        return self._request

    def _take_last_reply(self, code: int) -> bytes | None:
        if code != 0:
            meaning = _REFUSALS.get(code, "of no known meaning")
            raise ProxyError(f"the SOCKS5 proxy refused: {meaning} (code {code})")
        size = _size_of_reply(self._buffer)
        if size is None or len(self._buffer) < size:
            return None
        self.is_done = True
        self.unread = self._buffer[size:]
        self._buffer = b""
        return b""


def _size_of_reply(reply: bytes) -> int | None:
    """Returns how long a reply will be; None if that is not known yet.

    It has the version, the code, a reserved byte, and the address and port that the
    proxy uses itself, which are of no interest.
    """
    # None is so short.
    if len(reply) < 5:
        return None
    kind = reply[3]
    if kind == _IPV4:
        return 4 + 4 + 2
    if kind == _IPV6:
        return 4 + 16 + 2
    if kind == _NAME:
        return 4 + 1 + reply[4] + 2
    raise ProxyError(f"the {_REPLY} of the SOCKS5 proxy has an address of unknown type {kind}")


def _written_address(host: bytes) -> bytes:
    octets = octets_of(host)
    if octets is None:
        check_name(host)
        return b"%c%c%b" % (_NAME, len(host), host)
    return b"%c%b" % (_IPV4 if len(octets) == 4 else _IPV6, octets)


def _written_credentials(user: bytes, password: bytes) -> bytes:
    check_length("the user name", user)
    check_length("the password", password)
    return b"%c%c%b%c%b" % (_PASSWORD_VERSION, len(user), user, len(password), password)
