"""From a path to one connected Unix socket."""

import asyncio
import collections.abc
import socket

from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout

from ._deadline import deadline_after
from ._dial import set_options

# Seconds between two looks at a server whose queue is full, from the first to the
# longest: Linux refuses a connect then, and offers nothing to wait for.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.02


async def connect_unix(
    path: str, timeout: float | None, options: collections.abc.Iterable[SOCKET_OPTION]
) -> socket.socket:
    """Returns a socket that is connected to the one at `path`.

    Raises:
        ConnectTimeout: The server did not accept in time.
        ConnectError: The connect failed, or the platform has no Unix sockets.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ConnectError(f"cannot connect to {path!r}: this platform has no Unix sockets")
    # The system cuts a path there; only the names that Linux keeps apart from the files
    # begin with one.
    if "\0" in path and not path.startswith("\0"):
        raise ConnectError(f"cannot connect to {path!r}: it contains a null character")
    try:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            set_options(sock, options)
            await _wait_accepted(sock, path, timeout)
        except BaseException:
            sock.close()
            raise
    except BlockingIOError as exc:
        raise ConnectTimeout(f"no connection to {path!r} within {timeout} seconds") from exc
    # ValueError: a path that no file can have.
    except (OSError, ValueError) as exc:
        raise ConnectError(f"cannot connect to {path!r}: {exc}") from exc
    return sock


async def _wait_accepted(sock: socket.socket, path: str, timeout: float | None) -> None:
    """Connects as soon as the server's queue has room.

    The loop's own connect would take the refusal for a connect that is under way, and
    then for one that has succeeded.

    Raises:
        BlockingIOError: It had none before the deadline.
    """
    loop = asyncio.get_running_loop()
    deadline = deadline_after(timeout, loop)
    pause = _FIRST_PAUSE
    while True:
        try:
            sock.connect(path)
        except BlockingIOError:
            remaining = deadline - loop.time()
            if remaining <= 0:
                raise
            await asyncio.sleep(min(pause, remaining))
            pause = min(pause * 2, _LONGEST_PAUSE)
        else:
            return
