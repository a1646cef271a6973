"""The fixtures of every test of `_core`: a network in memory, and a driver."""

import collections.abc
import pathlib
import sys

import pytest

# pytest's importlib mode leaves the import path alone; the modules that tests
# share stand beside this file.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from driving import Driver
from scripted import Network
from virtual_clock import Clock


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> collections.abc.Iterator[Network]:
    network = Network()
    network.clock.install(monkeypatch)
    yield network
    network.check()


@pytest.fixture
def clock(network: Network) -> Clock:
    return network.clock


# One class for each colour: what a scenario asks of it stays the same.
@pytest.fixture(params=[Driver], ids=["blocking"])
def driver(
    request: pytest.FixtureRequest, network: Network
) -> collections.abc.Iterator[Driver]:
    driver: Driver = request.param(network)
    yield driver
    driver.close()
    assert not network.open_connections
