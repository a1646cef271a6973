"""The trio network backend of httpcore.

    _backend.py  TrioBackend: opens connections
    _stream.py   TrioStream: one connection
    _given.py    the same over a stream that a program has opened by trio itself
    _library.py  trio, as the interface uses it

What a connection does is the interface's, and how it waits as well: see
`httpcore_interface.scoped`. Here is what trio is for that.
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
