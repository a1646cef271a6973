"""When things happened within one request, as the `trace` extension tells it."""

from dataclasses import dataclass, field
from time import perf_counter

# Of whatever area: through a proxy they have others than `connection`.
_CONNECTING = (".connect_tcp.started", ".connect_unix_socket.started")
_CONNECTED = (
    ".connect_tcp.complete",
    ".connect_unix_socket.complete",
    "proxy.connect.complete",
    ".setup_socks4_connection.complete",
    ".setup_socks5_connection.complete",
    ".start_tls.complete",
)
_HEAD_COMPLETE = ".receive_response_headers.complete"


@dataclass(slots=True)
class Timeline:
    """A trace callback that notes the time of what it is told.

    Its times are in seconds, or None for what did not happen: a reused connection
    is not connected.

    Args:
        began: When the request began, on the clock of `perf_counter`.
        connect: How long it took to connect: TCP, TLS, and what proxies are told.
        first_byte: From the beginning to the complete head of the response.
        total: From the beginning to the end of the body.
    """

    began: float = field(default_factory=perf_counter)
    connect: float | None = None
    first_byte: float | None = None
    total: float | None = None
    _connecting: float = field(default=0.0, init=False)

    def trace(self, event: str, values: object) -> None:
        """Note an event; the `trace` extension of a blocking request."""
        if event.endswith(_CONNECTING):
            self._connecting = perf_counter()
        # Each step follows another, and its end replaces the end of that.
        elif event.endswith(_CONNECTED):
            self.connect = perf_counter() - self._connecting
        elif event.endswith(_HEAD_COMPLETE):
            self.first_byte = perf_counter() - self.began

    async def atrace(self, event: str, values: object) -> None:
        """Note an event; the `trace` extension of an async request."""
        self.trace(event, values)

    def end(self) -> None:
        """Note that the body is complete."""
        self.total = perf_counter() - self.began
