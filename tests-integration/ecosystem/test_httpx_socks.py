"""httpx-socks, whose pools make connections of a class of their own."""

import ssl

import anyio
import httpx
import pytest
import python_socks
from httpx_socks import AsyncProxyTransport, SyncProxyTransport
from peers.hypercorn import Hypercorn

from tools.demo.proxy import Proxies

KINDS = pytest.mark.parametrize("kind", ["socks5", "socks4", "http"])
TLS = pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])


@KINDS
@TLS
@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_client(
    hypercorn: Hypercorn,
    ssl_context: ssl.SSLContext,
    proxies: Proxies,
    kind: str,
    is_tls: bool,
    http2: bool,
) -> None:
    base = hypercorn.tls if is_tls else hypercorn.plain
    transport = SyncProxyTransport.from_url(
        f"{kind}://127.0.0.1:{proxies.port}", verify=ssl_context, http2=http2
    )
    with httpx.Client(transport=transport, timeout=30.0) as client:
        for number in range(3):
            response = client.get(f"{base}/bytes/{number}")
            assert response.content == b"x" * number
        assert response.http_version == ("HTTP/2" if http2 and is_tls else "HTTP/1.1")
        assert client.post(f"{base}/digest", content=bytes(100_000)).json()["length"] == 100_000
        assert len(transport._pool.connections) == 1
        assert len(transport._pool._requests) == 0


@pytest.mark.parametrize("library", ["asyncio", "trio"])
@TLS
@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_async_client(
    hypercorn: Hypercorn,
    ssl_context: ssl.SSLContext,
    proxies: Proxies,
    library: str,
    is_tls: bool,
    http2: bool,
) -> None:
    base = hypercorn.tls if is_tls else hypercorn.plain

    async def main() -> None:
        transport = AsyncProxyTransport.from_url(
            f"socks5://127.0.0.1:{proxies.port}", verify=ssl_context, http2=http2
        )
        async with httpx.AsyncClient(transport=transport, timeout=30.0) as client:
            lengths: list[int] = []

            async def get(number: int) -> None:
                response = await client.get(f"{base}/bytes/{number}")
                lengths.append(len(response.content))

            async with anyio.create_task_group() as tasks:
                for number in range(8):
                    tasks.start_soon(get, number)
            assert sorted(lengths) == list(range(8))

    anyio.run(main, backend=library)


def test_proxy_that_cannot_be_reached(refusing_port: int) -> None:
    transport = SyncProxyTransport.from_url(f"socks5://127.0.0.1:{refusing_port}")
    with httpx.Client(transport=transport, timeout=30.0) as client:
        with pytest.raises(python_socks.ProxyConnectionError):
            client.get("http://localhost/")
        assert len(transport._pool.connections) == 0
