"""What async backends do while they wait, on any library that has cancel scopes.

A backend on such a library (trio, anyio) says in a `Library` what that has, and gives
it to what is here. Imported by such backends alone: the rest of the interface needs
none of this, and this none of those libraries.

    _library.py  what a library has to have: scopes, tasks, waiting for sockets
    _stream.py   ScopedStream: reads, writes, encrypts and closes one connection
    _given.py    the same over a stream that a program has opened by the library itself
    _connect.py  from a host, or a path, to one connected socket (RFC 8305)
    _wait.py     waiting for two things at once, and undoing groups of exceptions

What is done without waiting is `SocketChannel`'s and `Dial`'s.
"""

from ._connect import connect_tcp, connect_unix
from ._given import ScopedGivenStream
from ._library import CancelScope, Library, TaskEvent, TaskGroup
from ._stream import ScopedStream

__all__ = [
    "CancelScope",
    "Library",
    "ScopedGivenStream",
    "ScopedStream",
    "TaskEvent",
    "TaskGroup",
    "connect_tcp",
    "connect_unix",
]

# The address that users see in a traceback is the one that they can import.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
