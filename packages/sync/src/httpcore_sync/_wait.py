"""Waiting until sockets are ready, each time for as long as the caller says.

poll(2) where the platform has it, since select(2) knows no descriptor above 1023.
Which of them there is, is asked at every call: gevent and eventlet replace or
remove functions of the `select` module while a program runs.
"""

import errno
import os
import select
import socket


def wait_ready(sock: socket.socket, *, writing: bool, timeout: float | None) -> bool:
    """Waits until a read or a write of a socket would do something at once.

    Args:
        sock: What is waited for.
        writing: Whether for a write.
        timeout: Seconds, not negative; None waits for ever.

    Returns:
        Whether it is ready; also when it has failed, which the operation will tell.

    Raises:
        OSError: The socket is closed.
    """
    descriptor = _descriptor_of(sock)
    if not hasattr(select, "poll"):
        readers, writers = ([], [descriptor]) if writing else ([descriptor], [])
        return any(select.select(readers, writers, [], timeout))
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
    return bool(poll.poll(None if timeout is None else timeout * 1000))


def wait_either(sock: socket.socket, timeout: float | None) -> tuple[bool, bool]:
    """Waits until a read or a write of a socket would do something at once.

    Returns:
        Whether a read would, and whether a write would; neither after `timeout` seconds.

    Raises:
        OSError: The socket is closed.
    """
    descriptor = _descriptor_of(sock)
    if not hasattr(select, "poll"):
        readers, writers, _ = select.select([descriptor], [descriptor], [], timeout)
        return bool(readers), bool(writers)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLOUT)
    events = 0
    for _, happened in poll.poll(None if timeout is None else timeout * 1000):
        events = happened
    # An error or a hang-up is told by the read.
    return bool(events & ~select.POLLOUT), bool(events & select.POLLOUT)


def wait_any_connected(
    socks: list[socket.socket], timeout: float | None
) -> list[socket.socket]:
    """Waits until a connect of one of the sockets has succeeded or failed.

    Returns:
        Those of which one or the other is true; none after `timeout` seconds.
    """
    by_descriptor = {_descriptor_of(sock): sock for sock in socks}
    if not hasattr(select, "poll"):
        # Windows tells of a failed connect in the third list alone.
        ready = select.select([], by_descriptor, by_descriptor, timeout)
        return [by_descriptor[descriptor] for descriptor in {*ready[1], *ready[2]}]
    poll = select.poll()
    for descriptor in by_descriptor:
        poll.register(descriptor, select.POLLOUT)
    milliseconds = None if timeout is None else timeout * 1000
    return [by_descriptor[descriptor] for descriptor, _ in poll.poll(milliseconds)]


def _descriptor_of(sock: socket.socket) -> int:
    descriptor = sock.fileno()
    if descriptor < 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return descriptor
