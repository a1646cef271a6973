"""Against hypercorn: a real ASGI server, plain, over TLS and on a Unix socket."""

import collections.abc
import hashlib
import json
import ssl
import typing

import pytest
from colours import OpenPool, Pool
from peers.deadlines import Stopwatch
from peers.hypercorn import Hypercorn
from peers.workers import run_together

import httpcore

LARGE = bytes(range(250)) * 40_000


class Server(typing.NamedTuple):
    """One way to the server, and a pool that takes it."""

    url: str
    pool: Pool


@pytest.fixture(params=["plain", "tls", "unix"])
def server(
    request: pytest.FixtureRequest,
    hypercorn: Hypercorn,
    open_pool: OpenPool,
    ssl_context: ssl.SSLContext,
) -> Server:
    match request.param:
        case "plain":
            return Server(hypercorn.plain, open_pool())
        case "tls":
            return Server(hypercorn.tls, open_pool(ssl_context=ssl_context))
        case _:
            return Server("http://localhost", open_pool(uds=hypercorn.socket_path))


def pieces_of(body: bytes) -> collections.abc.Iterator[bytes]:
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


def test_request_arrives_as_it_was_sent(server: Server) -> None:
    response = server.pool.request(
        "PATCH",
        f"{server.url}/echo?a=1&b=%20",
        headers=[(b"X-Own", b"1")],
        content=b"\xe4 body",
    )
    echo = json.loads(response.content)
    assert (echo["method"], echo["path"], echo["query"]) == ("PATCH", "/echo", "a=1&b=%20")
    assert echo["body"] == "\xe4 body"
    assert ["x-own", "1"] in echo["headers"]
    assert ["content-length", "6"] in echo["headers"]


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_000])
def test_sized_bodies(server: Server, size: int) -> None:
    response = server.pool.request("GET", f"{server.url}/bytes/{size}")
    assert response.content == b"x" * size


@pytest.mark.parametrize("count", [0, 1, 500])
def test_bodies_in_chunks(server: Server, count: int) -> None:
    with server.pool.stream("GET", f"{server.url}/stream/{count}") as response:
        size = sum(len(piece) for piece in response.iter_stream())
    assert size == count * 1000
    assert server.pool.stats().idle == 1


@pytest.mark.parametrize("in_chunks", [False, True])
def test_large_upload(server: Server, in_chunks: bool) -> None:
    content = pieces_of(LARGE) if in_chunks else LARGE
    response = server.pool.request("POST", f"{server.url}/digest", content=content)
    expected = {"length": len(LARGE), "sha256": hashlib.sha256(LARGE).hexdigest()}
    assert json.loads(response.content) == expected


def test_body_that_comes_back_while_it_is_sent(server: Server) -> None:
    response = server.pool.request("POST", f"{server.url}/mirror", content=pieces_of(LARGE))
    assert response.content == LARGE


def test_head_and_statuses(server: Server) -> None:
    assert server.pool.request("HEAD", f"{server.url}/bytes/1000").content == b""
    for status in (200, 204, 304, 404, 503):
        response = server.pool.request("GET", f"{server.url}/status/{status}")
        assert (response.status, response.content) == (status, b"")


def test_upload_that_is_refused_early(server: Server) -> None:
    for _ in range(3):
        response = server.pool.request("POST", f"{server.url}/refuse", content=pieces_of(LARGE))
        assert (response.status, response.content) == (413, b"too large")
    assert server.pool.request("GET", f"{server.url}/bytes/3").content == b"xxx"


def test_requests_at_once(server: Server) -> None:
    def get(_number: int) -> int:
        return server.pool.request("GET", f"{server.url}/delay/200").status

    watch = Stopwatch()
    assert run_together(10, get) == [200] * 10
    assert watch.seconds < 1.5


def test_timeout_leaves_the_pool_usable(server: Server) -> None:
    for _ in range(3):
        with pytest.raises(httpcore.ReadTimeout):
            server.pool.request(
                "GET", f"{server.url}/delay/2000", extensions={"timeout": {"read": 0.05}}
            )
    assert server.pool.connections == []
    assert server.pool.request("GET", f"{server.url}/bytes/3").content == b"xxx"
