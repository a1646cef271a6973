"""HTTP/2 (RFC 9113), the client's side of one connection, as pure code.

    frames.py    how frames are written, and cut out of what is received
    settings.py  what each side allows the other
    fields.py    heads as field lists: what may be sent, what is malformed
    compressor.py decompressor.py   fields as blocks (RFC 7541), out and in
    stream.py    one request and its response
    silence.py   whether a server that says nothing is still there
    engine.py    the connection: bytes in, news of streams and bytes out

hpack is the authority on field compression. The rest is ours, not h2's, for three reasons
that h2's design does not allow for: a GOAWAY must let streams that the server still
answers finish; a malformed response is the trouble of its own stream; and a frame
costs a microsecond, not thirty.
"""

from .engine import Engine
from .errors import ErrorCode
from .fields import Head
from .silence import Silence, Verdict
from .stream import Stream

__all__ = ["Engine", "ErrorCode", "Head", "Silence", "Stream", "Verdict"]
