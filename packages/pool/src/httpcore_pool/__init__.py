"""The connection pool: HTTP/1.1 and HTTP/2 on any backend of httpcore-interface.

_url.py _messages.py _byte_stream.py _proxy.py _tls.py   values that users hold
_protocol/     pure: bytes in, events out
_state/        pure: who waits, who is idle, what is closed
_core/         everything that waits, written once, as coroutines
_bridge.py     the only place where blocking and async meet
_sync.py       the public classes for blocking code: forwarding and docstrings
_async.py      their async twins; _async_colour.py is what _bridge.py is to the others
_sync_proxies.py _async_proxies.py   pools with a proxy built in
_faces.py      what the classes of both colours say of themselves
_api.py        single requests, without a pool to keep
_defaults.py   which backend, when none is given
_http2.py      HTTP/2, imported when it is first spoken
"""

from ._api import request, stream
from ._async import (
    AsyncConnectionInterface,
    AsyncConnectionPool,
    AsyncHTTP2Connection,
    AsyncHTTP11Connection,
    AsyncHTTPConnection,
    AsyncRequestInterface,
)
from ._async_proxies import AsyncHTTPProxy, AsyncSOCKSProxy
from ._byte_stream import ByteStream
from ._defaults import AutoBackend
from ._messages import Request, Response
from ._proxy import Proxy
from ._state import PoolStats
from ._sync import (
    ConnectionInterface,
    ConnectionPool,
    HTTP2Connection,
    HTTP11Connection,
    HTTPConnection,
    RequestInterface,
)
from ._sync_proxies import HTTPProxy, SOCKSProxy
from ._tls import default_ssl_context
from ._url import URL, Origin

__version__ = "0.1.0"

__all__ = [
    "URL",
    "AsyncConnectionInterface",
    "AsyncConnectionPool",
    "AsyncHTTP2Connection",
    "AsyncHTTP11Connection",
    "AsyncHTTPConnection",
    "AsyncHTTPProxy",
    "AsyncRequestInterface",
    "AsyncSOCKSProxy",
    "AutoBackend",
    "ByteStream",
    "ConnectionInterface",
    "ConnectionPool",
    "HTTP2Connection",
    "HTTP11Connection",
    "HTTPConnection",
    "HTTPProxy",
    "Origin",
    "PoolStats",
    "Proxy",
    "Request",
    "RequestInterface",
    "Response",
    "SOCKSProxy",
    "default_ssl_context",
    "request",
    "stream",
]

# Users read these names in tracebacks and write them in imports: the address
# that they see is the one that they can use.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
