"""Against nginx: a real server, its files, and its ways of ending connections."""

import collections.abc
import functools
import os
import pathlib
import ssl
import threading
import zlib

import pytest
from colours import OpenPool, Pool, Response
from peers.deadlines import wait_until
from peers.nginx import LARGE_SIZE, MEDIUM_SIZE, SMALL, Nginx
from peers.workers import run_together

pytestmark = pytest.mark.nginx


@pytest.fixture(params=["plain", "tls"])
def url(request: pytest.FixtureRequest, nginx: Nginx) -> str:
    """The ordinary server, either way."""
    return nginx.plain if request.param == "plain" else nginx.tls


@pytest.fixture(params=["plain", "tls"])
def closing_url(request: pytest.FixtureRequest, nginx: Nginx) -> str:
    """The server that closes after seven responses, either way."""
    plain = request.param == "plain"
    return nginx.closing_after_seven if plain else nginx.closing_after_seven_tls


@pytest.fixture
def pool(open_pool: OpenPool, ssl_context: ssl.SSLContext) -> Pool:
    return open_pool(ssl_context=ssl_context)


def header(response: Response, name: bytes) -> bytes:
    return dict(response.headers)[name]


def resident_bytes() -> int:
    """The memory of this process; 0 where the system does not tell."""
    try:
        pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_small_file(url: str, pool: Pool) -> None:
    response = pool.request("GET", f"{url}/small.txt")
    assert (response.status, response.content) == (200, SMALL)
    assert response.extensions["reason_phrase"] == b"OK"
    assert response.extensions["http_version"] == b"HTTP/1.1"


def test_medium_file(url: str, pool: Pool, nginx: Nginx) -> None:
    response = pool.request("GET", f"{url}/medium.bin")
    assert len(response.content) == MEDIUM_SIZE
    assert response.content == (nginx.files / "medium.bin").read_bytes()


def test_large_file_in_pieces(url: str, pool: Pool, nginx: Nginx) -> None:
    before, most, size, checksum = resident_bytes(), 0, 0, 0
    with pool.stream("GET", f"{url}/large.bin") as response:
        for number, piece in enumerate(response.iter_stream()):
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
            if number % 50 == 0:
                most = max(most, resident_bytes())
    assert size == LARGE_SIZE
    assert checksum == checksum_of(nginx.files / "large.bin")
    assert most - before < 30_000_000
    assert pool.request("GET", f"{url}/small.txt").content == SMALL
    assert pool.stats().opened == 1


