"""pytest-httpx, whose fixture answers in the place of the network."""

import anyio
import httpx
from pytest_httpx import HTTPXMock

import httpcore


def test_fixture_answers(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url="https://example.org/", text="mocked")
    assert httpx.get("https://example.org/").text == "mocked"


def test_fixture_answers_async_requests(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=418)

    async def main() -> int:
        async with httpx.AsyncClient() as client:
            return (await client.get("https://example.org/")).status_code

    assert anyio.run(main) == 418


def test_requests_are_told_by_their_proxy(httpx_mock: HTTPXMock) -> None:
    """It looks into the pool for that."""
    httpx_mock.add_response(proxy_url="http://somebody:secret@localhost:3128/", text="through")
    httpx_mock.add_response(text="direct")
    with httpx.Client(proxy="http://somebody:secret@localhost:3128/") as client:
        assert client.get("http://example.org/").text == "through"
        transport = client._transport_for_url(httpx.URL("http://example.org/"))
        assert isinstance(transport, httpx.HTTPTransport)
        pool = transport._pool
        assert isinstance(pool, httpcore.HTTPProxy)
        assert pool._proxy_url == httpcore.URL("http://localhost:3128/")
        assert [name for name, _ in pool._proxy_headers] == [b"Proxy-Authorization"]
    with httpx.Client() as client:
        assert client.get("http://example.org/").text == "direct"
