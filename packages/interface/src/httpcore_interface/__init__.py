"""The byte-level network interface of httpcore, and nothing else.

A backend opens connections; a stream reads and writes one of them. Whoever
writes a backend depends on this package alone, and whoever uses one knows
only this package.

    _backend.py        NetworkBackend, NetworkStream: the blocking contract
    _async_backend.py  their async twins
    _event.py          one-shot events: the primitive that differs by colour
    _exceptions.py     the one exception tree of every httpcore package
    _readable.py       whether a socket has something to read, without reading
    _addresses.py      the order of connection attempts (RFC 8305)

For those who write an async backend on sockets, what it does short of waiting:

    _dial.py           what one connect was asked for, and the sockets made for it
    _channel.py        one connection, encrypted or not, whose socket never blocks
    _tls_layer.py      TLS between buffers in memory, in as many layers as it takes
    _timeout.py        from a timeout to the seconds that may be waited

And what it does while it waits, on a library that has cancel scopes; imported by those
alone who want it:

    scoped             one connection, and the race of connects
"""

from ._addresses import CONNECTION_ATTEMPT_DELAY, describe_failures, interleave_families
from ._async_backend import AsyncNetworkBackend, AsyncNetworkStream
from ._backend import SOCKET_OPTION, NetworkBackend, NetworkStream
from ._channel import SocketChannel
from ._dial import AddressInfo, Dial, UnixDial, begin_connect, finish_connect, unix_pauses
from ._event import AsyncEvent, Event, create_async_event, running_async_library
from ._exceptions import (
    ConnectError,
    ConnectionNotAvailable,
    ConnectTimeout,
    LocalProtocolError,
    NetworkError,
    PoolTimeout,
    ProtocolError,
    ProxyError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    TimeoutException,
    UnsupportedProtocol,
    WriteError,
    WriteTimeout,
)
from ._readable import is_socket_readable
from ._timeout import seconds_to_wait
from ._tls_layer import TLSLayer

__version__ = "0.1.0"

__all__ = [
    "CONNECTION_ATTEMPT_DELAY",
    "SOCKET_OPTION",
    "AddressInfo",
    "AsyncEvent",
    "AsyncNetworkBackend",
    "AsyncNetworkStream",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionNotAvailable",
    "Dial",
    "Event",
    "LocalProtocolError",
    "NetworkBackend",
    "NetworkError",
    "NetworkStream",
    "PoolTimeout",
    "ProtocolError",
    "ProxyError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "SocketChannel",
    "TLSLayer",
    "TimeoutException",
    "UnixDial",
    "UnsupportedProtocol",
    "WriteError",
    "WriteTimeout",
    "begin_connect",
    "create_async_event",
    "describe_failures",
    "finish_connect",
    "interleave_families",
    "is_socket_readable",
    "running_async_library",
    "seconds_to_wait",
    "unix_pauses",
]

# Users read these names in tracebacks and write them in imports: the address
# that they see is the one that they can use.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name
