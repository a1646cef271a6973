"""Pauses and events: what a backend supplies for waiting, by itself or by default."""

import math

import pytest

from .._contract import contract
from .._face import BackendFace
from .._kit import Kit
from .._timing import EARLY


class Pausing(Kit):
    """What `sleep` and `create_event` do."""

    @contract("sleep waits")
    def test_a_pause_takes_its_time(self, face: BackendFace) -> None:
        operation = face.begin_sleep(0.1)
        operation.result()
        assert 0.1 - EARLY <= operation.seconds < 0.1 + self.patience

    @contract("set wakes whoever waits")
    @pytest.mark.parametrize("timeout", [None, math.inf, 10])
    def test_an_event_wakes_whoever_waits(
        self, face: BackendFace, timeout: float | None
    ) -> None:
        event = face.create_event()
        waiting = [face.begin_wait(event, timeout) for _ in range(2)]
        for operation in waiting:
            operation.wait_blocked()
        assert not any(operation.ends_within(0) for operation in waiting)
        # In another thread than theirs, as finalisers do.
        event.set()
        assert [operation.result() for operation in waiting] == [True, True]

    @contract("a one-shot event is set once and stays so: set wakes whoever waits later, too")
    def test_an_event_stays_set(self, face: BackendFace) -> None:
        event = face.create_event()
        face.set_event(event)
        face.set_event(event)
        for timeout in (None, self.patience, 0, -1):
            assert face.begin_wait(event, timeout).result() is True

    @pytest.mark.parametrize("timeout", [0.1, 0, -1])
    @contract("wait returns whether the event is set, after `timeout` seconds at most")
    def test_an_event_that_is_not_set_is_waited_for_in_vain(
        self, face: BackendFace, timeout: float
    ) -> None:
        event = face.create_event()
        operation = face.begin_wait(event, timeout)
        assert operation.result() is False
        shortest = max(timeout, 0)
        assert shortest - EARLY <= operation.seconds < shortest + self.patience

    @contract("create_event returns a fresh one-shot event")
    def test_events_are_fresh(self, face: BackendFace) -> None:
        first, second = face.create_event(), face.create_event()
        face.set_event(first)
        assert face.begin_wait(second, 0).result() is False
