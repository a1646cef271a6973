"""Where 1.x had its blocking classes; nothing but addresses."""

import importlib
import types

_ADDRESSES = frozenset(
    {
        "connection",
        "connection_pool",
        "http11",
        "http2",
        "http_proxy",
        "interfaces",
        "socks_proxy",
    }
)


def __getattr__(name: str) -> types.ModuleType:
    # As in 1.x, where they were there once `httpcore` was imported.
    if name in _ADDRESSES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
