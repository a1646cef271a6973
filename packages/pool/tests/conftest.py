"""The fixtures of every test of `_core`: a network in memory, and a driver.

A test that asks for `way`, too, is run in every way in which a call can be cancelled.
A test that asks for `driver` is run in every colour. One that makes sense in some of
them says so, and why: `@pytest.mark.colours("blocking", reason="...")`.
"""

import collections.abc
import pathlib
import sys

import pytest

# pytest's importlib mode leaves the import path alone; the modules that tests
# share stand beside this file.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from cancelling import WAYS
from driving import Driver
from driving_async import AsyncDriver
from driving_blocking import BlockingDriver
from event_loops import AsyncioLoop, Loop, TrioLoop
from scripted import Network
from virtual_clock import Clock

COLOURS = ("blocking", "asyncio", "trio")

# Of the ways to cancel, those in which everything is cancelled everywhere by default: each
# library's own, and anyio's. The others differ in who asks for it, and are left to the soak.
SHORT = ("task", "scope", "anyio")

# The colour in which a fault at every moment is left to the soak: the two others go through
# the same code above the backend, and one of them is async as well.
RARE = "trio"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "colours(*names, reason): the colours in which the test makes sense"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow and not config.option.markexpr:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "way" in metafunc.fixturenames:
        is_exhaustive = metafunc.definition.get_closest_marker("exhaustive") is not None
        metafunc.parametrize(
            ("driver", "way"),
            [
                pytest.param(
                    colour,
                    way,
                    id=f"{colour}-{name}",
                    marks=[pytest.mark.slow] if is_exhaustive and name not in SHORT else [],
                )
                for colour, ways in WAYS.items()
                for name, way in ways.items()
            ],
            indirect=["driver"],
        )
        return
    if "driver" not in metafunc.fixturenames:
        return
    colours: tuple[str, ...] = COLOURS
    mark = metafunc.definition.get_closest_marker("colours")
    if mark is not None:
        colours = mark.args
        assert set(colours) < set(COLOURS)
        assert mark.kwargs["reason"]
    is_exhaustive = metafunc.definition.get_closest_marker("exhaustive") is not None
    metafunc.parametrize(
        "driver",
        [
            pytest.param(
                colour, marks=[pytest.mark.slow] if is_exhaustive and colour == RARE else []
            )
            for colour in colours
        ],
        indirect=True,
    )


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> collections.abc.Iterator[Network]:
    network = Network()
    network.clock.install(monkeypatch)
    yield network
    network.check()


@pytest.fixture
def clock(network: Network) -> Clock:
    return network.clock


@pytest.fixture(scope="session")
def asyncio_loop() -> collections.abc.Iterator[Loop]:
    loop = AsyncioLoop()
    yield loop
    loop.stop()


@pytest.fixture(scope="session")
def trio_loop() -> collections.abc.Iterator[Loop]:
    loop = TrioLoop()
    yield loop
    loop.stop()


@pytest.fixture
def driver(
    request: pytest.FixtureRequest, network: Network
) -> collections.abc.Iterator[Driver]:
    driver: Driver
    if request.param == "blocking":
        driver = BlockingDriver(network)
    else:
        driver = AsyncDriver(network, request.getfixturevalue(f"{request.param}_loop"))
    yield driver
    driver.close()
    if isinstance(driver, AsyncDriver):
        assert driver.loop.take_complaints() == []
    assert not network.open_connections
