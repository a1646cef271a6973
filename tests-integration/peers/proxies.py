"""Proxies as scripts play them: what each hears and says until a tunnel is open.

They do what real ones do not: stop halfway, speak in single bytes, speak SOCKS4a. They
lead to this host, whatever name they are asked for.
"""

import collections.abc
import dataclasses
import typing

import httpcore

from .certificates import Authority
from .messages import head
from .scripted import Conversation, Script

USER = b"somebody"
PASSWORD = b"open: sesame"

OPENED = head(200)
CHOSEN, CHOSEN_PASSWORD, WELCOME = b"\x05\x00", b"\x05\x02", b"\x01\x00"
# Their own addresses are of different lengths.
SOCKS5_OPENED = b"\x05\x00\x00\x03\x0aproxy.test\x00\x00"
GUARDED_OPENED = b"\x05\x00\x00\x04" + bytes(18)
SOCKS4_OPENED = b"\x00\x5a" + bytes(6)

Send = collections.abc.Callable[[Conversation, bytes], None]


class Open(typing.Protocol):
    """Hears and says all that there is until a tunnel is open."""

    def __call__(self, conn: Conversation, send: Send = ..., /) -> int:
        """Returns the port that is asked for."""


def open_connect(conn: Conversation, send: Send = Conversation.send, /) -> int:
    """RFC 9110, section 9.3.6."""
    port = receive_connect(conn)
    send(conn, OPENED)
    return port


def open_socks5(conn: Conversation, send: Send = Conversation.send, /) -> int:
    """RFC 1928."""
    receive_offer(conn)
    send(conn, CHOSEN)
    port = receive_socks5_request(conn)
    send(conn, SOCKS5_OPENED)
    return port


def open_guarded_socks5(conn: Conversation, send: Send = Conversation.send, /) -> int:
    """RFC 1929; USER and PASSWORD are asked for."""
    receive_offer(conn)
    send(conn, CHOSEN_PASSWORD)
    receive_credentials(conn)
    send(conn, WELCOME)
    port = receive_socks5_request(conn)
    send(conn, GUARDED_OPENED)
    return port


def open_socks4a(conn: Conversation, send: Send = Conversation.send, /) -> int:
    port = receive_socks4a_request(conn)
    send(conn, SOCKS4_OPENED)
    return port


def open_chain(conn: Conversation, send: Send = Conversation.send, /) -> int:
    """A SOCKS5 proxy, and an HTTP proxy behind it."""
    open_socks5(conn, send)
    return open_connect(conn, send)


def receive_connect(conn: Conversation) -> int:
    request = conn.receive_head()
    assert request.method == b"CONNECT"
    return int(request.target.rpartition(b":")[2])


def receive_offer(conn: Conversation) -> None:
    version, count = conn.receive(2)
    assert version == 5
    conn.receive(count)


def receive_credentials(conn: Conversation) -> None:
    assert conn.receive(1) == b"\x01"
    for expected in (USER, PASSWORD):
        assert conn.receive(conn.receive(1)[0]) == expected


def receive_socks5_request(conn: Conversation) -> int:
    assert conn.receive(3) == b"\x05\x01\x00"
    kind = conn.receive(1)[0]
    # A name says itself how long it is.
    conn.receive(conn.receive(1)[0] if kind == 3 else {1: 4, 4: 16}[kind])
    return int.from_bytes(conn.receive(2), "big")


def receive_socks4a_request(conn: Conversation) -> int:
    assert conn.receive(2) == b"\x04\x01"
    port = int.from_bytes(conn.receive(2), "big")
    # Behind the address the user, and behind one that is none the name.
    for _ in range(1 + (conn.receive(4) == b"\x00\x00\x00\x01")):
        while conn.receive(1) != b"\x00":
            pass
    return port


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of proxy, or a chain of two.

    Args:
        scheme: That of its URL.
        open: What it hears and says until a tunnel is open.
        user: What stands in its URL before the host.
        inner_scheme: That of a proxy behind it, if there is one.
    """

    scheme: str
    open: Open
    user: str = ""
    inner_scheme: str = ""

    @property
    def has_tls(self) -> bool:
        """Whether there is TLS to the proxy itself."""
        return self.scheme == "https"

    def proxy(self, port: int, authority: Authority, *, tunnel: bool = True) -> httpcore.Proxy:
        """The proxy at a port of this host, as a pool is told of it."""
        context = authority.client_context() if self.has_tls else None
        url = f"{self.scheme}://{self.user}127.0.0.1:{port}"
        proxy = httpcore.Proxy(url, ssl_context=context, tunnel=tunnel)
        if not self.inner_scheme:
            return proxy
        return httpcore.Proxy(f"{self.inner_scheme}://proxy.test", via=proxy, tunnel=tunnel)

    def relays(self, authority: Authority, send: Send = Conversation.send) -> Script:
        """A script of a proxy that opens the tunnel."""

        def script(conn: Conversation) -> None:
            if self.has_tls:
                conn.start_tls(authority.server_context())
            conn.relay(("127.0.0.1", self.open(conn, send)))

        return script


KINDS = {
    "http": Kind("http", open_connect),
    "https": Kind("https", open_connect),
    "socks5": Kind("socks5", open_socks5),
    "guarded-socks5": Kind("socks5h", open_guarded_socks5, "somebody:open%3A%20sesame@"),
    "socks4a": Kind("socks4a", open_socks4a),
    "chain": Kind("socks5", open_chain, inner_scheme="http"),
}
