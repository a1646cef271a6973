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
        await loop.create_connection(lambda: protocol, sock=sock)
    except BaseException:
        sock.close()
        raise
    return AsyncioStream(protocol)
