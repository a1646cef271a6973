"""How much a socket takes at once."""

import socket
import typing


class _HasOptions(typing.Protocol):
    """A socket, or what asyncio shows in its place."""

    def getsockopt(self, level: int, option: int, /) -> int: ...


def room_when_writable(sock: object) -> int:
    """Returns how many bytes a socket that is called writable takes without a wait.

    Linux calls it so once a third of its buffer is free (`sk_stream_is_writable`), in which
    what the system keeps beside the bytes counts as well: so a quarter.

    Args:
        sock: What a stream says of its socket, whatever that is.

    Returns:
        A number of bytes, which grows where the system enlarges the buffer; 0 where there
        is no socket to ask.
    """
    if not hasattr(sock, "getsockopt"):
        return 0
    try:
        return (
            typing.cast("_HasOptions", sock).getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            // 4
        )
    except OSError:
        # Closed by another: the write will tell.
        return 0
