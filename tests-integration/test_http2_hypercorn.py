"""HTTP/2 against hypercorn: requests that wait, time out and are cancelled side by side."""

import json
import ssl

import anyio
import fresh_loops
import http2_servers
import pytest
from cancel_ways import WAYS
from colours import ASYNC_COLOURS, OpenPool, Pool
from http2_servers import Server, assert_quiet
from peers.certificates import Authority
from peers.deadlines import Stopwatch
from peers.hypercorn import Hypercorn
from peers.workers import outcomes_together, run_together

import httpcore

pytestmark = pytest.mark.exhaustive


@pytest.fixture(params=["hypercorn-plain", "hypercorn-tls"])
def server(request: pytest.FixtureRequest) -> Server:
    return http2_servers.find(request)


@pytest.fixture
def pool(server: Server, open_pool: OpenPool, ssl_context: ssl.SSLContext) -> Pool:
    return open_pool(**server.options(ssl_context))


def test_request_arrives_as_it_was_sent(server: Server, pool: Pool) -> None:
    response = pool.request(
        "PATCH",
        f"{server.url}/echo?a=1&b=%20",
        headers=[(b"X-Own", b"1"), (b"Connection", b"keep-alive"), (b"Cookie", b"a=b")],
        content=b"\xe4 body",
    )
    echo = json.loads(response.content)
    assert (echo["method"], echo["path"], echo["query"]) == ("PATCH", "/echo", "a=1&b=%20")
    assert echo["body"] == "\xe4 body"
    assert ["x-own", "1"] in echo["headers"]
    assert ["cookie", "a=b"] in echo["headers"]
    assert "connection" not in dict(echo["headers"])


def test_statuses(server: Server, pool: Pool) -> None:
    for status in (200, 204, 304, 404, 503):
        response = pool.request("GET", f"{server.url}/status/{status}")
        assert (response.status, response.content) == (status, b"")
    assert_quiet(pool)


def test_requests_that_wait_together(server: Server, pool: Pool) -> None:
    def get(_number: int) -> int:
        return pool.request("GET", f"{server.url}/delay/1000").status

    watch = Stopwatch()
    assert run_together(50, get) == [200] * 50
    # One after the other they would take 50 seconds.
    assert watch.seconds < 25
    assert_quiet(pool)


def test_body_that_comes_back_while_it_is_sent(server: Server, pool: Pool) -> None:
    pieces = [b"%d" % number * 10_000 for number in range(50)]
    response = pool.request("POST", f"{server.url}/mirror", content=iter(pieces))
    is_equal = response.content == b"".join(pieces)
    assert is_equal
    assert_quiet(pool)


def test_timeout_leaves_the_connection_usable(server: Server, pool: Pool) -> None:
    pool.request("GET", server.small_url)
    for _ in range(5):
        with pytest.raises(httpcore.ReadTimeout):
            pool.request(
                "GET", f"{server.url}/delay/5000", extensions={"timeout": {"read": 0.05}}
            )
    assert pool.request("GET", server.small_url).content == server.small
    assert_quiet(pool)


def test_timeouts_are_nobody_elses(server: Server, pool: Pool) -> None:
    def get(number: int) -> int:
        extensions = {"timeout": {"read": 0.1 if number % 2 else 30.0}}
        target = "/delay/5000" if number % 2 else "/delay/500"
        return pool.request("GET", server.url + target, extensions=extensions).status

    pool.request("GET", server.small_url)
    outcomes = outcomes_together(20, get)
    assert outcomes[::2] == [200] * 10
    assert {type(outcome) for outcome in outcomes[1::2]} == {httpcore.ReadTimeout}
    assert_quiet(pool)


@pytest.mark.parametrize("way_of", ["plain", "tls"])
@pytest.mark.parametrize(
    ("name", "way"),
    [(name, way) for name, colour in ASYNC_COLOURS.items() for way in WAYS[colour.library]],
)
def test_cancelled_request_among_twenty(
    hypercorn: Hypercorn, authority: Authority, way_of: str, name: str, way: str
) -> None:
    colour = ASYNC_COLOURS[name]
    url = hypercorn.plain if way_of == "plain" else hypercorn.tls
    statuses: list[int] = []

    async def get(pool: httpcore.AsyncConnectionPool) -> None:
        statuses.append((await pool.request("GET", f"{url}/delay/500")).status)

    async def main() -> None:
        async with httpcore.AsyncConnectionPool(
            ssl_context=authority.client_context(),
            network_backend=colour.make_backend(),
            http1=way_of == "tls",
            http2=True,
        ) as pool:
            await pool.request("GET", f"{url}/bytes/1")
            async with anyio.create_task_group() as tasks:
                for _ in range(19):
                    tasks.start_soon(get, pool)
                is_cancelled = await WAYS[colour.library][way](
                    lambda: pool.request("GET", f"{url}/delay/30000"),
                    lambda: fresh_loops.wait_until(
                        lambda: pool.stats().requests_active == 20, "all have begun"
                    ),
                )
            assert is_cancelled
            assert statuses == [200] * 19
            assert (await pool.request("GET", f"{url}/bytes/3")).content == b"xxx"
            stats = pool.stats()
            assert (stats.opened, stats.idle, stats.requests_active) == (1, 1, 0)

    fresh_loops.run(colour.library, main)
