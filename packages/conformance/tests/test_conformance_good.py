"""The kit passes a good blocking backend, and one that waits for room."""

import pytest
from breaking import Wrapping
from broken_room import Waiting
from small_blocking import SmallBackend

import httpcore_conformance


@pytest.mark.exhaustive
class TestSmallBlocking(httpcore_conformance.BackendConformance):
    @pytest.fixture
    def backend(self) -> SmallBackend:
        return SmallBackend()


class TestRoom(httpcore_conformance.AsyncBackendConformance):
    @pytest.fixture
    def backend(self) -> Wrapping:
        return Wrapping(Waiting)


for name in dir(TestRoom):
    if name.startswith("test_") and "room" not in name and "wait" not in name:
        setattr(TestRoom, name, None)
