"""From a path to one connected Unix socket."""

import collections.abc
import socket
import time

from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout, unix_pauses

from ._deadline import Deadline
from ._dial import set_options


def connect_unix(
    path: str, deadline: Deadline, options: collections.abc.Iterable[SOCKET_OPTION]
) -> socket.socket:
    """Returns a socket that is connected to the one at `path`.

    Raises:
        ConnectTimeout: The server did not accept before the deadline.
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
            set_options(sock, options)
            wait_accepted(sock, path, deadline)
        except BaseException:
            sock.close()
            raise
    except BlockingIOError as exc:
        raise ConnectTimeout(
            f"no connection to {path!r} within {deadline.timeout} seconds"
        ) from exc
    # ValueError: a path that no file can have.
    except (OSError, ValueError) as exc:
        raise ConnectError(f"cannot connect to {path!r}: {exc}") from exc
    return sock


def wait_accepted(sock: socket.socket, path: str, deadline: Deadline) -> None:
    """Connects as soon as the server's queue has room.

    Raises:
        BlockingIOError: It had none before the deadline.
    """
    sock.settimeout(0)
    pauses = unix_pauses()
    while True:
        try:
            sock.connect(path)
        except BlockingIOError:
            remaining = deadline.remaining()
            if remaining == 0:
                raise
            pause = next(pauses)
            time.sleep(pause if remaining is None else min(pause, remaining))
        else:
            return
