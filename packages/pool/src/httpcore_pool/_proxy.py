"""Proxies, as users name them."""

import base64
import collections.abc
import re
import ssl
import urllib.parse

from httpcore_interface import UnsupportedProtocol

from ._messages import Fields, HeaderTypes, to_fields
from ._url import URL, NotASCIIError, to_bytes

_HTTP_SCHEMES = (b"http", b"https")
_SOCKS_SCHEMES = (b"socks4", b"socks4a", b"socks5", b"socks5h")

_MISSING_PROTOCOL = "Proxy URL is missing a protocol such as 'http://' or 'socks5://'."

Auth = tuple[bytes | str, bytes | str]

# RFC 3986, section 3.2.1: what stands before the last "@" of the authority.
_match_user = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@", re.DOTALL).match


class Proxy:
    """A proxy that requests go through, and how it is reached.

    Args:
        url: `http://` or `https://` (which is TLS to the proxy itself), `socks5://` or
            `socks5h://` (RFC 1928), `socks4a://` or `socks4://`. Every kind but SOCKS4
            resolves names itself; SOCKS4 takes IPv4 addresses only. The ports that are
            left out are 80, 443 and 1080. A user name and a password may stand in it,
            percent-encoded; then they are its `auth`.
        auth: User name and password, strings as UTF-8. An HTTP proxy gets them as Basic
            authentication (RFC 7617), SOCKS5 as RFC 1929 has it; SOCKS4 gets the name.
        headers: What an HTTP proxy is told besides, with each CONNECT and with each
            request that it forwards. (name, value) pairs, or a mapping. A
            `Proxy-Authorization` among them is sent in place of `auth`.
        ssl_context: For the TLS to an `https` proxy; None is the default of the process.
            One of its own: what the origins are offered by ALPN is not for the proxy.
        via: The proxy that this one is reached through; None is the direct way.
        tunnel: Which requests travel in a tunnel (CONNECT) through an HTTP proxy, so
            that it sees their bytes only. None: those to `https`, `wss` and `ws` (RFC
            6455, section 4.1); it forwards those to `http`. True: all. False: those that
            need TLS; `http` and `ws` are forwarded.

    Attributes:
        url: Without what names the user.
        auth: A pair of bytes, or None.
        headers: Pairs of bytes; `Proxy-Authorization` first, where there is `auth`.

    Raises:
        UnsupportedProtocol: The URL's scheme is none of these.
        ValueError: The URL has no host, or cannot be taken apart; a user name for an
            HTTP proxy has a colon; the URL or a field has characters beyond ASCII.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        url: URL | bytes | str,
        auth: Auth | None = None,
        headers: HeaderTypes | None = None,
        ssl_context: ssl.SSLContext | None = None,
        *,
        via: "Proxy | None" = None,
        tunnel: bool | None = None,
    ) -> None:
        if isinstance(url, URL):
            self.url = url
        else:
            # Before anything can fail: what is wrong with a URL is told with the URL.
            if isinstance(url, str) and not url.isascii():
                raise ValueError("a proxy's URL must be ASCII: percent-encode the rest")
            octets = to_bytes(url, "url")
            if b"://" not in octets:
                # What stands before the first colon may be a host, or a user.
                raise UnsupportedProtocol(_MISSING_PROTOCOL)
            bare, named = _without_user(octets)
            self.url = URL(bare)
            auth = named if auth is None else auth
        if via is not None and not isinstance(via, Proxy):
            raise TypeError(f"via must be a Proxy, but got {type(via).__name__}.")
        if tunnel is not None and not isinstance(tunnel, bool):
            raise TypeError(f"tunnel must be None or a bool, but got {type(tunnel).__name__}.")
        self.auth = None if auth is None else _octet_pair(auth)
        self.headers = _fields(headers)
        self.ssl_context = ssl_context
        self.via = via
        self.tunnel = tunnel
        self._check()
        if self.auth is not None and not self.is_socks:
            authorization = _basic(*self.auth)
            if all(name.lower() != b"proxy-authorization" for name, _ in self.headers):
                self.headers.insert(0, (b"Proxy-Authorization", authorization))

    def _check(self) -> None:
        scheme = self.url.scheme
        if scheme not in _HTTP_SCHEMES + _SOCKS_SCHEMES:
            raise UnsupportedProtocol(
                "Proxy URL has an unsupported protocol "
                f"'{scheme.decode('ascii', 'replace')}://'."
                if scheme
                else _MISSING_PROTOCOL
            )
        if not self.url.host:
            raise ValueError(f"a proxy's URL needs a host, but is {bytes(self.url)!r}")

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS; HTTP otherwise."""
        return self.url.scheme in _SOCKS_SCHEMES

    @property
    def chain(self) -> "tuple[Proxy, ...]":
        """All that a request goes through, the nearest first; this one is the last."""
        chain: list[Proxy] = []
        proxy: Proxy | None = self
        while proxy is not None:
            chain.insert(0, proxy)
            proxy = proxy.via
        return tuple(chain)

    def __repr__(self) -> str:
        # Neither the name nor the password, nor fields, which may hold either.
        facts = [repr(bytes(self.url))]
        if self.auth is not None:
            facts.append("auth=[secret]")
        if self.via is not None:
            facts.append(f"via={self.via!r}")
        return f"Proxy({', '.join(facts)})"


def _without_user(url: bytes) -> tuple[bytes, tuple[bytes, bytes] | None]:
    """Returns a URL without its user, and that one's name and password."""
    match = _match_user(url)
    if match is None:
        return url, None
    name, _, password = match[2].partition(b":")
    bare = match[1] + url[match.end() :]
    if not name and not password:
        return bare, None
    unquote = urllib.parse.unquote_to_bytes
    return bare, (unquote(name), unquote(password))


def _fields(headers: HeaderTypes | None) -> Fields:
    try:
        return to_fields(headers)
    except NotASCIIError:
        pass
    # Raised out here, so that it has no context: that keeps the whole value.
    raise ValueError("the fields for a proxy must be ASCII, but one is not")


def _octet_pair(auth: collections.abc.Sequence[bytes | str]) -> tuple[bytes, bytes]:
    # A string of two letters has a length of two as well.
    if not isinstance(auth, tuple | list) or len(auth) != 2:
        raise TypeError("auth must be a pair of bytes or str: a user name and a password.")
    return _octets(auth[0]), _octets(auth[1])


def _octets(text: bytes | str) -> bytes:
    if isinstance(text, bytes):
        return text
    if isinstance(text, str):
        return text.encode()
    raise TypeError(f"auth must be a pair of bytes or str, but got {type(text).__name__}.")


def _basic(name: bytes, password: bytes) -> bytes:
    if b":" in name:
        # RFC 7617, section 2: the first colon ends the name.
        raise ValueError("a user name of Basic authentication cannot have a colon")
    return b"Basic " + base64.b64encode(name + b":" + password)
