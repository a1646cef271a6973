"""The way to an origin: which proxies it leads through, and what each is asked for."""

import dataclasses
import enum

from .._proxy import Proxy
from .._url import Origin
from .options import ConnectOptions


class Way(enum.Enum):
    """How the last proxy on the way carries requests; the values name its connections."""

    DIRECT = "HTTP"
    FORWARD = "ForwardHTTP"
    TUNNEL = "TunnelHTTP"
    SOCKS4 = "Socks4"
    SOCKS5 = "Socks5"


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """The way to an origin.

    Args:
        hops: The proxies, the nearest first.
        way: What the last of them is asked for.
    """

    hops: tuple[Proxy, ...] = ()
    way: Way = Way.DIRECT

    @classmethod
    def to(cls, origin: Origin, options: ConnectOptions) -> "Route":
        """Returns the way that the options ask for."""
        proxy = options.proxy
        if proxy is None:
            return _DIRECT
        return cls(proxy.chain, _way_of(proxy, origin, options.protocols))


_DIRECT = Route()


def _way_of(proxy: Proxy, origin: Origin, protocols: tuple[str, ...]) -> Way:
    scheme = proxy.url.scheme
    if scheme in (b"socks5", b"socks5h"):
        return Way.SOCKS5
    if proxy.is_socks:
        return Way.SOCKS4
    # What is forwarded is HTTP/1.1; where that is not wanted, what is spoken with the
    # origin is none of the proxy's business.
    forwarded = {None: (b"http",), False: (b"http", b"ws"), True: ()}[proxy.tunnel]
    if origin.scheme in forwarded and "http/1.1" in protocols:
        return Way.FORWARD
    return Way.TUNNEL
