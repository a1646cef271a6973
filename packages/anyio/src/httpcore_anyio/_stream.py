"""One connection on anyio."""

import socket
import typing

import anyio.abc

from httpcore_interface.scoped import ScopedStream

from ._library import ANYIO


class AnyIOStream(ScopedStream):
    """One open connection, on a plain socket and anyio's waiting for it.

    The contract is that of `AsyncNetworkStream`. `start_tls` returns this very object,
    encrypted from then on, once more if it was encrypted already.

    Args:
        sock: Connected. It belongs to the stream from now on, and does not block. A byte
            stream of anyio's may be given as well; then what is made waits for that.
    """

    __slots__ = ()

    library = ANYIO

    def __new__(cls, sock: socket.socket | anyio.abc.ByteStream) -> typing.Self:
        """Makes a stream that suits what it is given."""
        if isinstance(sock, anyio.abc.ByteStream) and cls is AnyIOStream:
            # Made of this class.
            from ._given import GivenStream

            return super().__new__(typing.cast("type[typing.Self]", GivenStream))
        return super().__new__(cls)
