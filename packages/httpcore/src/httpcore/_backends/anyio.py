"""For dnspython, which makes a stream of one of anyio's."""

from httpcore import AnyIOBackend as AnyIOBackend
from httpcore_anyio import AnyIOStream as AnyIOStream
