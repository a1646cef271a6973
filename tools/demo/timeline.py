"""When things happened within one request, as the `trace` extension tells it."""

from dataclasses import dataclass, field
from time import perf_counter

_CONNECTING = ("connection.connect_tcp.started", "connection.connect_unix_socket.started")
_CONNECTED = (
    "connection.connect_tcp.complete",
    "connection.connect_unix_socket.complete",
    "connection.start_tls.complete",
)
_HEAD_COMPLETE = ".receive_response_headers.complete"


@dataclass(slots=True)
class Timeline:
    """A trace callback that notes the time of what it is told.

    Its times are in seconds, or None for what did not happen: a reused connection
    is not connected.

    Args:
        began: When the request began, on the clock of `perf_counter`.
        connect: How long TCP and TLS took to connect.
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
        if event in _CONNECTING:
            self._connecting = perf_counter()
        # The handshake of TLS follows that of TCP, and its end replaces it.
        elif event in _CONNECTED:
            self.connect = perf_counter() - self._connecting
        elif event.endswith(_HEAD_COMPLETE):
            self.first_byte = perf_counter() - self.began

    async def atrace(self, event: str, values: object) -> None:
        """Note an event; the `trace` extension of an async request."""
        self.trace(event, values)

    def end(self) -> None:
        """Note that the body is complete."""
        self.total = perf_counter() - self.began
