"""How connections are made: the options of a pool, or of a connection by itself."""

import collections.abc
import dataclasses
import ssl

from httpcore_interface import SOCKET_OPTION

from .._proxy import Proxy
from .._tls import offered_protocols
from .._url import HTTP_PORTS

TLS_SCHEMES = (b"https", b"wss")
"""The schemes of origins that speak TLS."""


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectOptions:
    """How connections are made.

    Args:
        ssl_context: For origins with TLS; None is the default of the process.
        retries: How often a failed attempt is repeated.
        local_address: The address to connect from.
        uds: The Unix socket to connect to, whatever the origin or the proxy.
        socket_options: Arguments of `setsockopt`.
        keepalive_expiry: Seconds after which an idle connection has expired.
        protocols: What is offered by ALPN, the preferred one first.
        proxy: What they go through; None is the direct way.
        keepalive_ping: Seconds after which a silent server of HTTP/2 is asked whether it
            is still there.
    """

    ssl_context: ssl.SSLContext | None = None
    retries: int = 0
    local_address: str | None = None
    uds: str | None = None
    socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None
    keepalive_expiry: float | None = None
    protocols: tuple[str, ...] = ("http/1.1",)
    proxy: Proxy | None = None
    keepalive_ping: float | None = None

    @classmethod
    def of(
        cls,
        *,
        ssl_context: ssl.SSLContext | None,
        keepalive_expiry: float | None,
        http1: bool,
        http2: bool,
        retries: int,
        local_address: str | None,
        uds: str | None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None,
        proxy: Proxy | None = None,
        keepalive_ping: float | None = None,
    ) -> "ConnectOptions":
        """Reads the options of a pool's or a connection's constructor.

        Raises:
            TypeError: The proxy is none.
            ValueError: No protocol is enabled, or an option is out of range.
        """
        # "not >" also refuses NaN, which compares with nothing.
        if keepalive_ping is not None and not keepalive_ping > 0:
            raise ValueError(
                f"keepalive_ping must be None or more than 0 seconds, but is {keepalive_ping!r}"
            )
        if proxy is not None:
            if not isinstance(proxy, Proxy):
                raise TypeError(f"proxy must be a Proxy, but got {type(proxy).__name__}.")
            for hop in proxy.chain:
                # Before the origins': whoever gives one context for both wants theirs.
                if hop.ssl_context is not None:
                    offered_protocols(hop.ssl_context, http1=True, http2=False)
        return cls(
            ssl_context=ssl_context,
            retries=retries,
            local_address=local_address,
            uds=uds,
            # Each attempt goes through them anew.
            socket_options=None if socket_options is None else list(socket_options),
            keepalive_expiry=keepalive_expiry,
            protocols=offered_protocols(ssl_context, http1=http1, http2=http2),
            proxy=proxy,
            keepalive_ping=keepalive_ping,
        )

    @property
    def sharing_schemes(self) -> frozenset[bytes]:
        """The schemes of origins whose connections may carry many requests at once."""
        if "h2" not in self.protocols:
            return frozenset()
        return frozenset(TLS_SCHEMES if len(self.protocols) > 1 else HTTP_PORTS)
