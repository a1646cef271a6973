"""The URL: checked before anything is sent, and put in the order that HTTP wants."""

import ipaddress
import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from tools.fetch.failures import FetchError

DEFAULT_PORTS = {"http": 80, "https": 443}

# What may stand in a path or query as it is (RFC 3986, sections 3.3 and 3.4); "%"
# is left alone too, as most who type it have escaped already.
_SAFE = "/:@!$&'()*+,;=-._~%"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9._-]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Args:
        url: The URL in ASCII, without user, password and fragment.
        host: The host's name or address, as a user knows it.
        port: The port.
        authorization: The value of an Authorization header for the URL's user and
            password; None: it has none.
    """

    url: str
    host: str
    port: int
    authorization: bytes | None


def parse_target(text: str) -> Target:
    """Make a target of what the user typed.

    Raises:
        FetchError: It is no URL that can be fetched; the message says why.
    """
    if not text:
        raise FetchError("the URL is empty")
    # Looked for first: urlsplit drops some of them without a word.
    if any(char.isspace() or not char.isprintable() for char in text):
        raise FetchError(
            f"the URL has a space or control character: {text!r}; escape it as %20"
        )
    scheme = _check_scheme(text)
    try:
        parts = urlsplit(text)
    except ValueError as exc:
        raise FetchError(f"bad URL {text!r}: {exc}") from exc
    host = _check_host(parts, text)
    port = _check_port(parts, text) or DEFAULT_PORTS[scheme]
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORTS[scheme]:
        authority += f":{port}"
    path = quote(parts.path or "/", safe=_SAFE)
    query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
    url = f"{scheme}://{authority}{path}{query}"
    return Target(url, parts.hostname or host, port, _make_authorization(parts))


def _check_scheme(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        raise FetchError(f"{text!r} does not begin with http:// or https://")
    if scheme.lower() not in DEFAULT_PORTS:
        raise FetchError(f"{scheme}:// is not supported, only http:// and https://: {text!r}")
    return scheme.lower()


def _check_host(parts: SplitResult, text: str) -> str:
    host = parts.hostname
    if not host:
        raise FetchError(f"the URL names no host: {text!r}")
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise FetchError(f"bad IPv6 address {host!r} in {text!r}") from None
    try:
        name = host.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name):
        raise FetchError(f"bad host name {host!r} in {text!r}")
    return name


def _check_port(parts: SplitResult, text: str) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise FetchError(f"bad port in {text!r}: not a number from 1 to 65535")
    return port


def _make_authorization(parts: SplitResult) -> bytes | None:
    if parts.username is None:
        return None
    pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
    return b"Basic " + b64encode(pair)
