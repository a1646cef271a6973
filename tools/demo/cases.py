"""What the demo shows: a table of cases, each a few requests through one pool.

A package that adds a backend, a protocol or a proxy adds its cases to `CASES`; one
that has to be driven in another way adds a function beside `send_blocking`.
"""

from collections.abc import Callable, Iterator
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
        backend: The name of the network backend.
        protocol: As the response's `http_version` has it.
        tls: Whether the connection is encrypted.
        send: Sends the steps and yields an outcome for each.
    """

    backend: str
    protocol: str
    tls: bool
    send: "Callable[[Case, Address], Iterator[Outcome]]"


def send_blocking(case: Case, address: Address) -> Iterator[Outcome]:
    """Send every step through one `ConnectionPool`."""
    context = address.make_context() if case.tls else None
    backend = httpcore.SyncBackend()
    with httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool:
        for step in STEPS:
            times = Timeline()
            status, received, failure = None, 0, None
            try:
                with pool.stream(
                    step.method,
                    (address.tls_url if case.tls else address.plain_url) + step.path,
                    content=step.content,
                    extensions={"trace": times.trace, "timeout": make_timeouts()},
                ) as response:
                    status = response.status
                    for chunk in response.iter_stream():
                        received += len(chunk)
                times.end()
                failure = find_failure(case, step, response, received)
            except Exception as exc:
                failure = describe(exc)
            yield Outcome(step, status, received, times, failure)


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


CASES = (
    Case("sync", "HTTP/1.1", tls=False, send=send_blocking),
    Case("sync", "HTTP/1.1", tls=True, send=send_blocking),
)
