"""One connection on trio."""

import socket
import typing

import trio.abc

from httpcore_interface.scoped import ScopedStream

from ._library import TRIO


class TrioStream(ScopedStream):
    """One open connection, on a plain socket and trio's waiting for it.

    The contract is that of `AsyncNetworkStream`. `start_tls` returns this very object,
    encrypted from then on, once more if it was encrypted already.

    Args:
        sock: Connected. It belongs to the stream from now on, and does not block. A
            stream of trio's may be given as well; then what is made waits for that.
    """

    __slots__ = ()

    library = TRIO

    def __new__(cls, sock: socket.socket | trio.abc.Stream) -> typing.Self:
        """Makes a stream that suits what it is given."""
        if isinstance(sock, trio.abc.Stream) and cls is TrioStream:
            # Made of this class.
            from ._given import GivenStream

            return super().__new__(typing.cast("type[typing.Self]", GivenStream))
        return super().__new__(cls)
