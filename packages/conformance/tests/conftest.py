"""What all tests of the kit need: each other's modules, and an end to what they break."""

import collections.abc
import gc
import pathlib
import sys
import threading
import time
import warnings

import pytest

# pytest's importlib mode does not make the modules that tests share importable.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from running_inside import RunInside
from small_blocking import start_loop

from httpcore_conformance._sockets import open_sockets

# Seconds for calls that hung, and were given up, to notice that their peer has gone.
PATIENCE = 5.0


@pytest.fixture(autouse=True)
def end_what_is_left() -> collections.abc.Iterator[None]:
    """Leaves nothing of broken backends for the tests of others to stumble over."""
    start_loop()
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    ends_at = time.monotonic() + PATIENCE
    for thread in set(threading.enumerate()) - threads:
        # Others belong to an executor, and wait for more to do.
        if thread.daemon:
            thread.join(max(0.0, ends_at - time.monotonic()))
    with warnings.catch_warnings():
        # They leak on purpose.
        warnings.simplefilter("ignore")
        gc.collect()
    assert open_sockets() <= sockets


@pytest.fixture
def run_inside(
    end_what_is_left: None, pytester: pytest.Pytester
) -> collections.abc.Iterator[RunInside]:
    """Runs tests within this one, whatever they break."""
    run_inside = RunInside(pytester)
    yield run_inside
    run_inside.forget()
