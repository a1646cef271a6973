"""HTTP/2 against real servers: nginx, nghttpd and hypercorn, plain and over TLS."""

import collections.abc
import ssl

import http2_servers
import pytest
from colours import OpenPool, Pool, Response
from http2_servers import Server, assert_quiet
from peers.workers import run_together

import httpcore

pytestmark = pytest.mark.exhaustive

LARGE = bytes(range(250)) * 12_000


@pytest.fixture(params=http2_servers.PARAMS)
def http2_server(request: pytest.FixtureRequest) -> Server:
    return http2_servers.find(request)


@pytest.fixture
def server(http2_server: Server) -> Server:
    return http2_server


@pytest.fixture
def pool(server: Server, open_pool: OpenPool, ssl_context: ssl.SSLContext) -> Pool:
    return open_pool(**server.options(ssl_context))


def pieces_of(body: bytes) -> collections.abc.Iterator[bytes]:
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


def test_response(server: Server, pool: Pool) -> None:
    response = pool.request("GET", server.small_url)
    assert (response.status, response.content) == (200, server.small)
    assert response.extensions["http_version"] == b"HTTP/2"
    assert response.extensions["stream_id"] == 1


def test_head(server: Server, pool: Pool) -> None:
    for _ in range(2):
        response = pool.request("HEAD", server.medium_url)
        assert (response.status, response.content) == (200, b"")
        assert dict(response.headers)[b"content-length"] == b"%d" % len(server.medium)
    assert_quiet(pool)


def test_response_of_a_megabyte(server: Server, pool: Pool) -> None:
    for _ in range(3):
        is_equal = pool.request("GET", server.medium_url).content == server.medium
        assert is_equal
    assert_quiet(pool)


def test_response_in_pieces(server: Server, pool: Pool) -> None:
    with pool.stream("GET", server.medium_url) as response:
        is_equal = b"".join(response.iter_stream()) == server.medium
    assert is_equal
    assert_quiet(pool)


@pytest.mark.parametrize("body", [b"", b"short", LARGE], ids=["empty", "short", "large"])
@pytest.mark.parametrize("in_pieces", [False, True])
def test_upload(server: Server, pool: Pool, body: bytes, in_pieces: bool) -> None:
    content = pieces_of(body) if in_pieces else body
    response = pool.request("POST", server.url + server.upload_target, content=content)
    server.check_upload(response, body)
    assert pool.request("GET", server.small_url).content == server.small
    assert_quiet(pool)


def test_uploads_at_once(server: Server, pool: Pool) -> None:
    bodies = [b"%d" % number * 200_000 for number in range(8)]

    def upload(number: int) -> Response:
        return pool.request("POST", server.url + server.upload_target, content=bodies[number])

    for body, response in zip(bodies, run_together(len(bodies), upload), strict=True):
        server.check_upload(response, body)
    assert_quiet(pool)


def test_connection_is_used_again(server: Server, pool: Pool) -> None:
    for number in range(30):
        response = pool.request("GET", server.small_url)
        assert response.extensions["stream_id"] == 2 * number + 1
    stats = pool.stats()
    assert (stats.opened, stats.reused, stats.closed, stats.idle) == (1, 29, 0, 1)


def test_hundred_at_once_on_one_connection(server: Server, pool: Pool) -> None:
    def get(_number: int) -> bool:
        return pool.request("GET", server.small_url).content == server.small

    # First it is known how many the server takes.
    get(0)
    assert run_together(100, get) == [True] * 100
    assert_quiet(pool)


def test_thousand_requests_a_hundred_at_once(server: Server, pool: Pool) -> None:
    def get(_number: int) -> None:
        for _ in range(10):
            assert pool.request("GET", server.small_url).content == server.small

    get(0)
    run_together(100, get)
    stats = pool.stats()
    # nginx goes after every thousand.
    assert stats.opened <= 2
    assert_quiet(pool, stats.opened)


def test_threads_take_turns(server: Server, pool: Pool) -> None:
    def get(number: int) -> None:
        for turn in range(50):
            if turn % 10 == number:
                is_equal = pool.request("GET", server.medium_url).content == server.medium
                assert is_equal
            else:
                assert pool.request("GET", server.small_url).content == server.small

    run_together(4, get)
    assert_quiet(pool)


def test_responses_that_are_left_early_leave_the_connection(server: Server, pool: Pool) -> None:
    for _ in range(20):
        with pool.stream("GET", server.medium_url) as response:
            next(iter(response.iter_stream()))
    assert pool.request("GET", server.small_url).content == server.small
    assert_quiet(pool)


def test_response_that_nobody_reads_holds_up_no_other(server: Server, pool: Pool) -> None:
    with pool.stream("GET", server.medium_url) as unread:
        for _ in range(5):
            is_equal = pool.request("GET", server.medium_url).content == server.medium
            assert is_equal
        is_equal = unread.read() == server.medium
        assert is_equal
    assert_quiet(pool)


def test_fifty_at_once_over_two_connections(
    server: Server, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    options = server.options(ssl_context)
    options["max_connections"] = 2
    pool = open_pool(**options)

    def send(number: int) -> None:
        if number % 5 == 0:
            body = b"%d" % number * 50_000
            response = pool.request("POST", server.url + server.upload_target, content=body)
            server.check_upload(response, body)
        else:
            assert pool.request("GET", server.small_url).content == server.small

    run_together(50, send)
    assert pool.stats().opened <= 2
    assert pool.stats().requests_active == 0


def test_pool_that_speaks_http1_only(
    server: Server, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    pool = open_pool(ssl_context=ssl_context)
    if server.speaks_http1:
        response = pool.request("GET", server.small_url)
        assert (response.status, response.content) == (200, server.small)
        assert response.extensions["http_version"] == b"HTTP/1.1"
    else:
        with pytest.raises((httpcore.RemoteProtocolError, httpcore.NetworkError)):
            pool.request("GET", server.small_url)
        assert pool.connections == []
