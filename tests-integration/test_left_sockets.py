"""A test that leaves a socket to the garbage collector fails, and not one after it."""

import pathlib

import pytest

CONFTEST = pathlib.Path(__file__).parents[1] / "conftest.py"

pytest_plugins = ["pytester"]

TESTS = """
import socket


def test_that_leaves_nothing():
    socket.socket().close()


def test_that_leaves_a_socket():
    cycle = [socket.socket()]
    cycle.append(cycle)


def test_that_comes_after_it():
    pass
"""


@pytest.mark.filterwarnings("default")
def test_who_left_a_socket_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text("utf-8"))
    pytester.makepyfile(TESTS)
    without = [f"-pno:{name}" for name in ("randomly", "cacheprovider", "xdist")]
    run = pytester.inline_run(*without)
    passed, skipped, failed = run.listoutcomes()
    assert not skipped
    names = [report.nodeid.rpartition("_")[2] for report in passed]
    assert names == ["nothing", "socket", "it"]
    (report,) = failed
    assert report.nodeid.endswith("test_that_leaves_a_socket")
    assert report.when == "teardown"
    assert "unclosed <socket.socket" in str(report.longrepr)
    run.clear()
