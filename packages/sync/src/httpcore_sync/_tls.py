"""From a plain, connected socket to an encrypted one.

Nothing here closes a socket for its caller, except what the `ssl` module has
half made when it fails.
"""

import socket
import ssl
import traceback

from ._deadline import Deadline
from ._wait import wait_ready


def wraps_its_own_way(ssl_context: ssl.SSLContext) -> bool:
    """Returns whether a context does more in `wrap_socket` than the `ssl` module.

    Such contexts (truststore's, which verifies there on macOS and Windows) expect
    that the handshake is over when the original method returns.
    """
    return type(ssl_context).wrap_socket is not ssl.SSLContext.wrap_socket


def wrap_socket(
    sock: socket.socket,
    ssl_context: ssl.SSLContext,
    server_hostname: str | None,
    *,
    shake_hands: bool,
) -> ssl.SSLSocket:
    """Returns an encrypted socket that has taken over the descriptor of `sock`.

    Args:
        sock: Connected; its timeout is that of the handshake.
        ssl_context: What to offer and whom to trust.
        server_hostname: The name to send and to find in the certificate.
        shake_hands: Whether to perform the handshake, too.

    Raises:
        OSError: The connection is gone, or the handshake failed.
        ValueError: The name is none, or the context needs one.
    """
    # The ssl module takes the descriptor over before it notices these two, and then
    # forgets to close it.
    check_server_hostname(server_hostname, ssl_context)
    sock.getpeername()
    try:
        return ssl_context.wrap_socket(
            sock, server_hostname=server_hostname, do_handshake_on_connect=shake_hands
        )
    except BaseException as exc:
        # Whatever else stops it half-way: what it has made is in those frames only.
        for frame, _ in traceback.walk_tb(exc.__traceback__):
            for value in frame.f_locals.values():
                if isinstance(value, ssl.SSLSocket):
                    value.close()
        traceback.clear_frames(exc.__traceback__)
        raise


def check_server_hostname(server_hostname: str | None, ssl_context: ssl.SSLContext) -> None:
    """Finds what the `ssl` module finds late, or not at all.

    Raises:
        ValueError: No host can have this name, or the context needs one.
    """
    if server_hostname is not None:
        if "\0" in server_hostname:
            raise ValueError(f"server_hostname {server_hostname!r} contains a null character")
        server_hostname.encode("idna")
    # Between two buffers in memory the ssl module would take a certificate of anyone.
    if ssl_context.check_hostname and not server_hostname:
        raise ValueError("check_hostname requires server_hostname")


def wait_handshake(tls: ssl.SSLSocket, deadline: Deadline) -> None:
    """Performs the handshake of a socket that does not block.

    Raises:
        TimeoutError: It was not over at the deadline.
        OSError: It failed.
    """
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            writing = False
        except ssl.SSLWantWriteError:
            writing = True
        else:
            return
        if not wait_ready(tls, writing=writing, timeout=deadline.remaining()):
            raise TimeoutError


def is_end_of_stream(exc: BaseException) -> bool:
    """Returns whether an exception says that the peer has ended the stream.

    Properly with a close_notify alert, or by closing the connection without: many
    servers do, and whether bytes are missing is for the protocol above to tell.
    """
    return isinstance(exc, (ssl.SSLZeroReturnError, ssl.SSLEOFError)) or (
        isinstance(exc, ssl.SSLError) and exc.reason == "UNEXPECTED_EOF_WHILE_READING"
    )
