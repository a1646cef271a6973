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

# Seconds for calls that hung, and were given up, to notice that their peer has gone.
PATIENCE = 5.0


@pytest.fixture(autouse=True)
def end_what_is_left() -> collections.abc.Iterator[None]:
    """Leaves nothing of broken backends for the tests of others to stumble over."""
    before = set(threading.enumerate())
    yield
    ends_at = time.monotonic() + PATIENCE
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, ends_at - time.monotonic()))
    with warnings.catch_warnings():
        # They leak on purpose.
        warnings.simplefilter("ignore")
        gc.collect()
