"""HTTP/2 against nginx: connections that it ends by GOAWAY, and large files."""

import collections.abc
import functools
import itertools
import os
import pathlib
import ssl
import zlib

import pytest
from colours import OpenPool, Pool, Response
from peers import nginx as nginx_server
from peers.certificates import Authority
from peers.deadlines import wait_until
from peers.nginx import LARGE_SIZE, SMALL, Nginx
from peers.workers import run_together

pytestmark = [pytest.mark.nginx, pytest.mark.exhaustive]


@pytest.fixture
def pool(open_pool: OpenPool, ssl_context: ssl.SSLContext) -> Pool:
    return open_pool(ssl_context=ssl_context, http2=True)


@pytest.fixture
def own_nginx(
    nginx_program: str,
    tmp_path: pathlib.Path,
    authority: Authority,
    no_socket_is_left: None,
) -> collections.abc.Iterator[Nginx]:
    """One that is nobody else's: to restart it takes a while, and ends connections."""
    with nginx_server.running(nginx_program, tmp_path, authority) as server:
        yield server


def connection_of(response: Response) -> bytes:
    return dict(response.headers)[b"x-connection"]


def has_news(response: Response) -> bool:
    return bool(response.extensions["network_stream"].get_extra_info("is_readable"))


def pieces_of(body: bytes) -> collections.abc.Iterator[bytes]:
    for start in range(0, len(body), 30_000):
        yield body[start : start + 30_000]


def test_http2_is_what_is_negotiated(nginx: Nginx, pool: Pool) -> None:
    response = pool.request("GET", f"{nginx.http2_tls}/small.txt")
    assert response.extensions["http_version"] == b"HTTP/2"
    ssl_object = response.extensions["network_stream"].get_extra_info("ssl_object")
    assert ssl_object.selected_alpn_protocol() == "h2"


def test_server_that_speaks_http1_only(nginx: Nginx, pool: Pool) -> None:
    def get(_number: int) -> bytes:
        response = pool.request("GET", f"{nginx.tls}/small.txt")
        assert response.content == SMALL
        http_version: bytes = response.extensions["http_version"]
        return http_version

    assert [get(number) for number in range(3)] == [b"HTTP/1.1"] * 3
    assert pool.stats().opened == 1
    assert run_together(10, get) == [b"HTTP/1.1"] * 10


def test_origins_of_either_protocol_share_two_connections(
    nginx: Nginx, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    pool = open_pool(ssl_context=ssl_context, http2=True, max_connections=2)
    urls = [nginx.plain, nginx.tls, nginx.http2_tls, nginx.closing_after_seven_http2]

    def get(number: int) -> None:
        assert pool.request("GET", f"{urls[number % 4]}/small.txt").content == SMALL

    run_together(50, get)
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued, stats.active) == (0, 0, 0)
    assert stats.idle <= 2


def test_large_file_in_pieces(nginx: Nginx, pool: Pool) -> None:
    size, checksum, expected = 0, 0, 0
    with pool.stream("GET", f"{nginx.http2_tls}/large.bin") as response:
        for piece in response.iter_stream():
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
    with (nginx.files / "large.bin").open("rb") as file:
        while part := file.read(1_000_000):
            expected = zlib.crc32(part, expected)
    assert (size, checksum) == (LARGE_SIZE, expected)
    assert pool.stats().opened == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_gigabyte_both_ways(nginx: Nginx, pool: Pool) -> None:
    """In pieces, and in no more memory than those need."""
    # Not where nginx is not tested, either.
    import resource

    piece, count = os.urandom(1_000_000), 1_000
    url = f"{nginx.http2_tls}/uploads/gigabyte.bin"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    headers = [(b"Content-Length", b"%d" % (len(piece) * count))]
    content = itertools.repeat(piece, count)
    try:
        assert pool.request("PUT", url, headers=headers, content=content).status == 201
        size = 0
        with pool.stream("GET", url) as response:
            for part in response.iter_stream():
                start = size % len(piece)
                expected = (piece[start:] + piece)[: len(part)]
                is_equal = part == expected
                assert is_equal
                size += len(part)
    finally:
        (nginx.files / "uploads" / "gigabyte.bin").unlink(missing_ok=True)
    assert size == len(piece) * count
    assert pool.stats().opened == 1
    # Kilobytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_large_responses_that_are_left_early(nginx: Nginx, pool: Pool) -> None:
    for _ in range(5):
        with pool.stream("GET", f"{nginx.http2_tls}/large.bin") as response:
            next(iter(response.iter_stream()))
    assert pool.request("GET", f"{nginx.http2_tls}/small.txt").content == SMALL
    assert pool.stats().opened == 1


