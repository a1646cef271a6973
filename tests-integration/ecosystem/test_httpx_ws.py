"""httpx-ws: a WebSocket on the connection of a response."""

import anyio
import httpx
import pytest
from httpx_ws import AsyncWebSocketSession, WebSocketSession, aconnect_ws, connect_ws
from peers.hypercorn import Hypercorn


def test_websocket(hypercorn: Hypercorn) -> None:
    url = hypercorn.plain.replace("http", "ws", 1) + "/chat"
    ws: WebSocketSession
    with httpx.Client(timeout=30.0) as client, connect_ws(url, client) as ws:
        ws.send_bytes(b"hello")
        assert ws.receive_bytes(timeout=30.0) == b"hello"
        ws.send_bytes(bytes(100_000))
        assert ws.receive_bytes(timeout=30.0) == bytes(100_000)


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_async_websocket(hypercorn: Hypercorn, library: str) -> None:
    url = hypercorn.plain.replace("http", "ws", 1) + "/chat"

    async def main() -> None:
        ws: AsyncWebSocketSession
        async with httpx.AsyncClient(timeout=30.0) as client, aconnect_ws(url, client) as ws:
            await ws.send_bytes(b"hello")
            assert await ws.receive_bytes(timeout=30.0) == b"hello"

    anyio.run(main, backend=library)
