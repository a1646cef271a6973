"""httpcore: the parts of the family under one name, as httpcore 1.x had them.

Names only, no logic. Each is looked up in its distribution when it is first
used, so that importing this costs next to nothing, and a program pays for the
parts that it uses.
"""

import importlib
import sys
import typing

__version__ = "1.1.0"

if typing.TYPE_CHECKING:
    from httpcore_anyio import AnyIOBackend as AnyIOBackend
    from httpcore_asyncio import AsyncioBackend as AsyncioBackend
    from httpcore_interface import SOCKET_OPTION as SOCKET_OPTION
    from httpcore_interface import AsyncNetworkBackend as AsyncNetworkBackend
    from httpcore_interface import AsyncNetworkStream as AsyncNetworkStream
    from httpcore_interface import ConnectError as ConnectError
    from httpcore_interface import ConnectionNotAvailable as ConnectionNotAvailable
    from httpcore_interface import ConnectTimeout as ConnectTimeout
    from httpcore_interface import LocalProtocolError as LocalProtocolError
    from httpcore_interface import NetworkBackend as NetworkBackend
    from httpcore_interface import NetworkError as NetworkError
    from httpcore_interface import NetworkStream as NetworkStream
    from httpcore_interface import PoolTimeout as PoolTimeout
    from httpcore_interface import ProtocolError as ProtocolError
    from httpcore_interface import ProxyError as ProxyError
    from httpcore_interface import ReadError as ReadError
    from httpcore_interface import ReadTimeout as ReadTimeout
    from httpcore_interface import RemoteProtocolError as RemoteProtocolError
    from httpcore_interface import TimeoutException as TimeoutException
    from httpcore_interface import UnsupportedProtocol as UnsupportedProtocol
    from httpcore_interface import WriteError as WriteError
    from httpcore_interface import WriteTimeout as WriteTimeout
    from httpcore_mock import AsyncMockBackend as AsyncMockBackend
    from httpcore_mock import AsyncMockStream as AsyncMockStream
    from httpcore_mock import MockBackend as MockBackend
    from httpcore_mock import MockStream as MockStream
    from httpcore_pool import URL as URL
    from httpcore_pool import AsyncConnectionInterface as AsyncConnectionInterface
    from httpcore_pool import AsyncConnectionPool as AsyncConnectionPool
    from httpcore_pool import AsyncHTTP2Connection as AsyncHTTP2Connection
    from httpcore_pool import AsyncHTTP11Connection as AsyncHTTP11Connection
    from httpcore_pool import AsyncHTTPConnection as AsyncHTTPConnection
    from httpcore_pool import AsyncHTTPProxy as AsyncHTTPProxy
    from httpcore_pool import AsyncSOCKSProxy as AsyncSOCKSProxy
    from httpcore_pool import ConnectionInterface as ConnectionInterface
    from httpcore_pool import ConnectionPool as ConnectionPool
    from httpcore_pool import HTTP2Connection as HTTP2Connection
    from httpcore_pool import HTTP11Connection as HTTP11Connection
    from httpcore_pool import HTTPConnection as HTTPConnection
    from httpcore_pool import HTTPProxy as HTTPProxy
    from httpcore_pool import Origin as Origin
    from httpcore_pool import PoolStats as PoolStats
    from httpcore_pool import Proxy as Proxy
    from httpcore_pool import Request as Request
    from httpcore_pool import Response as Response
    from httpcore_pool import SOCKSProxy as SOCKSProxy
    from httpcore_pool import default_ssl_context as default_ssl_context
    from httpcore_pool import request as request
    from httpcore_pool import stream as stream
    from httpcore_sync import SyncBackend as SyncBackend
    from httpcore_trio import TrioBackend as TrioBackend

