"""HTTP/2 against nghttpd: trailers, few streams, and a server that is replaced."""

import collections.abc
import contextlib
import pathlib
import ssl

import pytest
from colours import OpenPool, Pool
from peers import nghttpd as nghttpd_server
from peers.certificates import Authority
from peers.deadlines import wait_until
from peers.nghttpd import NARROW_STREAMS, SMALL, TRAILER, Nghttpd
from peers.ports import Port
from peers.workers import run_together

pytestmark = [pytest.mark.nghttpd, pytest.mark.exhaustive]

Start = collections.abc.Callable[[], contextlib.AbstractContextManager[object]]


@pytest.fixture
def pool(open_pool: OpenPool, ssl_context: ssl.SSLContext) -> Pool:
    return open_pool(ssl_context=ssl_context, http2=True)


@pytest.fixture
def port(no_socket_is_left: None) -> collections.abc.Iterator[Port]:
    with contextlib.closing(Port()) as port:
        yield port


@pytest.fixture
def start(
    nghttpd_program: str, tmp_path: pathlib.Path, port: Port, authority: Authority
) -> Start:
    """Starts a server, always on the same port."""
    files, log = tmp_path / "files", tmp_path / "log"
    nghttpd_server.write_files(files)
    return lambda: nghttpd_server.listening(
        nghttpd_program, files, port, log, authority=authority
    )


def test_trailers_are_an_extension(nghttpd: Nghttpd, pool: Pool) -> None:
    response = pool.request("GET", f"{nghttpd.tls}/small.txt")
    assert response.content == SMALL
    assert response.extensions["trailing_headers"] == [TRAILER]


def test_trailers_are_there_once_the_body_has_been_read(nghttpd: Nghttpd, pool: Pool) -> None:
    with pool.stream("GET", f"{nghttpd.tls}/medium.bin") as response:
        assert "trailing_headers" not in response.extensions
        for _ in response.iter_stream():
            pass
        assert response.extensions["trailing_headers"] == [TRAILER]


def test_trailers_of_a_request(nghttpd: Nghttpd, pool: Pool) -> None:
    response = pool.request(
        "POST",
        f"{nghttpd.tls}/echo",
        content=b"a body",
        extensions={"trailing_headers": [(b"x-sum", b"6")]},
    )
    assert (response.status, response.content) == (200, b"a body")
    assert pool.stats().idle == 1


def test_more_at_once_than_a_connection_takes(
    nghttpd: Nghttpd, open_pool: OpenPool, ssl_context: ssl.SSLContext
) -> None:
    pool = open_pool(ssl_context=ssl_context, http2=True, max_connections=2)

    def get(_number: int) -> None:
        assert pool.request("GET", f"{nghttpd.narrow}/small.txt").content == SMALL

    get(0)
    run_together(50, get)
    stats = pool.stats()
    assert 1 <= stats.opened <= 2
    assert (stats.requests_active, stats.requests_queued) == (0, 0)


def test_second_connection_is_made_when_the_first_is_full(nghttpd: Nghttpd, pool: Pool) -> None:
    url = f"{nghttpd.narrow}/medium.bin"
    with contextlib.ExitStack() as stack:
        # nghttpd tells its limit only behind our first request.
        pool.request("HEAD", url)
        for number in range(2 * NARROW_STREAMS):
            stack.enter_context(pool.stream("GET", url))
            assert pool.stats().opened == 1 + number // NARROW_STREAMS
        assert pool.stats().active == 2
    assert pool.request("GET", f"{nghttpd.narrow}/small.txt").content == SMALL


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_server_that_was_replaced_between_two_requests(
    start: Start, port: Port, pool: Pool, method: str
) -> None:
    url = f"https://localhost:{port.number}/small.txt"
    content = b"" if method == "GET" else b"not to be sent in vain"
    expected = SMALL if method == "GET" else content
    with start():
        response = pool.request(method, url, content=content)
        assert response.content == expected
    stream = response.extensions["network_stream"]
    wait_until(lambda: bool(stream.get_extra_info("is_readable")), "the connection has ended")
    with start():
        assert pool.request(method, url, content=content).content == expected
    assert (pool.stats().opened, pool.stats().closed) == (2, 1)
