"""HTTP/2 where it is wanted: what it needs is an extra, and imported with the first use."""

import importlib.util
import typing

from httpcore_interface import AsyncNetworkBackend, AsyncNetworkStream

if typing.TYPE_CHECKING:
    from ._core.colour import Colour
    from ._core.http2 import HTTP2Connection


def require_hpack() -> None:
    """Makes sure that HTTP/2 can be spoken.

    Raises:
        ImportError: What it needs is not installed.
    """
    if importlib.util.find_spec("hpack") is None:
        raise ImportError(
            "HTTP/2 needs the package 'hpack', which is not installed: "
            "install 'httpcore[http2]' (or 'httpcore-pool[http2]')"
        )


def speak_http2(
    stream: AsyncNetworkStream,
    colour: "Colour",
    backend: AsyncNetworkBackend,
    keepalive_ping: float | None = None,
) -> "HTTP2Connection":
    """Begins HTTP/2 on an open connection.

    Args:
        stream: The open connection.
        colour: Whose callers it serves.
        backend: Supplies events for those who wait.
        keepalive_ping: Seconds of silence after which the server is asked whether it is
            still there, and after as many more given up; None is never.

    Raises:
        ImportError: What it needs is not installed.
    """
    require_hpack()
    from ._core.http2 import HTTP2Connection

    return HTTP2Connection(stream, colour, backend, keepalive_ping)
