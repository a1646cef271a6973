"""The anyio network backend of httpcore, on asyncio and on trio.

    _backend.py  AnyIOBackend: opens connections
    _stream.py   AnyIOStream: one connection
    _given.py    the same over a stream that a program has opened by anyio itself
    _library.py  anyio, as the interface uses it

What a connection does is the interface's, and how it waits as well: see
`httpcore_interface.scoped`. Here is what anyio is for that.
"""

from ._backend import AnyIOBackend
from ._stream import AnyIOStream

__version__ = "0.1.0"

__all__ = [
    "AnyIOBackend",
    "AnyIOStream",
]

# The address that users see in a traceback is the one that they can import.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
