"""Whether a socket takes bytes, which a transport tells nobody before it was given some."""

import asyncio
import collections.abc
import contextlib
import select
import socket

# Seconds between two looks where the loop watches no sockets (Windows' Proactor), or
# where no descriptor is left to watch.
_PAUSE = 0.02


def is_socket_writable(sock: socket.socket) -> bool:
    """Returns whether a write of `sock` would send something at once, or fail."""
    try:
        # Looked up here, as in `is_socket_readable`.
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(sock, select.POLLOUT)
            return bool(poll.poll(0))
        return bool(select.select([], [sock], [], 0)[1])
    except (OSError, ValueError):
        # It is closed.
        return True


@contextlib.contextmanager
def watch_writable(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    wake: collections.abc.Callable[[], None],
) -> collections.abc.Iterator[None]:
    """Calls `wake` once the socket takes bytes, again and again; perhaps in vain."""
    with contextlib.ExitStack() as stack:
        try:
            # The loop watches the socket itself for its transport, and no second time.
            twin = stack.enter_context(sock.dup())
            loop.add_writer(twin, wake)
            stack.callback(loop.remove_writer, twin)
        except (NotImplementedError, OSError):
            timer = loop.call_later(_PAUSE, wake)
            stack.callback(timer.cancel)
        yield
