"""The blocking network backend of httpcore: plain sockets, and nothing else.

    _backend.py     SyncBackend: opens connections
    _resolve.py     from a name to addresses, within a deadline
    _dial.py        what one connect was asked for, and the sockets made for it
    _connect.py     from addresses to one connected TCP socket (RFC 8305)
    _unix.py        the same for a Unix socket
    _stream.py      SyncStream: reads, writes and closes one connection
    _tls.py         from a plain socket to an encrypted one
    _tls_socket.py  an encrypted socket that two threads may use at once
    _tls_in_tls.py  TLS over any stream: the tunnel of an HTTPS proxy
    _wait.py        waiting until sockets are ready
    _deadline.py    from a timeout to the seconds that are left of it
    _failures.py    from what a socket raises to what the contract promises

The functions of the `socket` module are looked up when they are called, never
imported by name: test tools replace them.
"""

from ._backend import SyncBackend
from ._stream import SyncStream

__version__ = "0.1.0"

__all__ = [
    "SyncBackend",
    "SyncStream",
]

# The address that users see in a traceback is the one that they can import.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
