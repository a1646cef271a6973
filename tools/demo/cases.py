"""What the demo shows: a table of cases, each a few requests through one pool.

A package that adds a backend, a protocol or a proxy adds its cases to `CASES`.
"""

import importlib.util

import httpcore
from tools.demo.asynchronous import SendAsync, run_asyncio, run_trio, run_uvloop
from tools.demo.blocking import send_blocking
from tools.demo.exchange import Case, ProxyKind, Send

_BACKENDS: dict[str, Send] = {
    "sync": send_blocking,
    "asyncio": SendAsync(httpcore.AsyncioBackend, run_asyncio),
    "asyncio/uvloop": SendAsync(httpcore.AsyncioBackend, run_uvloop),
    "anyio/asyncio": SendAsync(httpcore.AnyIOBackend, run_asyncio),
    "anyio/trio": SendAsync(httpcore.AnyIOBackend, run_trio),
    "trio": SendAsync(httpcore.TrioBackend, run_trio),
}
if importlib.util.find_spec("uvloop") is None:
    del _BACKENDS["asyncio/uvloop"]

# With the protocol of the requests, and whether they are encrypted to their server.
_PROXIES = (
    (ProxyKind("http forward", ("http",), ("GET", "POST")), "HTTP/1.1", False),
    (ProxyKind("http tunnel", ("http",), ("CONNECT",)), "HTTP/1.1", True),
    (ProxyKind("http tunnel", ("http",), ("CONNECT",)), "HTTP/2", True),
    (ProxyKind("https tunnel", ("https",), ("CONNECT",)), "HTTP/1.1", True),
    (ProxyKind("socks5", ("socks5",), ("SOCKS5",)), "HTTP/1.1", True),
    (ProxyKind("socks4a", ("socks4a",), ("SOCKS4",)), "HTTP/1.1", False),
    (
        ProxyKind("socks5 > https", ("socks5", "https"), ("SOCKS5", "CONNECT")),
        *("HTTP/1.1", True),
    ),
)

CASES = (
    *(
        Case(backend, protocol, tls=tls, send=send)
        for protocol in ("HTTP/1.1", "HTTP/2")
        for backend, send in _BACKENDS.items()
        for tls in (False, True)
    ),
    *(
        Case(backend, protocol, tls=tls, send=send, proxy=proxy)
        for proxy, protocol, tls in _PROXIES
        for backend, send in _BACKENDS.items()
    ),
)
