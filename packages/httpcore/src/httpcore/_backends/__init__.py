"""Where 1.x had its network backends; nothing but addresses."""

import importlib
import types

_ADDRESSES = frozenset({"anyio", "auto", "base", "mock", "sync", "trio"})


def __getattr__(name: str) -> types.ModuleType:
    # As in 1.x, where they were there once `httpcore` was imported.
    if name in _ADDRESSES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
