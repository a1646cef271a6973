"""When things happened within one request, as the `trace` extension tells it."""

from dataclasses import dataclass, field
from time import perf_counter

_CONNECTED = (
    "connection.connect_tcp.complete",
    "connection.connect_unix_socket.complete",
    "connection.start_tls.complete",
)
_HEAD_COMPLETE = ".receive_response_headers.complete"


@dataclass(slots=True)
class Timeline:
    """A trace callback that notes the time of what it is told.

    Its times are seconds since it was made, or None for what did not happen: a
    reused connection is not connected.
    """

    began: float = field(default_factory=perf_counter)
    connected: float | None = None
    first_byte: float | None = None
    total: float | None = None

    def trace(self, event: str, values: object) -> None:
        """Note an event; the `trace` extension of a blocking request."""
        # The handshake of TLS follows that of TCP, and its time replaces it.
        if event in _CONNECTED:
            self.connected = perf_counter() - self.began
        elif event.endswith(_HEAD_COMPLETE):
            self.first_byte = perf_counter() - self.began

    def end(self) -> None:
        """Note that the body is complete."""
        self.total = perf_counter() - self.began
