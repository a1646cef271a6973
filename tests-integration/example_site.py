"""The site that the documentation sends its requests to, on the loopback.

While it stands, example.com and www.example.com resolve to peers of our own: port 80 to a
plain one and port 443 to one with TLS, whose certificate the default context trusts. Proxies
may stand beside it. No other name resolves at all, so that no page reaches the network.
"""

import socket

import certifi
import pytest
from peers.certificates import Authority
from peers.hypercorn import Hypercorn
from peers.messages import ReceivedRequest, reply
from peers.scripted import Conversation, Script
from peers.starting import StartPeer

from tools.demo.proxy import Proxies

NAMES = ("example.com", "www.example.com")
# Whoever comes through the second has to give these.
PROXY_NAMES = ("proxy.example.com", "guarded.example.com")
PROXY_AUTH = (b"me", b"secret")
BODY = b"Hello, world!"


def answers(conn: Conversation) -> None:
    """Greets whoever asks, as often as they do."""
    for request in conn.each_request():
        conn.send(reply(BODY))
        if request.header(b"connection") == b"close":
            return


class ExampleSite:
    """The two servers of the site.

    Args:
        start_peer: Starts them.
        script: What both do.

    Attributes:
        proxies: What stands beside it, by name.
    """

    def __init__(self, start_peer: StartPeer, script: Script = answers) -> None:
        self.plain = start_peer(script)
        self.tls = start_peer(script, tls=True)
        self.proxies: dict[str, Proxies] = {}
        self._getaddrinfo = socket.getaddrinfo

    @property
    def requests(self) -> list[ReceivedRequest]:
        """What both were asked."""
        return [*self.plain.requests, *self.tls.requests]

    def open(self, patch: pytest.MonkeyPatch, authority: Authority) -> None:
        """Makes this process find the site, and trust it."""
        patch.setattr(socket, "getaddrinfo", self.getaddrinfo)
        patch.setattr(certifi, "where", lambda: str(authority.root_file))
        # Those that the process shares were made before, and trust others.
        patch.setattr("httpcore_pool._tls._shared_contexts", {})

    # The names of its arguments are the event loops' business: they give them by position.
    def getaddrinfo(
        self,
        host: str | bytes | None,
        port: int,
        family: int = 0,
        kind: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> object:
        """Stands in for `socket.getaddrinfo`."""
        name = host.decode() if isinstance(host, bytes) else host
        if name in NAMES and not flags & socket.AI_NUMERICHOST:
            host, port = "127.0.0.1", self.port_of(port)
        elif name in self.proxies and not flags & socket.AI_NUMERICHOST:
            host, port = "127.0.0.1", self._port_of_proxy(name, port)
        elif name != "localhost":
            # Addresses are understood; of names nobody is asked.
            flags |= socket.AI_NUMERICHOST
        return self._getaddrinfo(host, port, family, kind, proto, flags)

    def port_of(self, port: int) -> int:
        """Where the site is that listens at port 80 or 443 for all the world."""
        return {80: self.plain, 443: self.tls}[port].port

    def _port_of_proxy(self, name: str, port: int) -> int:
        found = self.proxies[name]
        return {1080: found.port, 3128: found.port, 3129: found.tls_port}[port]


class HTTP2Site(ExampleSite):
    """The same with a server that speaks HTTP/2 in the place of both.

    Args:
        start_peer: Starts those that nobody finds then.
        server: Who is found.
    """

    def __init__(self, start_peer: StartPeer, server: Hypercorn) -> None:
        super().__init__(start_peer)
        self._urls = {80: server.plain, 443: server.tls}

    def port_of(self, port: int) -> int:
        """Where the server listens, plain or over TLS."""
        return int(self._urls[port].rpartition(":")[2])
