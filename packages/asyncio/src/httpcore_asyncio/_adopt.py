"""From a connected socket to a stream on the running loop."""

import asyncio
import socket

from ._protocol import StreamProtocol
from ._stream import AsyncioStream


async def adopt(sock: socket.socket) -> AsyncioStream:
    """Returns a stream on a connected socket, which belongs to it from now on.

    Raises:
        OSError: The connection is gone already.
    """
    loop = asyncio.get_running_loop()
    protocol = StreamProtocol(loop, sock)
    try:
        # What `create_connection` does, to whichever side the socket belongs; but that, on
        # uvloop before 0.23, closes the descriptor under the socket when it is cancelled.
        await loop.connect_accepted_socket(lambda: protocol, sock)
    except BaseException:
        sock.close()
        raise
    return AsyncioStream(protocol)
