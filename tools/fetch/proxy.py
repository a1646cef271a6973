"""The proxy, as the user names it: checked before anything is sent.

No message shows its URL, not even a part: whatever is wrong with it, a password may be there.
"""

from urllib.parse import unquote_to_bytes

import httpcore
from tools.fetch.failures import FetchError

SCHEMES = ("http", "https", "socks5", "socks5h", "socks4a", "socks4")


def parse_proxy(text: str) -> httpcore.Proxy:
    """Make a proxy of what the user typed.

    Raises:
        FetchError: It names no proxy; the message says why.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        *most, last = (f"{known}://" for known in SCHEMES)
        raise FetchError(f"the proxy's URL does not begin with {', '.join(most)} or {last}")
    user, _, server = rest.rpartition("@")
    try:
        url = httpcore.URL(f"{scheme}://{server.encode('idna').decode()}")
    except ValueError:
        raise FetchError("the proxy's URL has a host or port that cannot be read") from None
    if not url.host or url.port == 0:
        raise FetchError(f"the proxy's URL has no {'port' if url.host else 'host'}")
    name, _, password = user.partition(":")
    auth = (unquote_to_bytes(name), unquote_to_bytes(password)) if name or password else None
    try:
        return httpcore.Proxy(url, auth)
    except ValueError as exc:
        raise FetchError(f"this proxy cannot be used: {exc}") from exc
