"""Pools behind one proxy, as httpcore 1.x has them, for blocking code."""

import collections.abc
import ssl

from httpcore_interface import SOCKET_OPTION, NetworkBackend

from ._messages import HeaderTypes
from ._proxy import Auth, Proxy
from ._sync import ConnectionPool
from ._url import URL


class HTTPProxy(ConnectionPool):
    """Sends requests through an HTTP proxy; `ConnectionPool(proxy=...)` does so as well.

    Args:
        proxy_url: `http://` or `https://`; see `Proxy`.
        proxy_auth: User name and password.
        proxy_headers: What the proxy is told besides.
        ssl_context: For origins with TLS; None is the default of the process.
        proxy_ssl_context: For the TLS to an `https` proxy; None likewise.
        max_connections, max_keepalive_connections, keepalive_expiry, http1, http2, retries,
            local_address, uds, network_backend, socket_options: As those of
            `ConnectionPool`.

    Raises:
        RuntimeError: There is a `proxy_ssl_context` for a proxy without TLS.
        UnsupportedProtocol, ValueError, TypeError: As `Proxy` and `ConnectionPool` do.
    """

    def __init__(
        self,
        proxy_url: URL | bytes | str,
        proxy_auth: Auth | None = None,
        proxy_headers: HeaderTypes | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy_ssl_context: ssl.SSLContext | None = None,
        max_connections: int | None = 10,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        retries: int = 0,
        local_address: str | None = None,
        uds: str | None = None,
        network_backend: NetworkBackend | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> None:
        proxy = Proxy(proxy_url, proxy_auth, proxy_headers, proxy_ssl_context)
        # Programs read both.
        self._proxy_url = proxy.url
        self._proxy_headers = proxy.headers
        if proxy_ssl_context is not None and proxy.url.scheme == b"http":
            raise RuntimeError(
                "proxy_ssl_context is for a proxy whose URL begins with https://"
            )
        super().__init__(
            ssl_context=ssl_context,
            proxy=proxy,
            max_connections=max_connections,
            max_keepalive_connections=max_keepalive_connections,
            keepalive_expiry=keepalive_expiry,
            http1=http1,
            http2=http2,
            retries=retries,
            local_address=local_address,
            uds=uds,
            network_backend=network_backend,
            socket_options=socket_options,
        )


class SOCKSProxy(ConnectionPool):
    """Sends requests through a SOCKS proxy; `ConnectionPool(proxy=...)` does so as well.

    Args:
        proxy_url: `socks5://`, `socks5h://`, `socks4a://` or `socks4://`; see `Proxy`.
        proxy_auth: User name and password.
        ssl_context: For origins with TLS; None is the default of the process.
        max_connections, max_keepalive_connections, keepalive_expiry, http1, http2, retries,
            network_backend: As those of `ConnectionPool`.

    Raises:
        UnsupportedProtocol, ValueError, TypeError: As `Proxy` and `ConnectionPool` do.
    """

    def __init__(
        self,
        proxy_url: URL | bytes | str,
        proxy_auth: Auth | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_connections: int | None = 10,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        retries: int = 0,
        network_backend: NetworkBackend | None = None,
    ) -> None:
        super().__init__(
            ssl_context=ssl_context,
            proxy=Proxy(proxy_url, proxy_auth),
            max_connections=max_connections,
            max_keepalive_connections=max_keepalive_connections,
            keepalive_expiry=keepalive_expiry,
            http1=http1,
            http2=http2,
            retries=retries,
            network_backend=network_backend,
        )
