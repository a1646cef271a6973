"""The mock network backends of httpcore: servers that play a script, in memory.

    _sync.py            MockBackend, MockStream: the blocking faces
    _async.py           AsyncMockBackend, AsyncMockStream: their async twins
    _cues.py            the words that scripts are written in
    _http1_response.py  the bytes of an HTTP/1.1 response
    _http2_response.py  the frames of an HTTP/2 response; needs the extra `http2`
    _headers.py         header fields in the ways that they may be given

Beneath the faces, pure and for every colour:

    _network.py         the scripts of all connections, and the record of them
    _player.py          one connection: plays its script
    _script.py          one script, and how far it has been played
    _connection.py      what happened on one connection, for assertions
    _clock.py           virtual time
    _client_hello.py    what an SSL context offers
    _ssl_object.py      what a mocked TLS connection tells of itself
    _errors.py          the error of a mock that is asked for more than it has

Nothing here waits, and nothing opens a socket.
"""

from ._async import AsyncMockBackend, AsyncMockStream
from ._connection import MockConnection, MockHandshake
from ._cues import (
    ConnectDelay,
    ConnectFailure,
    Cue,
    Delay,
    EndOfStream,
    HandshakeDelay,
    HandshakeFailure,
    Negotiated,
    ReadFailure,
    Refused,
    Unsolicited,
    WriteDelay,
    WriteFailure,
)
from ._errors import UnscriptedError
from ._http1_response import http1_response
from ._http2_response import http2_response
from ._sync import MockBackend, MockStream

__version__ = "0.1.0"

__all__ = [
    "AsyncMockBackend",
    "AsyncMockStream",
    "ConnectDelay",
    "ConnectFailure",
    "Cue",
    "Delay",
    "EndOfStream",
    "HandshakeDelay",
    "HandshakeFailure",
    "MockBackend",
    "MockConnection",
    "MockHandshake",
    "MockStream",
    "Negotiated",
    "ReadFailure",
    "Refused",
    "UnscriptedError",
    "Unsolicited",
    "WriteDelay",
    "WriteFailure",
    "http1_response",
    "http2_response",
]

# The address that users see in a traceback is the one that they can import.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
