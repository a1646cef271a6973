"""The blocking half of the network interface.

Plain base classes: a subclass writes the methods that it needs, and a method
that it left out says so when it is called. The contract of each method stands
in its docstring, once; the async twins refer to it.
"""

import ssl
import time
import typing

from ._event import Event
from ._missing import missing

SOCKET_OPTION = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)
"""The arguments of one `socket.setsockopt` call: (level, option, value[, length])."""


class NetworkStream:
    """One open connection, as a stream of bytes in both directions.

    For every method:

    - `timeout` is in seconds. None and infinity wait for ever; 0 or less does
      only what is possible without waiting, and otherwise times out at once.
    - A timeout raises the timeout exception of the operation, any other failure
      of the network its error; the cause is chained, and nothing raw (`OSError`,
      `ssl.SSLError`, an exception of a library) leaves the stream.
    - A stream may be read by one thread while another writes it, and closed by
      a third: the blocked calls then end at once with an error.
    """

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come, waiting only while nothing has.

        A read that times out has lost no bytes, and may be tried again.

        Args:
            max_bytes: The most bytes to return, at least 1.
            timeout: Seconds to wait for the first byte.

        Returns:
            1 to `max_bytes` bytes, or `b""` once the peer has ended the stream.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The connection failed, or was closed on this side.
        """
        raise missing(self, "read")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of `buffer`, or raises.

        After an exception an unknown part of the buffer has been sent, and the
        stream is good for reading and closing only.

        Args:
            buffer: Any bytes-like object; it is not copied as a whole.
            timeout: Seconds to wait for the peer to take more bytes; each time
                that it does, the wait begins anew.

        Raises:
            WriteTimeout: The peer took nothing for `timeout` seconds.
            WriteError: The connection failed, or was closed on this side.
        """
        raise missing(self, "write")

    def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until a write can send something, or a read can get something.

        For a caller that has more to send than the peer may want to read: a write
        that waits does not notice that an answer has come. The default does not
        wait: such a stream finds out by writing.

        Args:
            timeout: Seconds to wait.

        Returns:
            Whether a write of 16 kB would return at once. False: a read would.

        Raises:
            WriteTimeout: Neither was possible in time.
            WriteError: The stream was closed on this side.
        """
        return True

    def close(self) -> None:
        """Closes the connection, at once and for good.

        May be called any number of times, in any state and from any thread. Never
        raises because of the connection's state, and has freed the socket even when
        it fails or is interrupted.
        """
        raise missing(self, "close")

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "NetworkStream":
        """Performs a TLS handshake as the client, and returns the encrypted stream.

        Works on a stream that is encrypted already, too (the tunnel of an HTTPS
        proxy). The old stream must not be used any more. A handshake that fails,
        times out or is cancelled has closed the connection.

        Args:
            ssl_context: What to offer and whom to trust. It is not changed.
            server_hostname: The name to send (RFC 6066, section 3) and to find in
                the certificate; without it none is sent.
            timeout: Seconds for the handshake as a whole.

        Returns:
            The stream to use from now on; it may be this very object.

        Raises:
            ConnectTimeout: The handshake took longer than `timeout`.
            ConnectError: The handshake failed, or the certificate was refused.
        """
        raise missing(self, "start_tls")

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection, and None where it is unknown.

        Never raises, whatever the state of the connection.

        Args:
            info: One of
                `"ssl_object"` (`ssl.SSLObject` or `ssl.SSLSocket`; None without TLS),
                `"client_addr"` and `"server_addr"` (the tuple of the socket's own and
                the peer's address),
                `"socket"` (the `socket.socket` underneath),
                `"is_readable"` (bool: whether a read would return at once, with
                bytes, the end of the stream or an error; under TLS it may be True
                for a record without data; costs no waiting).
                Subclasses may know more names.
        """
        return None


class NetworkBackend:
    """Opens connections for blocking code.

    `timeout` follows the rules of `NetworkStream`. A connect that fails, times
    out or is cancelled leaves no socket open.
    """

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        """Opens a TCP connection.

        A name's addresses are tried as RFC 8305 has it: both families in turn, the
        next attempt starting when one fails or is slow. `TCP_NODELAY` is set.

        Args:
            host: A name or an address literal (IPv6 without brackets).
            port: 0 to 65535.
            timeout: Seconds for name resolution and all attempts together.
            local_address: The address of this host to connect from.
            socket_options: Arguments of `setsockopt`, applied before connecting.

        Raises:
            ConnectTimeout: No attempt succeeded in time.
            ConnectError: The name is unknown, or every attempt failed.
        """
        raise missing(self, "connect_tcp")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        """Opens a connection to a Unix domain socket.

        Args:
            path: Where the socket stands in the file system.
            timeout: Seconds to wait.
            socket_options: Arguments of `setsockopt`, applied before connecting.

        Raises:
            ConnectTimeout: The server did not accept in time.
            ConnectError: There is no such socket, nobody listens, or the platform
                has no Unix sockets.
        """
        raise missing(self, "connect_unix_socket")

    def interrupt_connect(self, thread: int) -> bool:
        """Ends the connect that another thread is blocked in, if it is in one.

        That thread gets a ConnectError, at once. It is what closing a pool does to
        those who are connecting. The default does nothing: such a connect then ends
        as it would have, by its timeout at the latest.

        Args:
            thread: As `threading.get_ident()` returned it there.

        Returns:
            False if that thread is in no connect of this backend, or not yet: it may
            be worth while to ask again. The default, for which it is not, returns True.
        """
        return True

    def sleep(self, seconds: float) -> None:
        """Waits. The default sleeps in this thread."""
        time.sleep(seconds)

    def create_event(self) -> Event:
        """Returns a fresh one-shot event. The default blocks the thread that waits."""
        return Event()
