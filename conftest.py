"""What holds for the tests of every distribution."""

import gc
import os
import pathlib
import sys
import typing
import warnings
import zlib

import pytest

DESCRIPTORS = pathlib.Path("/proc/self/fd")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--sample`."""
    parser.addoption(
        "--sample",
        choices=["one"],
        help="run one case of each test, which one depends on the Python",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tells those who choose how much they try, when they are imported."""
    if config.getoption("sample"):
        os.environ["SAMPLE_OF_TESTS"] = config.getoption("sample")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out most cases of tests that have many, if that is asked for.

    What is left calls all that the tests ever call: enough to see what another environment
    lacks. Which cases that are does not depend on chance, but on the Python.
    """
    if config.getoption("sample") is None:
        return
    chosen: dict[str, pytest.Item] = {}
    for item in items:
        function = item.nodeid.partition("[")[0]
        chosen[function] = min(item, chosen.get(function, item), key=_lot)
    left = set(chosen.values())
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = [item for item in items if item in left]


def pytest_collection_finish() -> None:
    """Takes the tests themselves out of the collector's sight."""
    _freeze()


def pytest_runtest_logfinish() -> None:
    """Takes out of its sight what pytest keeps of the tests that have run.

    Of each it keeps reports and fixtures. Behind thousands, to look through that would
    take most of the time of all tests that call the collector.
    """
    global _runs
    _runs += 1
    if _runs % _RUNS_TO_FREEZE == 0:
        _freeze()


def _freeze() -> None:
    """Takes all there is out of the collector's sight, for good; only not garbage."""
    gc.collect()
    gc.freeze()


def _lot(item: pytest.Item) -> int:
    return zlib.crc32(f"{sys.version_info.minor} {item.nodeid}".encode())


def _count_open() -> int:
    """How many descriptors are open; 0 where the system does not tell."""
    return len(os.listdir(DESCRIPTORS)) if DESCRIPTORS.exists() else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> typing.Generator[None, None, None]:
    """Notes what is open before a test."""
    item.stash[_OPEN_BEFORE] = _count_open()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> typing.Generator[None, None, None]:
    """Fails a test that left sockets to the garbage collector.

    Else the one to fail is whatever test runs when they are found. That a test leaves
    anything open is rare: so this costs next to nothing.
    """
    yield
    if _count_open() <= item.stash[_OPEN_BEFORE]:
        return
    if isinstance(item, pytest.Function):
        item.funcargs.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ResourceWarning)
        gc.collect()
    left = [str(warning.message) for warning in caught]
    assert not left, f"found by the garbage collector: {', '.join(left)}"


_runs = 0

# Behind how many tests it is worth it.
_RUNS_TO_FREEZE = 50

_OPEN_BEFORE = pytest.StashKey[int]()