def checksum_of(path: pathlib.Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while part := file.read(1_000_000):
            checksum = zlib.crc32(part, checksum)
    return checksum


def test_head(url: str, pool: Pool) -> None:
    for _ in range(2):
        response = pool.request("HEAD", f"{url}/medium.bin")
        assert (response.status, response.content) == (200, b"")
        assert header(response, b"Content-Length") == b"%d" % MEDIUM_SIZE
    assert pool.stats().opened == 1


def test_not_modified(url: str, pool: Pool) -> None:
    tag = header(pool.request("GET", f"{url}/small.txt"), b"ETag")
    for _ in range(2):
        headers = [(b"If-None-Match", tag)]
        response = pool.request("GET", f"{url}/small.txt", headers=headers)
        assert (response.status, response.content) == (304, b"")
    assert pool.stats().opened == 1


def test_error_page(url: str, pool: Pool) -> None:
    response = pool.request("GET", f"{url}/nothing/here")
    assert (response.status, response.content) == (404, b"nothing of that name")


def test_range(url: str, pool: Pool) -> None:
    response = pool.request("GET", f"{url}/small.txt", headers=[(b"Range", b"bytes=7-9")])
    assert (response.status, response.content) == (206, SMALL[7:10])


def test_response_in_chunks(url: str, pool: Pool) -> None:
    for _ in range(2):
        response = pool.request("GET", f"{url}/included.shtml")
        assert header(response, b"Transfer-Encoding") == b"chunked"
        assert response.content == b"before " + SMALL + b" after"
    assert pool.stats().opened == 1


def test_response_up_to_the_end_of_the_connection(url: str, pool: Pool) -> None:
    for _ in range(2):
        response = pool.request("GET", f"{url}/unbounded.shtml")
        assert b"Content-Length" not in dict(response.headers)
        assert response.content == b"before " + SMALL + b" after"
    assert pool.stats().opened == pool.stats().closed == 2


def test_connection_is_kept_and_counted(url: str, pool: Pool) -> None:
    connections = {
        header(pool.request("GET", f"{url}/small.txt"), b"X-Connection") for _ in range(20)
    }
    assert len(connections) == 1
    stats = pool.stats()
    assert (stats.opened, stats.reused, stats.closed, stats.idle) == (1, 19, 0, 1)


def test_hundreds_of_requests_to_a_server_that_closes_after_seven(
    closing_url: str, pool: Pool
) -> None:
    for _ in range(300):
        response = pool.request("GET", f"{closing_url}/small.txt")
        assert (response.status, response.content) == (200, SMALL)
    assert pool.stats().opened == 43


def test_threads_and_a_server_that_closes_after_seven(closing_url: str, pool: Pool) -> None:
    def get(_number: int) -> None:
        for _ in range(60):
            assert pool.request("GET", f"{closing_url}/small.txt").content == SMALL

    run_together(8, get)
    stats = pool.stats()
    assert stats.opened >= 8 * 60 / 7
    assert (stats.requests_active, stats.requests_queued) == (0, 0)


def test_connection_that_the_server_closed_while_it_was_idle(nginx: Nginx, pool: Pool) -> None:
    for _ in range(3):
        url = f"{nginx.closing_when_idle}/discard"
        response = pool.request("POST", url, content=b"not to be sent twice")
        assert (response.status, response.content) == (204, b"")
        wait_until(functools.partial(has_ended, response), "nginx has closed")
    assert pool.stats().opened == 3


def has_ended(response: Response) -> bool:
    return bool(response.extensions["network_stream"].get_extra_info("is_readable"))


def test_connections_that_die_at_any_moment(nginx: Nginx, pool: Pool) -> None:
    # Around the 30 ms after which nginx closes: before, after and meanwhile.
    pauses = [0.028 + 0.0005 * number for number in range(12)]

    def get(number: int) -> None:
        for pause in pauses[number:] + pauses[:number]:
            url = f"{nginx.closing_when_idle}/small.txt"
            assert pool.request("GET", url).content == SMALL
            PAUSE.wait(pause)

    run_together(4, get)


# Never set: waiting for it lets time pass.
PAUSE = threading.Event()


@pytest.mark.parametrize("in_chunks", [False, True])
def test_upload(url: str, pool: Pool, nginx: Nginx, in_chunks: bool) -> None:
    body = os.urandom(1000) * 2000
    content = pieces_of(body) if in_chunks else body
    response = pool.request("PUT", f"{url}/uploads/file", content=content)
    stored = nginx.files / "uploads" / "file"
    assert response.status in {201, 204}
    assert stored.read_bytes() == body
    stored.unlink()


def pieces_of(body: bytes) -> collections.abc.Iterator[bytes]:
    for start in range(0, len(body), 30_000):
        yield body[start : start + 30_000]


def test_post(url: str, pool: Pool) -> None:
    for content in (b"", b"short", b"long" * 100_000, pieces_of(b"pieces" * 100_000)):
        assert pool.request("POST", f"{url}/discard", content=content).status == 204


@pytest.mark.parametrize("in_chunks", [False, True])
def test_upload_that_is_refused_early(url: str, pool: Pool, in_chunks: bool) -> None:
    body = b"x" * 20_000_000
    for _ in range(3):
        content = pieces_of(body) if in_chunks else body
        response = pool.request("PUT", f"{url}/limited/file", content=content)
        assert response.status == 413
        assert pool.request("GET", f"{url}/small.txt").content == SMALL


def test_expectation_is_met(url: str, pool: Pool, nginx: Nginx) -> None:
    headers = [(b"Expect", b"100-continue")]
    response = pool.request("PUT", f"{url}/uploads/asked", headers=headers, content=b"body")
    assert response.status in {201, 204}
    stored = nginx.files / "uploads" / "asked"
    assert stored.read_bytes() == b"body"
    stored.unlink()


def test_large_responses_that_are_left_early(url: str, pool: Pool) -> None:
    for _ in range(5):
        with pool.stream("GET", f"{url}/large.bin") as response:
            next(iter(response.iter_stream()))
    assert pool.connections == []
    assert pool.request("GET", f"{url}/small.txt").content == SMALL
