"""Proxies of every kind, as scripts play them."""

import collections.abc
import dataclasses
import struct
import typing

import pytest
from driving import Driver, PoolClient, head, plain_context, reply
from script_steps import Give, Received, Step, Take

from httpcore_pool import Proxy

if typing.TYPE_CHECKING:
    from scripted import Connection

NAME = b"user"
PASSWORD = b"p:ss w\xc3\xb6rd"
# As a URL spells them.
SPELLED = "user:p%3Ass%20w%C3%B6rd"
BASIC = b"Basic dXNlcjpwOnNzIHfDtnJk"

OPENED = head(b"200 Connection established")


def hears_connect(host: bytes, port: int, *fields: bytes) -> list[Step]:
    """An HTTP proxy that opens a tunnel."""
    authority = b"%b:%d" % (host, port)
    lines = [b"CONNECT %b HTTP/1.1" % authority, b"Host: " + authority, b"Accept: */*"]
    return [Take(b"\r\n".join([*lines, *fields, b"", b""])), Give(OPENED)]


def hears_socks5(host: bytes, port: int) -> list[Step]:
    """A SOCKS5 proxy that asks for nothing (RFC 1928)."""
    return [
        Take(b"\x05\x01\x00"),
        Give(b"\x05\x00"),
        Take(b"\x05\x01\x00\x03" + bytes([len(host)]) + host + struct.pack(">H", port)),
        Give(b"\x05\x00\x00\x01" + bytes(6)),
    ]


def hears_socks4a(host: bytes, port: int) -> list[Step]:
    """A SOCKS4a proxy."""
    request = b"\x04\x01" + struct.pack(">H", port) + b"\x00\x00\x00\x01\x00" + host + b"\x00"
    return [Take(request), Give(b"\x00\x5a" + bytes(6))]


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of proxy.

    Args:
        url: A proxy of that kind.
        hears: What it hears and says until a tunnel is open.
        has_tls: Whether there is TLS to the proxy itself.
        connection: How a pool calls a connection in a tunnel.
    """

    url: str
    hears: collections.abc.Callable[[bytes, int], list[Step]]
    has_tls: bool = False
    connection: str = "TunnelHTTPConnection"


KINDS = {
    "http": Kind("http://proxy.test:3128", hears_connect),
    "https": Kind("https://proxy.test:3129", hears_connect, has_tls=True),
    "socks5": Kind("socks5://proxy.test", hears_socks5, connection="Socks5Connection"),
    "socks5h": Kind("socks5h://proxy.test:1081", hears_socks5, connection="Socks5Connection"),
    "socks4a": Kind("socks4a://proxy.test", hears_socks4a, connection="Socks4Connection"),
}


class ServeThrough(Step):
    """A proxy of some kind, and every origin behind it.

    Args:
        kinds: The proxies that a request goes through, in order.
        answer: What the origins say.
    """

    is_open_ended = True

    def __init__(
        self,
        kinds: collections.abc.Sequence[str],
        answer: collections.abc.Callable[[Received], bytes],
    ) -> None:
        self._kinds = list(kinds)
        self._answer = answer
        self._is_greeted = False

    def play(self, connection: "Connection") -> bool:
        while self._kinds and self._open(connection, self._kinds[0]):
            self._kinds.pop(0)
        if not self._kinds:
            while (request := connection.take_request()) is not None:
                connection.outbox.append(self._answer(request))
        return False

    def _open(self, connection: "Connection", kind: str) -> bool:
        inbox = connection.inbox
        if kind.startswith("http"):
            if not inbox.endswith(b"\r\n\r\n"):
                return False
            if not inbox.startswith(b"CONNECT "):
                return True
            inbox.clear()
            connection.outbox.append(OPENED)
            return True
        if kind == "socks4a":
            if len(inbox) < 9 or inbox.count(b"\x00", 8) < 2:
                return False
            inbox.clear()
            connection.outbox.append(b"\x00\x5a" + bytes(6))
            return True
        if not self._is_greeted and len(inbox) == 3:
            inbox.clear()
            self._is_greeted = True
            connection.outbox.append(b"\x05\x00")
        if self._is_greeted and len(inbox) > 4:
            inbox.clear()
            connection.outbox.append(b"\x05\x00\x00\x01" + bytes(6))
            return True
        return False


def proxy_of(kind: str, *, via: Proxy | None = None, tunnel: bool | None = None) -> Proxy:
    """A proxy of some kind."""
    return Proxy(KINDS[kind].url, via=via, tunnel=tunnel)


def through(driver: Driver, proxy: Proxy) -> PoolClient:
    """A pool whose requests go through a proxy."""
    return driver.pool(proxy=proxy, ssl_context=plain_context())


def whole(request: Received) -> bytes:
    """A response whose body is the target that was asked for."""
    return reply(request.target)


each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
each_name = pytest.mark.parametrize("name", KINDS)
