"""Names that the check makes up, and what they resolve to."""

import collections.abc
import socket
import threading

SocketAddress = tuple[str, int] | tuple[str, int, int, int]

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]

LookUp = collections.abc.Callable[[str, int], list[AddressInfo]]

NAME = "somewhere.test"
"""A name that no real resolver knows (RFC 6761, section 6.2)."""


class Resolver:
    """Answers what addresses a name of the domain `test` has.

    Attributes:
        addresses: The answer, in order: hosts and ports.
        error: What is raised in place of an answer.
        may_answer: Cleared, it keeps whoever asks waiting.
        was_asked: Set when somebody asks.
    """

    def __init__(self) -> None:
        self.addresses: list[tuple[str, int]] = []
        self.error: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.was_asked = threading.Event()

    def look_up(self, host: str, port: int) -> list[AddressInfo]:
        """Stands in for the resolver; blocks its thread."""
        self.was_asked.set()
        self.may_answer.wait(30)
        if self.error is not None:
            raise self.error
        return [_entry(*address) for address in self.addresses]


def _entry(host: str, port: int) -> AddressInfo:
    kind, protocol = socket.SOCK_STREAM, socket.IPPROTO_TCP
    if ":" in host:
        return socket.AF_INET6, kind, protocol, "", (host, port, 0, 0)
    return socket.AF_INET, kind, protocol, "", (host, port)


def getaddrinfo_with(look_up: LookUp) -> collections.abc.Callable[[str, int], object]:
    """Returns what takes the place of `socket.getaddrinfo`.

    Args:
        look_up: Asked about the names of the domain `test`; everything else goes to what
            is there now.
    """
    original = socket.getaddrinfo

    def getaddrinfo(
        host: str | bytes | None,
        port: int,
        family: int = 0,
        type: int = 0,  # noqa: A002 - the name that the original has
        proto: int = 0,
        flags: int = 0,
    ) -> object:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if name is None or not name.endswith(".test"):
            return original(host, port, family, type, proto, flags)
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        return look_up(name, port)

    return getaddrinfo