# name -> (module, distribution to install if the module is missing)
_INTERFACE = ("httpcore_interface", "httpcore-interface")
_POOL = ("httpcore_pool", "httpcore-pool")
_SYNC = ("httpcore_sync", "httpcore-sync")
_ASYNCIO = ("httpcore_asyncio", "httpcore-asyncio")
_MOCK = ("httpcore_mock", "httpcore-mock")
_ANYIO = ("httpcore_anyio", "httpcore-anyio")
_TRIO = ("httpcore_trio", "httpcore-trio")
_HOMES = {
    "SOCKET_OPTION": _INTERFACE,
    "URL": _POOL,
    "AnyIOBackend": _ANYIO,
    "AsyncConnectionInterface": _POOL,
    "AsyncConnectionPool": _POOL,
    "AsyncHTTP2Connection": _POOL,
    "AsyncHTTP11Connection": _POOL,
    "AsyncHTTPConnection": _POOL,
    "AsyncMockBackend": _MOCK,
    "AsyncMockStream": _MOCK,
    "AsyncNetworkBackend": _INTERFACE,
    "AsyncNetworkStream": _INTERFACE,
    "AsyncioBackend": _ASYNCIO,
    "ConnectError": _INTERFACE,
    "ConnectTimeout": _INTERFACE,
    "ConnectionInterface": _POOL,
    "ConnectionNotAvailable": _INTERFACE,
    "ConnectionPool": _POOL,
    "HTTP2Connection": _POOL,
    "HTTP11Connection": _POOL,
    "HTTPConnection": _POOL,
    "LocalProtocolError": _INTERFACE,
    "MockBackend": _MOCK,
    "MockStream": _MOCK,
    "NetworkBackend": _INTERFACE,
    "NetworkError": _INTERFACE,
    "NetworkStream": _INTERFACE,
    "Origin": _POOL,
    "PoolStats": _POOL,
    "PoolTimeout": _INTERFACE,
    "ProtocolError": _INTERFACE,
    "ProxyError": _INTERFACE,
    "ReadError": _INTERFACE,
    "ReadTimeout": _INTERFACE,
    "RemoteProtocolError": _INTERFACE,
    "AsyncHTTPProxy": _POOL,
    "AsyncSOCKSProxy": _POOL,
    "HTTPProxy": _POOL,
    "SOCKSProxy": _POOL,
    "Proxy": _POOL,
    "Request": _POOL,
    "Response": _POOL,
    "SyncBackend": _SYNC,
    "TimeoutException": _INTERFACE,
    "TrioBackend": _TRIO,
    "UnsupportedProtocol": _INTERFACE,
    "WriteError": _INTERFACE,
    "WriteTimeout": _INTERFACE,
    "default_ssl_context": _POOL,
    "request": _POOL,
    "stream": _POOL,
}

# What an extra brings is there for whoever names it; `import *`, and whoever goes
# through all that `dir` lists, find what is installed with this package.
_EXTRAS = (_ANYIO, _TRIO)

# Where dependents reach past the public names. They are modules of this package, imported
# when they are asked for; each says who does.
_ADDRESSES = frozenset(
    {
        "_api",
        "_async",
        "_backends",
        "_exceptions",
        "_models",
        "_ssl",
        "_sync",
        "_synchronization",
        "_utils",
    }
)

__all__ = [name for name, home in _HOMES.items() if home not in _EXTRAS]


def __getattr__(name: str) -> object:
    if name in _ADDRESSES:
        # As in 1.x, where they were there once `httpcore` was imported.
        return importlib.import_module(f"httpcore.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'httpcore' has no attribute {name!r}")
    home, _ = _HOMES[name]
    try:
        importlib.import_module(home)
    except ModuleNotFoundError as exc:
        distribution = dict(_HOMES.values()).get(exc.name or "")
        if distribution is None:
            raise
        raise ImportError(
            f"httpcore.{name} is in a package of its own: install {distribution}"
        ) from exc
    # Every part needs the interface, so that is there now. Its exceptions are seen by
    # programs that never mention them.
    for known, (module, _) in _HOMES.items():
        if module in (home, "httpcore_interface"):
            globals()[known] = _adopted(getattr(sys.modules[module], known))
    return globals()[name]


def _adopted(value: object) -> object:
    # What users see in a traceback or a representation is the name that they know.
    if isinstance(value, type) or callable(value):
        value.__module__ = "httpcore"
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
