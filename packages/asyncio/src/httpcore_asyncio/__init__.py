"""The network backend of httpcore for asyncio: asyncio's transports, and nothing else.

    _backend.py   AsyncioBackend: opens connections
    _connect.py   from a host to one connected TCP socket (RFC 8305)
    _unix.py      from a path to one connected Unix socket
    _adopt.py     from a connected socket to a stream
    _stream.py    AsyncioStream: reads, writes, encrypts and closes one connection
    _protocol.py  what the event loop tells of a connection, bounded and buffered
    _waiter.py    waiting, with a timeout that costs nothing if unused
    _writable.py  whether a socket takes bytes
    _deadline.py  from a timeout to a moment on the loop's clock
    _failures.py  what goes wrong, in words

The functions of the `socket` module are looked up when they are called, never
imported by name: test tools replace them.
"""

from ._backend import AsyncioBackend
from ._stream import AsyncioStream

__version__ = "0.1.0"

__all__ = [
    "AsyncioBackend",
    "AsyncioStream",
]

# The address that users see in a traceback is the one that they can import.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