@pytest.mark.parametrize("in_pieces", [False, True])
def test_upload_that_is_refused_early(nginx: Nginx, pool: Pool, in_pieces: bool) -> None:
    body = b"x" * 20_000_000
    for _ in range(3):
        content = pieces_of(body) if in_pieces else body
        headers = [(b"Content-Length", b"%d" % len(body))]
        response = pool.request(
            "PUT", f"{nginx.http2_tls}/limited/file", headers=headers, content=content
        )
        assert response.status == 413
        assert pool.request("GET", f"{nginx.http2_tls}/small.txt").content == SMALL


def test_not_modified(nginx: Nginx, pool: Pool) -> None:
    url = f"{nginx.http2_tls}/small.txt"
    tag = dict(pool.request("GET", url).headers)[b"etag"]
    response = pool.request("GET", url, headers=[(b"If-None-Match", tag)])
    assert (response.status, response.content) == (304, b"")
    assert pool.stats().opened == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_hundreds_of_requests_to_a_server_that_goes_after_seven(
    nginx: Nginx, pool: Pool, method: str
) -> None:
    target = "/small.txt" if method == "GET" else "/discard"
    for number in range(150):
        response = pool.request(
            method,
            f"{nginx.closing_after_seven_http2}{target}",
            content=b"" if method == "GET" else b"body %d" % number,
        )
        assert response.status == (200 if method == "GET" else 204)
    assert pool.stats().opened >= 150 // 8


def test_threads_and_a_server_that_goes_after_seven(nginx: Nginx, pool: Pool) -> None:
    def get(_number: int) -> None:
        for _ in range(30):
            url = f"{nginx.closing_after_seven_http2}/small.txt"
            assert pool.request("GET", url).content == SMALL

    run_together(8, get)
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued) == (0, 0)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_server_that_restarts_between_two_requests(
    own_nginx: Nginx, pool: Pool, method: str
) -> None:
    target = "/small.txt" if method == "GET" else "/discard"
    content = b"" if method == "GET" else b"body"
    connections = set()
    for _ in range(3):
        response = pool.request(method, f"{own_nginx.http2_tls}{target}", content=content)
        assert response.status < 300
        # Behind this response comes no other frame, as behind an upload one may.
        response = pool.request("GET", f"{own_nginx.http2_tls}/small.txt")
        connections.add(connection_of(response))
        own_nginx.restart()
        wait_until(functools.partial(has_news, response), "its GOAWAY has come")
    assert len(connections) == pool.stats().opened == 3


def test_response_goes_on_when_the_server_restarts(own_nginx: Nginx, pool: Pool) -> None:
    with pool.stream("GET", f"{own_nginx.http2_tls}/large.bin") as response:
        pieces = response.iter_stream()
        size = len(next(pieces))
        own_nginx.restart()
        assert pool.request("GET", f"{own_nginx.http2_tls}/small.txt").content == SMALL
        size += sum(len(piece) for piece in pieces)
    assert size == LARGE_SIZE
    assert pool.request("GET", f"{own_nginx.http2_tls}/small.txt").content == SMALL
