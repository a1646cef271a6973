"""Whether a socket has something to read, without reading it."""

import select
import socket


def is_socket_readable(sock: socket.socket | None) -> bool:
    """Returns whether a read of `sock` would return at once.

    That is so when bytes, the end of the stream or an error wait; on an idle
    HTTP/1.1 connection all three mean that the peer is done with it. A socket that
    is closed, or None, counts as readable: a read of it fails at once.
    """
    try:
        descriptor = -1 if sock is None else sock.fileno()
        if descriptor < 0:
            return True
        # poll(2) takes file descriptors of any number; select(2) stops at 1023, and
        # is all that Windows has. Looked up here, since gevent and eventlet take
        # poll away when they patch a process, which may be after our import.
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([descriptor], [], [], 0)[0])
    except (OSError, ValueError):
        # Closed by another thread between the two calls, or too large for select.
        return True
