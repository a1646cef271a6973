"""From a path to one connected Unix socket."""

import asyncio
import socket

from httpcore_interface import UnixDial, unix_pauses

from ._deadline import deadline_after


async def connect_unix(dial: UnixDial) -> socket.socket:
    """Returns a socket that is connected to the one at a path, within the time.

    Raises:
        ConnectTimeout: The server did not accept in time.
        ConnectError: The connect failed, or the platform has no Unix sockets.
    """
    sock = dial.open_socket()
    try:
        await _wait_accepted(sock, dial)
    except BaseException as exc:
        sock.close()
        if isinstance(exc, BlockingIOError):
            raise dial.timed_out() from exc
        # ValueError: a path that no file can have.
        if isinstance(exc, (OSError, ValueError)):
            raise dial.failure(exc) from exc
        raise
    return sock


async def _wait_accepted(sock: socket.socket, dial: UnixDial) -> None:
    """Connects as soon as the server's queue has room.

    The loop's own connect would take the refusal for a connect that is under way, and
    then for one that has succeeded.

    Raises:
        BlockingIOError: It had none in time.
    """
    loop = asyncio.get_running_loop()
    deadline = deadline_after(dial.timeout, loop)
    pauses = unix_pauses()
    while True:
        try:
            sock.connect(dial.path)
        except BlockingIOError:
            remaining = deadline - loop.time()
            if remaining <= 0:
                raise
            await asyncio.sleep(min(next(pauses), remaining))
        else:
            return
