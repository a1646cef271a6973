"""dnspython: DNS over HTTPS, with a network backend of its own in the pool of httpx."""

import ssl

import anyio
import dns.asyncbackend
import dns.asyncquery
import dns.flags
import dns.message
import dns.query
import pytest
from peers.hypercorn import Hypercorn

QUERY = dns.message.make_query("example.org", "A")
HTTP2 = dns.query.HTTPVersion.HTTP_2


def check(answer: dns.message.Message) -> None:
    assert answer.flags & dns.flags.QR
    assert answer.question == QUERY.question


@pytest.mark.parametrize("post", [True, False], ids=["post", "get"])
def test_query(hypercorn: Hypercorn, ssl_context: ssl.SSLContext, *, post: bool) -> None:
    where = hypercorn.tls + "/dns-query"
    check(
        dns.query.https(
            QUERY,
            where,
            post=post,
            bootstrap_address="127.0.0.1",
            # It hands that to httpx, which takes one; its annotation says bool or str.
            verify=ssl_context,  # type: ignore[arg-type]
            timeout=30.0,
            http_version=HTTP2,
        )
    )


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_async_query(hypercorn: Hypercorn, ssl_context: ssl.SSLContext, library: str) -> None:
    # Left to itself it remembers what ran first.
    dns.asyncbackend.set_default_backend(library)

    async def main() -> None:
        answer = await dns.asyncquery.https(
            QUERY,
            hypercorn.tls + "/dns-query",
            bootstrap_address="127.0.0.1",
            # Likewise.
            verify=ssl_context,  # type: ignore[arg-type]
            timeout=30.0,
            http_version=HTTP2,
        )
        check(answer)

    anyio.run(main, backend=library)
