"""Fixtures: mocks of every colour, behind one face."""

import pathlib
import ssl
import sys

import pytest

# pytest's importlib mode leaves the import path alone; the module that tests share
# stands beside this file.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from mock_faces import COLOURS, Mocks


@pytest.fixture(params=COLOURS)
def mocks(request: pytest.FixtureRequest) -> Mocks:
    """Makes mocked backends and streams, in every colour."""
    return COLOURS[request.param]


@pytest.fixture
def ssl_context() -> ssl.SSLContext:
    # Not the default one, which takes its time to load the authorities of the system.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
