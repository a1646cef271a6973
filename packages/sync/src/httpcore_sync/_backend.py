"""The blocking backend: it opens connections, and hands out streams."""

import typing

from httpcore_interface import SOCKET_OPTION, NetworkBackend

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
        return SyncStream(connect(dial, resolve(host, port, deadline)))

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
        return SyncStream(connect_unix(path, Deadline(timeout), socket_options or ()))
