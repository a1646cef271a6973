"""vcrpy: what it has recorded it replays."""

import pathlib

import anyio
import httpx

# It has no types.
import vcr  # type: ignore[import-untyped]
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer


def serve(conn: Conversation) -> None:
    for request in conn.each_request():
        conn.send(reply(b"number " + request.target))


def test_cassette_is_recorded_and_replayed(
    start_peer: StartPeer, tmp_path: pathlib.Path
) -> None:
    peer = start_peer(serve)
    cassette = str(tmp_path / "cassette.yaml")
    for _ in range(2):
        with vcr.use_cassette(cassette), httpx.Client(timeout=30.0) as client:
            assert client.get(peer.url("/1")).text == "number /1"
            with client.stream("GET", peer.url("/2")) as response:
                assert b"".join(response.iter_bytes()) == b"number /2"
    assert len(peer.requests) == 2


def test_async_cassette_is_recorded_and_replayed(
    start_peer: StartPeer, tmp_path: pathlib.Path
) -> None:
    peer = start_peer(serve)
    cassette = str(tmp_path / "cassette.yaml")

    async def main() -> None:
        with vcr.use_cassette(cassette):
            async with httpx.AsyncClient(timeout=30.0) as client:
                assert (await client.get(peer.url("/1"))).text == "number /1"

    anyio.run(main)
    anyio.run(main)
    assert len(peer.requests) == 1
