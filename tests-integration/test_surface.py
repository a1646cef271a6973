"""The public surface beside that of httpcore 1.0.9, which `tools/surface.py` has printed.

Nothing of it may differ but what is listed here, and what is added at the end of parameters,
by keyword and with a default.
"""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
Facts = dict[str, object]
Surface = dict[str, object]

ADDED_NAMES = {"AsyncioBackend", "PoolStats"}

# By what is added: to whom.
ADDED_MEMBERS = {
    ".chain": {"Proxy"},
    ".connection": {"MockStream", "AsyncMockStream"},
    ".create_event": {
        *("NetworkBackend", "SyncBackend", "MockBackend", "AsyncNetworkBackend"),
        *("AsyncMockBackend", "AnyIOBackend", "TrioBackend"),
    },
    ".elapsed": {"MockBackend", "AsyncMockBackend"},
    ".host_field": {"URL"},
    ".interrupt_connect": {"NetworkBackend", "SyncBackend", "MockBackend"},
    ".is_socks": {"Proxy"},
    ".received": {"Response"},
    ".stats": {
        *("ConnectionPool", "HTTPProxy", "SOCKSProxy"),
        *("AsyncConnectionPool", "AsyncHTTPProxy", "AsyncSOCKSProxy"),
    },
    ".unplayed": {"MockBackend", "AsyncMockBackend"},
    ".wait_writable": {
        *("NetworkStream", "MockStream", "AsyncNetworkStream", "AsyncMockStream"),
    },
}

# Constants of how 1.x reads; nothing here would heed them.
MISSING_MEMBERS = {
    ".CONFIG": {"HTTP2Connection", "AsyncHTTP2Connection"},
    ".MAX_INCOMPLETE_EVENT_SIZE": {"HTTP11Connection", "AsyncHTTP11Connection"},
    ".READ_NUM_BYTES": {
        *("HTTP11Connection", "HTTP2Connection"),
        *("AsyncHTTP11Connection", "AsyncHTTP2Connection"),
    },
}

# Parameters that had no default in 1.x, and have one here.
NOW_OPTIONAL = {"MockBackend": "buffer", "AsyncMockBackend": "buffer"}


def surface_of_1_x() -> Surface:
    text = (pathlib.Path(__file__).parent / "surface_1_0_9.json").read_text("utf-8")
    surface: Surface = json.loads(text)
    return surface


@pytest.fixture(scope="module")
def surface() -> Surface:
    """Ours, seen by a process that nothing else has touched."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.surface"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=50,
    )
    ours: Surface = json.loads(done.stdout)
    return ours


def test_names_are_those_of_1_x(surface: Surface) -> None:
    assert set(surface) - set(surface_of_1_x()) == ADDED_NAMES
    assert set(surface_of_1_x()) <= set(surface)


@pytest.mark.parametrize("name", sorted(surface_of_1_x()))
def test_name_is_what_it_was(surface: Surface, name: str) -> None:
    theirs, ours = surface_of_1_x()[name], surface[name]
    if not isinstance(theirs, dict):
        assert ours == theirs
        return
    assert isinstance(ours, dict)
    added = {member for member in ours if member not in theirs}
    assert added == {member for member, names in ADDED_MEMBERS.items() if name in names}
    missing = {member for member in theirs if member not in ours}
    assert missing == {member for member, names in MISSING_MEMBERS.items() if name in names}
    for member in theirs.keys() - missing - {"parameters"}:
        assert ours[member] == theirs[member], member
    if "parameters" in theirs:
        optional = NOW_OPTIONAL.get(name, "")
        wanted = [f"{one}=None" if one == optional else one for one in theirs["parameters"]]
        assert ours["parameters"][: len(wanted)] == wanted
        for more in ours["parameters"][len(wanted) :]:
            assert more.startswith("*, ")
            assert "=" in more
