"""A network backend for httpcore, on asyncio.

_backend.py    ExampleBackend: opens connections
_connect.py    from a host to one connected socket
_stream.py     ExampleStream: one connection
_deadline.py   one timeout for several waits
_readiness.py  waiting until a socket can be read or written
"""

from ._backend import ExampleBackend
from ._stream import ExampleStream

__all__ = ["ExampleBackend", "ExampleStream"]
