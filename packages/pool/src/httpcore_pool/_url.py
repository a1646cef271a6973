"""URLs, taken apart only as far as a connection and a request need it (RFC 3986)."""

import functools
import re

HTTP_PORTS = {b"http": 80, b"https": 443, b"ws": 80, b"wss": 443}
"""The schemes of requests, and their default ports."""

_DEFAULT_PORTS = HTTP_PORTS | {
    b"socks4": 1080,
    b"socks4a": 1080,
    b"socks5": 1080,
    b"socks5h": 1080,
}

# RFC 3986, appendix B, and the authority of section 3.2 taken apart further: what
# stands before the last "@" names a user, which is not a request's business. What
# begins with "//" has an authority: one that cannot be read is not taken for a path.
_match_url = re.compile(
    rb"""
    (?: ([A-Za-z][A-Za-z0-9+.-]*) : )?+
    (?: // (?:[^/?#]*@)?
        (?: \[ ([0-9A-Fa-f.]*:[0-9A-Fa-f.:]*) (?:% (?:25)? ([^]/?#@\x00-\x20\x7f]+))? \]
          | ([^]\[:/?#@\x00-\x20\x7f\\<>"^`{|}]*) )
        (?: :([0-9]*) )?
        (?= [/?#] | \Z )
      | (?!//) )
    ([^?#]*) (\?[^#]*)? (?:\#.*)?
    """,
    re.DOTALL | re.VERBOSE,
).fullmatch


# Programs ask for the same few URLs over and over.
@functools.lru_cache(maxsize=512)
def _split_url(url: bytes) -> tuple[bytes, bytes, int | None, bytes]:
    """Returns the scheme, the host, the port and the target of a URL."""
    parts = _match_url(url) if url.isascii() else None
    if parts is None:
        # What names a user may be a secret, wherever its end was meant to be.
        shown = re.sub(rb"//.*@", b"//[secret]@", url, flags=re.DOTALL)
        raise ValueError(f"{shown!r} is not a valid URL: its host or port cannot be read")
    scheme, address, zone, name, port, path, query = parts.groups(b"")
    host = (address or name).lower()
    return (
        scheme.lower(),
        # Unlike the rest of a host, a zone has upper and lower case.
        b"%b%%%b" % (host, zone) if zone else host,
        _checked_port(int(port)) if port else None,
        (path or b"/") + query,
    )


class NotASCIIError(TypeError, ValueError):
    """A string has characters beyond ASCII: as in 1.x a TypeError, and what it is."""


def to_bytes(text: bytes | str, name: str) -> bytes:
    """Returns `text` as bytes.

    Args:
        text: Bytes, or a string of ASCII characters.
        name: What to call it in an error.

    Raises:
        TypeError: It is neither.
        NotASCIIError: The string has characters beyond ASCII.
    """
    if isinstance(text, str):
        if not text.isascii():
            # Without the text, which may be a secret.
            raise NotASCIIError(f"{name} must be ascii where it is a str: give bytes instead.")
        return text.encode("ascii")
    if isinstance(text, bytes):
        return text
    raise TypeError(f"{name} must be bytes or str, but got {type(text).__name__}.")


class Origin:
    """Where a request goes: requests of equal origins may share a connection.

    Args:
        scheme: Such as `b"https"`.
        host: A name or an address, without brackets.
        port: Always explicit.
    """

    def __init__(self, scheme: bytes, host: bytes, port: int) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Origin)
            and self.scheme == other.scheme
            and self.host == other.host
            and self.port == other.port
        )

    def __hash__(self) -> int:
        return hash((self.scheme, self.host, self.port))

    def __str__(self) -> str:
        scheme, host = self.scheme.decode("ascii"), bracketed(self.host).decode("ascii")
        return f"{scheme}://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"Origin(scheme={self.scheme!r}, host={self.host!r}, port={self.port!r})"


class URL:
    """The parts of a URL that a request is made of.

    Either `url` is given, or the parts are. A fragment and a user name are
    dropped. The host of an IPv6 literal stands without its brackets, and its zone
    as the system writes it (`fe80::1%eth0`, RFC 6874).

    Args:
        url: The whole URL; strings must be ASCII.
        scheme: Such as `b"https"`.
        host: Such as `b"example.com"`.
        port: None stands for the scheme's default.
        target: The path and the query.

    Raises:
        TypeError: A part has the wrong type, or is a string that is not ASCII.
        ValueError: The URL cannot be taken apart, or its port is out of range.
    """

    def __init__(
        self,
        url: bytes | str = "",
        *,
        scheme: bytes | str = b"",
        host: bytes | str = b"",
        port: int | None = None,
        target: bytes | str = b"",
    ) -> None:
        if url:
            octets = to_bytes(url, "url")
            # What names a user may hold a password, which is not to be remembered.
            split = _split_url.__wrapped__ if b"@" in octets else _split_url
            self.scheme, self.host, self.port, self.target = split(octets)
        else:
            self.scheme = to_bytes(scheme, "scheme")
            self.host = to_bytes(host, "host")
            if b":" in self.host:
                self.host = _unbracketed(self.host)
            if port is not None and not isinstance(port, int):
                raise TypeError(f"port must be an integer, but got {type(port).__name__}.")
            # Of any size, as in 1.x: whoever connects to it is told.
            self.port = port
            self.target = to_bytes(target, "target")

    @property
    def origin(self) -> Origin:
        """The scheme, the host and the port, the default port made explicit.

        Raises:
            KeyError: Neither the URL nor its scheme has a port.
        """
        port = self.port
        return Origin(
            self.scheme, self.host, _DEFAULT_PORTS[self.scheme] if port is None else port
        )

    @property
    def host_field(self) -> bytes:
        """The value of a `Host` field (RFC 9110, section 7.2).

        The brackets of an IPv6 address belong to it, a zone does not: that means
        something on this host only.
        """
        return _host_field(self.scheme, self.host, self.port)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, URL)
            and self.scheme == other.scheme
            and self.host == other.host
            and self.port == other.port
            and self.target == other.target
        )

    # As in 1.x, a URL can be changed; so it cannot be a key.
    __hash__ = None  # type: ignore[assignment]

    def __bytes__(self) -> bytes:
        host = bracketed(self.host.replace(b"%", b"%25") if b":" in self.host else self.host)
        if self.port is None:
            return b"%b://%b%b" % (self.scheme, host, self.target)
        return b"%b://%b:%d%b" % (self.scheme, host, self.port, self.target)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(scheme={self.scheme!r}, host={self.host!r}, "
            f"port={self.port!r}, target={self.target!r})"
        )


def bracketed(host: bytes) -> bytes:
    """Returns a host as it stands in a URL: IPv6 addresses in brackets."""
    return b"[%b]" % host if b":" in host else host


# As few as there are origins that are talked to at a time.
@functools.lru_cache(maxsize=256)
def _host_field(scheme: bytes, host: bytes, port: int | None) -> bytes:
    if b":" in host:
        host = bracketed(host.partition(b"%")[0])
    if port is None or port == _DEFAULT_PORTS.get(scheme):
        return host
    return b"%b:%d" % (host, port)


def _unbracketed(host: bytes) -> bytes:
    return host.removeprefix(b"[").removesuffix(b"]").replace(b"%25", b"%", 1)


def _checked_port(port: int) -> int:
    if not 0 <= port <= 65535:
        raise ValueError(f"a port must be 0 to 65535, but is {port}")
    return port
