"""A few requests through one pool: what is sent, and what has to come back."""

from collections.abc import Callable
from dataclasses import dataclass

import httpcore
from tools.demo.server import CHUNKED, LARGE, SMALL, Address
from tools.demo.timeline import Timeline

SECONDS = 10.0
"""How long any step of a request may take before its row fails."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of each case, and what its response has to be."""

    method: str
    path: str
    content: bytes | None
    size: int

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


# The first connects, the others find its connection idle in the pool.
STEPS = (
    Step("GET", "/small", None, SMALL),
    Step("GET", "/chunked", None, CHUNKED),
    Step("GET", "/large", None, LARGE),
    Step("POST", "/echo", bytes(100_000), 100_000),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request.

    Args:
        step: The request.
        status: The status code; None: there was no response.
        received: Bytes of the body.
        times: When what happened.
        failure: Why the row failed; None: it did not.
    """

    step: Step
    status: int | None
    received: int
    times: Timeline
    failure: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """A combination to show.

    Args:
        backend: The name of the network backend, and what it runs on if that is not
            the same.
        protocol: As the response's `http_version` has it.
        tls: Whether the connection is encrypted.
        send: Sends the steps, and hands over the outcome of each as soon as it is known.
    """

    backend: str
    protocol: str
    tls: bool
    send: "Send"

    @property
    def is_http2(self) -> bool:
        """Whether it speaks HTTP/2: over TLS as negotiated, in the clear as known before."""
        return self.protocol == "HTTP/2"

    @property
    def is_http1(self) -> bool:
        """Whether HTTP/1.1 is enabled, which over TLS it is beside HTTP/2."""
        return self.tls or not self.is_http2

    def make_url(self, address: Address, step: Step) -> str:
        """Return where a step goes."""
        return (address.tls_url if self.tls else address.plain_url) + step.path


Report = Callable[[Outcome], None]
"""Takes the outcome of a request."""

Send = Callable[[Case, Address, Report], None]
"""Sends the steps of a case."""


def describe(exc: Exception) -> str:
    """Return an exception in one line."""
    return " ".join(f"{type(exc).__name__}: {exc}".split())


def make_timeouts() -> dict[str, float]:
    """Return the `timeout` extension of every request of the demo."""
    return dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)


def find_failure(
    case: Case, step: Step, response: httpcore.Response, received: int
) -> str | None:
    """Return what a response has wrong, if anything."""
    protocol = response.extensions["http_version"].decode()
    stream = response.extensions["network_stream"]
    tls = stream.get_extra_info("ssl_object") is not None
    if response.status != 200:
        return f"status {response.status}, not 200"
    if received != step.size:
        return f"{received} body bytes, not {step.size}"
    if protocol != case.protocol:
        return f"answered by {protocol}, not {case.protocol}"
    if tls != case.tls:
        return "the connection is encrypted" if tls else "the connection is not encrypted"
    return None
