"""The trio network backend of httpcore.

    _backend.py  TrioBackend: opens connections
    _connect.py  from a host, or a path, to one connected socket (RFC 8305)
    _stream.py   TrioStream: reads, writes, encrypts and closes one connection
    _given.py    the same over a stream that a program has opened by trio itself
    _wait.py     waiting until sockets are ready, and undoing trio's groups of exceptions

What a connection does without waiting, TLS included, is the interface's: see
`SocketChannel` and `Dial` there. Here is what waits.
"""

from ._backend import TrioBackend
from ._stream import TrioStream

__version__ = "0.1.0"

__all__ = [
    "TrioBackend",
    "TrioStream",
]

# The address that users see in a traceback is the one that they can import.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
