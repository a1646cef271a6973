"""hishel: a cache around a pool, and around httpx's transports."""

import pathlib

import anyio
import hishel
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore


def serve(conn: Conversation) -> None:
    for request in conn.each_request():
        fields = (b"Cache-Control: max-age=3600", b"Date: Sun, 06 Nov 2094 08:49:37 GMT")
        conn.send(reply(b"fresh " + request.target, 200, *fields))


def test_pool_with_a_cache(start_peer: StartPeer, tmp_path: pathlib.Path) -> None:
    peer = start_peer(serve)
    storage = hishel.FileStorage(base_path=tmp_path)
    with (
        httpcore.ConnectionPool() as pool,
        hishel.CacheConnectionPool(pool=pool, storage=storage) as cached,
    ):
        for _ in range(3):
            assert cached.request("GET", peer.url("/a")).content == b"fresh /a"
        with cached.stream("GET", peer.url("/a")) as response:
            assert response.read() == b"fresh /a"
    assert len(peer.requests) == 1


def test_async_pool_with_a_cache(start_peer: StartPeer, tmp_path: pathlib.Path) -> None:
    peer = start_peer(serve)

    async def main() -> None:
        storage = hishel.AsyncFileStorage(base_path=tmp_path)
        async with (
            httpcore.AsyncConnectionPool() as pool,
            hishel.AsyncCacheConnectionPool(pool=pool, storage=storage) as cached,
        ):
            for _ in range(2):
                response = await cached.request("GET", peer.url("/a"))
                assert response.content == b"fresh /a"

    anyio.run(main)
    assert len(peer.requests) == 1


def test_client_with_a_cache(start_peer: StartPeer, tmp_path: pathlib.Path) -> None:
    peer = start_peer(serve)
    with hishel.CacheClient(
        storage=hishel.FileStorage(base_path=tmp_path), timeout=30.0
    ) as client:
        assert [client.get(peer.url("/b")).text for _ in range(2)] == ["fresh /b"] * 2
    assert len(peer.requests) == 1
