"""A few requests through one pool: what is sent, and what has to come back."""

from collections.abc import Callable
from dataclasses import dataclass

import httpcore
from tools.demo.proxy import Proxies
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


# Enough to see that the way through proxies is opened once.
PROXY_STEPS = (STEPS[0], STEPS[-1])


@dataclass(frozen=True, slots=True)
class Site:
    """What is there to talk to.

    Args:
        server: Where the requests go.
        proxies: What they may go through.
    """

    server: Address
    proxies: Proxies


@dataclass(frozen=True, slots=True)
class ProxyKind:
    """A way through proxies.

    Args:
        name: How the table calls it.
        schemes: Those of the proxies' URLs, the nearest first.
        asked: What they are asked for in the course of a case: the first words of
            `Proxies.asked`.
    """

    name: str
    schemes: tuple[str, ...]
    asked: tuple[str, ...]

    def make(self, site: Site) -> httpcore.Proxy:
        """Return the last of the proxies, which is reached through the others."""
        proxy: httpcore.Proxy | None = None
        for scheme in self.schemes:
            # A context of its own: what is offered to origins is not for the proxy.
            context = site.server.make_context() if scheme == "https" else None
            url = site.proxies.url(scheme)
            proxy = httpcore.Proxy(url, ssl_context=context, via=proxy)
        assert proxy is not None
        return proxy


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
        proxy: What the requests go through; None: they go straight to the server.
    """

    backend: str
    protocol: str
    tls: bool
    send: "Send"
    proxy: ProxyKind | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is sent."""
        return STEPS if self.proxy is None else PROXY_STEPS

    def make_proxy(self, site: Site) -> httpcore.Proxy | None:
        """Return the `proxy` of the pool."""
        return None if self.proxy is None else self.proxy.make(site)

    @property
    def is_http2(self) -> bool:
        """Whether it speaks HTTP/2: over TLS as negotiated, in the clear as known before."""
        return self.protocol == "HTTP/2"

    @property
    def is_http1(self) -> bool:
        """Whether HTTP/1.1 is enabled, which over TLS it is beside HTTP/2."""
        return self.tls or not self.is_http2

    def make_url(self, site: Site, step: Step) -> str:
        """Return where a step goes."""
        url = (site.server.tls_url if self.tls else site.server.plain_url) + step.path
        # Proxies resolve names: SOCKS4a is SOCKS4 where there is none.
        return url if self.proxy is None else url.replace("127.0.0.1", "localhost")


Report = Callable[[Outcome], None]
"""Takes the outcome of a request."""

Send = Callable[[Case, Site, Report], None]
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


def find_detour(case: Case, site: Site) -> str | None:
    """Return what is wrong about the way that a case's requests took, if anything."""
    expected = () if case.proxy is None else case.proxy.asked
    asked = tuple(line.partition(" ")[0] for line in site.proxies.asked)
    return None if asked == expected else f"the proxies were asked {asked}, not {expected}"
