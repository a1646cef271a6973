"""A storm over HTTP/2, whose requests share connections, and what is left of it.

On every backend.
"""

import pytest
from colours import ASYNC_COLOURS
from peers.certificates import Authority
from peers.starting import StartPeer
from storming import Storm, storm_with_tasks, storm_with_threads
from storms_http2 import HTTP2StormServer

SIZES = pytest.mark.parametrize(
    "size",
    [
        300,
        pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)


@pytest.fixture
def storm(size: int, start_peer: StartPeer, authority: Authority) -> Storm:
    return Storm(size, start_peer, authority, HTTP2StormServer, is_http2=True)


@SIZES
@pytest.mark.parametrize("name", ASYNC_COLOURS)
def test_storm_of_tasks_over_http2(storm: Storm, name: str) -> None:
    storm_with_tasks(storm, name)


@SIZES
def test_storm_of_threads_over_http2(storm: Storm) -> None:
    storm_with_threads(storm)
