"""Getting through a proxy: what is said to it before the tunnel is open."""

import typing

from httpcore_interface import (
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
    ProxyError,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)

from .._proxy import Proxy
from .._url import Origin
from .forwarding import check_host
from .timeouts import Deadline

if typing.TYPE_CHECKING:
    from .._protocol.handshake import Handshake

# An answer of a proxy is a few bytes, or the head of a response.
_READ_SIZE = 16 * 1024


def handshake_with(proxy: Proxy, origin: Origin) -> "Handshake":
    """Returns what has to be said to a proxy for a tunnel to `origin`.

    Raises:
        ProxyError, LocalProtocolError: It cannot be asked for that.
    """
    host, port, auth = origin.host, origin.port, proxy.auth
    scheme = proxy.url.scheme
    # Each is imported by who needs it.
    if not proxy.is_socks:
        from .._protocol.tunnel import ConnectHandshake

        check_host(host)
        return ConnectHandshake(host, port, proxy.headers)
    if scheme in (b"socks5", b"socks5h"):
        from .._protocol.socks5 import Socks5Handshake

        return Socks5Handshake(host, port, auth)
    from .._protocol.socks4 import Socks4Handshake

    return Socks4Handshake(
        host, port, b"" if auth is None else auth[0], takes_names=scheme == b"socks4a"
    )


async def open_tunnel(
    stream: AsyncNetworkStream, handshake: "Handshake", deadline: Deadline
) -> None:
    """Has a proxy open a tunnel; from then on the stream is whose is behind it.

    Raises:
        ProxyError: It refused, or answered what cannot be understood.
        ConnectTimeout: It was not open in time.
        ConnectError: The connection to the proxy broke.
    """
    try:
        outgoing = handshake.begin()
        while True:
            if outgoing:
                await _write(stream, outgoing, handshake, deadline)
            if handshake.is_done:
                break
            outgoing = handshake.receive(await stream.read(_READ_SIZE, _left(deadline)))
    except (ReadTimeout, WriteTimeout) as exc:
        raise ConnectTimeout("the proxy did not open a tunnel in time") from exc
    except (ReadError, WriteError) as exc:
        raise ConnectError("the connection to the proxy broke before it was a tunnel") from exc
    if handshake.unread:
        # No server of HTTP or TLS speaks first: whose bytes these are nobody knows.
        raise ProxyError(
            f"{len(handshake.unread)} bytes came through the proxy before anything was sent"
        )


async def _write(
    stream: AsyncNetworkStream, outgoing: bytes, handshake: "Handshake", deadline: Deadline
) -> None:
    """Writes; a proxy that stops listening may have said why.

    Raises:
        ProxyError: It has.
        WriteError, WriteTimeout: It has not.
    """
    try:
        await stream.write(outgoing, _left(deadline))
    except WriteError as exc:
        try:
            while not handshake.is_done:
                received = await stream.read(_READ_SIZE, _left(deadline))
                if not received:
                    break
                handshake.receive(received)
        except (ReadError, ReadTimeout):
            pass
        raise exc from exc.__cause__


def _left(deadline: Deadline) -> float | None:
    left = deadline.left()
    if left is not None and left <= 0:
        raise ConnectTimeout("no time was left for the proxy to open a tunnel")
    return left
