"""The stages of a request at which a proxy can fall silent, each with a proxy that does."""

import collections.abc
import dataclasses

from peers.certificates import Authority
from peers.deadlines import Signal
from peers.messages import reply
from peers.proxies import (
    CHOSEN,
    CHOSEN_PASSWORD,
    KINDS,
    OPENED,
    SOCKS4_OPENED,
    SOCKS5_OPENED,
    receive_connect,
    receive_credentials,
    receive_offer,
    receive_socks4a_request,
    receive_socks5_request,
)
from peers.scripted import ClientGoneError, Conversation
from peers.starting import StartPeer

Step = collections.abc.Callable[[Conversation], object]


def says(answer: bytes) -> Step:
    return lambda conn: conn.send(answer)


def hears_something(conn: Conversation) -> None:
    conn.receive(1)


# Until the request hangs: the proxy has heard what it waits for, and says no more.
STEPS: dict[str, dict[str, list[Step]]] = {
    "http": {
        "tunnel": [receive_connect],
        "half a head": [receive_connect, says(OPENED[:-2])],
    },
    "https": {
        "tls": [hears_something],
        "tunnel": [receive_connect],
        "half a head": [receive_connect, says(OPENED[:-2])],
    },
    "socks5": {
        "offer": [receive_offer],
        "half a choice": [receive_offer, says(CHOSEN[:1])],
        "tunnel": [receive_offer, says(CHOSEN), receive_socks5_request],
        "half a reply": [
            *(receive_offer, says(CHOSEN)),
            *(receive_socks5_request, says(SOCKS5_OPENED[:7])),
        ],
    },
    "guarded-socks5": {
        "credentials": [receive_offer, says(CHOSEN_PASSWORD), receive_credentials],
    },
    "socks4a": {
        "tunnel": [receive_socks4a_request],
        "half a reply": [receive_socks4a_request, says(SOCKS4_OPENED[:4])],
    },
    "chain": {
        "second tunnel": [KINDS["socks5"].open, receive_connect],
    },
}
for _name, _steps in STEPS.items():
    _steps["tls to the origin"] = [KINDS[_name].open, hears_something]
STEPS["http"]["response"] = STEPS["https"]["response"] = [Conversation.receive_head]

STAGES = [(kind, stage) for kind, steps in STEPS.items() for stage in steps]


@dataclasses.dataclass
class StalledProxy:
    """A proxy that falls silent on its first connection, and is well on the second.

    Args:
        start_peer: Starts it.
        authority: Signs its certificate.
        kind: The kind of proxy.
        stage: Where it falls silent.
    """

    start_peer: dataclasses.InitVar[StartPeer]
    authority: Authority
    kind: str
    stage: str

    def __post_init__(self, start_peer: StartPeer) -> None:
        self.reached = Signal(f"a request hangs: {self.kind}, {self.stage}")
        kind = KINDS[self.kind]
        # What is forwarded needs no tunnel.
        self.is_forwarding = self.stage == "response"
        serve = self._forward if self.is_forwarding else kind.relays(self.authority)
        self.peer = start_peer(self._stall, serve)
        self.proxy = kind.proxy(self.peer.port, self.authority, tunnel=not self.is_forwarding)

    def url(self, port: int) -> str:
        """Where a request hangs, whatever is at that port."""
        scheme = "http" if self.is_forwarding else "https"
        return f"{scheme}://localhost:{port}/"

    def _stall(self, conn: Conversation) -> None:
        try:
            if KINDS[self.kind].has_tls and self.stage != "tls":
                conn.start_tls(self.authority.server_context())
            for step in STEPS[self.kind][self.stage]:
                step(conn)
        except (ClientGoneError, OSError):
            # A client that has a time limit does not wait for the stage.
            return
        self.reached.set()
        conn.wait_eof()

    def _forward(self, conn: Conversation) -> None:
        if KINDS[self.kind].has_tls:
            conn.start_tls(self.authority.server_context())
        for _ in conn.each_request():
            conn.send(reply(b"ok"))
