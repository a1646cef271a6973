"""What all handshakes with proxies have in common, seen from whoever drives them."""

import typing


class Handshake(typing.Protocol):
    """What a client and a proxy say to each other before a tunnel is open.

    Send what `begin` returns; then feed what the connection gives, and send what is
    returned, until it is done or raises. It is made for one tunnel, and is of no use
    after an error. What it sends may hold a password: no repr and no error shows it.

    Attributes:
        is_done: Whether the tunnel is open.
        unread: What came behind the proxy's last word, once it is done: it is from
            whoever is behind the tunnel.
    """

    is_done: bool
    unread: bytes

    def begin(self) -> bytes:
        """Returns what to send first."""
        ...

    def receive(self, received: bytes) -> bytes:
        """Takes what was received, while it is not done.

        Args:
            received: `b""` is the end of the stream.

        Returns:
            What to send; `b""` for nothing. Also when it is done by then, which it
            is if the proxy answered what it had not yet been asked.

        Raises:
            ProxyError: The proxy refuses, breaks the rules, or broke off.
        """
        ...
