"""What users install together, each with real requests, plain and over TLS."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tools.demo.server import SMALL
from tools.proof.environment import Environment
from tools.proof.server import Servers
from tools.proof.wheels import Wheels

ANYIO = "httpcore_anyio:AnyIOBackend"


@dataclass(frozen=True, slots=True)
class Request:
    """A way to send a request.

    Args:
        module: Whose pool sends it: "httpcore_pool" or "httpcore".
        loop: "blocking", or the event loop: "asyncio" or "trio".
        version: The protocol, "HTTP/1.1" or "HTTP/2".
        backend: The backend as "module:name"; empty: the one that the pool finds.
        proxy: The scheme of a proxy to go through; empty: none.
    """

    module: str
    loop: str
    version: str = "HTTP/1.1"
    backend: str = ""
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Combination:
    """Distributions that are installed together.

    Args:
        names: Which, with extras: "httpcore-pool[http2]".
        requests: What is sent with them.
    """

    names: tuple[str, ...]
    requests: tuple[Request, ...]

    def __str__(self) -> str:
        return " + ".join(name.removeprefix("httpcore-") for name in self.names)


_DEFAULTS = (Request("httpcore", "blocking"), Request("httpcore", "asyncio"))
_BY_ANYIO = (*_DEFAULTS, Request("httpcore", "asyncio", backend=ANYIO))

COMBINATIONS = (
    Combination(
        ("httpcore-pool", "httpcore-sync"), requests=(Request("httpcore_pool", "blocking"),)
    ),
    Combination(
        ("httpcore-pool", "httpcore-trio"), requests=(Request("httpcore_pool", "trio"),)
    ),
    Combination(
        ("httpcore-pool[http2]", "httpcore-anyio"),
        requests=(
            Request("httpcore_pool", "asyncio", "HTTP/1.1"),
            Request("httpcore_pool", "asyncio", "HTTP/2"),
        ),
    ),
    Combination(("httpcore",), _DEFAULTS),
    Combination(("httpcore[asyncio]",), _BY_ANYIO),
    Combination(("httpcore[anyio]",), _BY_ANYIO),
    Combination(("httpcore[trio]",), (*_DEFAULTS, Request("httpcore", "trio"))),
    Combination(
        ("httpcore[http2]",),
        requests=(
            *_DEFAULTS,
            Request("httpcore", "blocking", "HTTP/2"),
            Request("httpcore", "asyncio", "HTTP/2"),
        ),
    ),
    Combination(
        ("httpcore[socks]",),
        requests=(
            Request("httpcore", "blocking", proxy="socks5"),
            Request("httpcore", "asyncio", proxy="socks5"),
        ),
    ),
)

# Every way there is, for an environment that has everything.
ALL_REQUESTS = (
    *dict.fromkeys(
        request
        for combination in COMBINATIONS
        for request in combination.requests
        if request.module == "httpcore"
    ),
    Request("httpcore", "trio", "HTTP/2", backend=ANYIO),
)


def prove_together(
    combination: Combination, wheels: Wheels, servers: Servers, folder: Path
) -> str:
    """Install a combination, and send its requests."""
    environment = Environment(folder)
    environment.install(list(combination.names), wheels.constraints())
    return send(combination.requests, environment, servers)


def prove_interface(wheels: Wheels, servers: Servers, folder: Path) -> str:
    """Install the interface, and send a request by a backend written against it."""
    environment = Environment(folder)
    environment.install(["httpcore-interface"], wheels.constraints())
    address = urlsplit(servers.http1.plain_url)
    environment.run_inside("own_backend", str(address.hostname), str(address.port))
    return "1 request by a backend of its own"


def send(requests: Sequence[Request], environment: Environment, servers: Servers) -> str:
    """Send requests from an environment; return how many there were."""
    count = 0
    for request in requests:
        server = servers.http2 if request.version == "HTTP/2" else servers.http1
        urls = [f"{url}/small" for url in (server.plain_url, server.tls_url)]
        settings = asdict(request) | {
            "urls": urls,
            "size": SMALL,
            "authority": str(servers.authority),
            "proxy": servers.proxies.url(request.proxy) if request.proxy else "",
        }
        environment.run_inside("request", json.dumps(settings))
        count += len(urls)
    return f"{count} requests"
