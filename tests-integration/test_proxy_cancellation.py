"""Requests through proxies that are cancelled, at every stage and in every way.

As in test_cancellation.py: at once afterwards the books of the pool are clean, and the
connection is closed by the request itself; and the next request finds a place.
"""

import fresh_loops
import pytest
from cancel_ways import WAYS
from cancelled_stages import answers, assert_clean, get, trusting_nobody
from colours import ASYNC_COLOURS
from open_sockets import open_sockets
from peers.certificates import Authority
from peers.starting import StartPeer
from stalled_proxies import STEPS, StalledProxy

import httpcore

pytestmark = pytest.mark.exhaustive

each_way = pytest.mark.parametrize(
    ("name", "way"),
    [(name, way) for name, colour in ASYNC_COLOURS.items() for way in WAYS[colour.library]],
)

SOON = {"timeout": {"connect": 5.0, "read": 5.0, "pool": 5.0}}


@pytest.mark.usefixtures("collector_waits")
@each_way
@pytest.mark.parametrize("kind", STEPS)
def test_cancelled_request_leaves_nothing(
    start_peer: StartPeer, authority: Authority, kind: str, name: str, way: str
) -> None:
    origin, colour = start_peer(answers), ASYNC_COLOURS[name]

    async def cancel(stalled: StalledProxy) -> None:
        before = open_sockets()
        async with httpcore.AsyncConnectionPool(
            proxy=stalled.proxy,
            ssl_context=trusting_nobody(),
            network_backend=colour.make_backend(),
            max_connections=1,
        ) as pool:
            is_cancelled = await WAYS[colour.library][way](
                lambda: get(pool, stalled.url(origin.port)),
                lambda: fresh_loops.wait_until(stalled.reached.is_set, stalled.stage),
            )
            assert is_cancelled, stalled.stage
            assert_clean(pool)
            assert pool.connections == []
            await fresh_loops.wait_until(
                lambda: stalled.peer.open_ends == 0, "the proxy notices"
            )
            await fresh_loops.wait_until(
                lambda: not open_sockets() - before, "the socket is closed"
            )
            response = await pool.request("GET", origin.url(), extensions=SOON)
            assert response.content == b"ok"

    async def main() -> None:
        for stage in STEPS[kind]:
            await cancel(StalledProxy(start_peer, authority, kind, stage))

    fresh_loops.run(colour.library, main)
