"""The blocking backend: it opens connections, and hands out streams."""

import collections.abc
import contextlib
import socket
import threading
import typing

from httpcore_interface import (
    SOCKET_OPTION,
    ConnectError,
    ConnectTimeout,
    Event,
    NetworkBackend,
)

from ._connect import connect
from ._deadline import Deadline
from ._dial import Dial
from ._resolve import resolve
from ._stream import SyncStream
from ._unix import connect_unix


class SyncBackend(NetworkBackend):
    """Opens connections for blocking code, on the sockets of the standard library.

    It holds no state: one may serve any number of threads.
    """

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> SyncStream:
        """Opens a TCP connection. See `NetworkBackend.connect_tcp`.

        A name is resolved in a thread of its own when there is a timeout, because
        the system's resolver cannot be interrupted; a resolver that hangs keeps that
        thread until it answers.

        Raises:
            ConnectTimeout: No attempt succeeded in time.
            ConnectError: The name is unknown, or every attempt failed; also when a
                socket option or `local_address` does not fit.
        """
        deadline = Deadline(timeout)
        dial = Dial(host, port, local_address, tuple(socket_options or ()), deadline)
        return _interruptible(deadline, lambda: connect(dial, resolve(host, port, deadline)))

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> SyncStream:
        """Opens a connection to a Unix domain socket.

        See `NetworkBackend.connect_unix_socket`.

        Raises:
            ConnectTimeout: The server did not accept in time.
            ConnectError: There is no such socket, nobody listens, an option does not
                fit, or the platform has no Unix sockets.
        """
        deadline = Deadline(timeout)
        return _interruptible(
            deadline, lambda: connect_unix(path, deadline, socket_options or ())
        )

    def sleep(self, seconds: float) -> None:
        """Waits, or until `interrupt_connect` ends it: pauses are part of connecting."""
        deadline = Deadline(seconds)
        over = Event()
        deadline.alarm = over.set
        with _found_by_others(deadline):
            over.wait(deadline.remaining())

    def interrupt_connect(self, thread: int) -> bool:
        """Ends the connect that another thread is blocked in, if it is in one.

        See `NetworkBackend.interrupt_connect`. A name that is resolved without a
        timeout is resolved to its end first.
        """
        deadline = _under_way.get(thread)
        if deadline is None:
            return False
        deadline.cut()
        return True


# The connects that threads are blocked in, by the number of the thread, whatever the
# backend.
_under_way: dict[int, Deadline] = {}


@contextlib.contextmanager
def _found_by_others(deadline: Deadline) -> collections.abc.Iterator[None]:
    """Lets `interrupt_connect` cut a deadline of this thread's meanwhile."""
    thread = threading.get_ident()
    # A finaliser or signal handler may connect while its thread does.
    outer = _under_way.get(thread)
    _under_way[thread] = deadline
    try:
        yield
    finally:
        if outer is None:
            _under_way.pop(thread, None)
        else:
            _under_way[thread] = outer


def _interruptible(
    deadline: Deadline, connect_socket: collections.abc.Callable[[], socket.socket]
) -> SyncStream:
    """Runs a connect so that `interrupt_connect` finds it.

    Raises:
        ConnectError: It was interrupted.
    """
    try:
        with _found_by_others(deadline):
            sock = connect_socket()
    except (ConnectError, ConnectTimeout) as exc:
        if deadline.is_cut:
            raise ConnectError("the connect was interrupted") from exc
        raise
    if deadline.is_cut:
        sock.close()
        raise ConnectError("the connect was interrupted")
    return SyncStream(sock)
