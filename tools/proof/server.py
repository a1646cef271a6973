"""What the requests go to: the servers and the proxies of the demo, on the loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tools.demo.http2_server import running_http2_server
from tools.demo.proxy import Proxies, make_context, running_proxies
from tools.demo.server import Address, running_server


@dataclass(frozen=True, slots=True)
class Servers:
    """Where they are.

    Args:
        http1: The server of HTTP/1.1.
        http2: The server of HTTP/2.
        proxies: Proxies of all kinds.
        authority: The file with the certificate to trust.
    """

    http1: Address
    http2: Address
    proxies: Proxies
    authority: Path


@contextmanager
def running_servers(scratch: Path) -> Iterator[Servers]:
    """Run all of them within the block; what clients need of it goes to a folder."""
    authority = trustme.CA()
    path = scratch / "authority.pem"
    authority.cert_pem.write_to_path(path)
    with (
        running_server(authority) as http1,
        running_http2_server(authority) as http2,
        running_proxies(make_context(authority)) as proxies,
    ):
        yield Servers(http1, http2, proxies, path)
