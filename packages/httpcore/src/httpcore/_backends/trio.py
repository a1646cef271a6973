"""For dnspython, which makes a stream of one of trio's."""

from httpcore import TrioBackend as TrioBackend
from httpcore_trio import TrioStream as TrioStream
