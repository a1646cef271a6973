"""respx, which patches pools and connections by their addresses."""

import anyio
import httpx
import pytest
import respx

import httpcore


@respx.mock
def test_requests_of_httpx_are_answered_by_the_mock() -> None:
    route = respx.get("https://example.org/").mock(return_value=httpx.Response(204))
    assert httpx.get("https://example.org/").status_code == 204
    assert route.call_count == 1


def test_requests_of_pools_are_answered_by_the_mock() -> None:
    with respx.mock(using="httpcore") as router:
        router.post("https://example.org/a").respond(201, json={"a": 1})
        with httpcore.ConnectionPool() as pool:
            response = pool.request("POST", "https://example.org/a", content=b"x")
            assert (response.status, response.read()) == (201, b'{"a":1}')
        with httpcore.HTTPProxy("http://localhost:1") as pool:
            assert pool.request("POST", "https://example.org/a").status == 201
        assert router.calls.call_count == 2


def test_async_requests_are_answered_by_the_mock() -> None:
    async def main() -> None:
        async with respx.mock:
            respx.get("https://example.org/").mock(side_effect=httpx.ConnectError)
            async with httpx.AsyncClient() as client:
                with pytest.raises(httpx.ConnectError):
                    await client.get("https://example.org/")

    anyio.run(main)


def test_patch_ends_with_the_mock() -> None:
    before = httpcore.ConnectionPool.handle_request
    with respx.mock(using="httpcore"):
        assert httpcore.ConnectionPool.handle_request is not before
    assert httpcore.ConnectionPool.handle_request is before
