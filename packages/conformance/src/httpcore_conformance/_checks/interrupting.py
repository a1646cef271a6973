"""Connects that another thread ends: blocking backends only."""

import threading
import time

import pytest

from httpcore_interface import ConnectError, NetworkBackend

from .._blackhole import Blackhole
from .._contract import contract
from .._face import BackendFace
from .._kit import Kit


class Interrupting(Kit):
    """What `interrupt_connect` does, where a backend has one of its own."""

    @pytest.mark.parametrize("timeout", [None, 30.0])
    @contract("interrupt_connect ends the connect that another thread is blocked in, at once")
    def test_interrupting_a_connect_ends_it(
        self, face: BackendFace, blackhole: Blackhole, timeout: float | None
    ) -> None:
        backend = self.interruptible(face)
        sockets = self.sockets()
        threads: list[int] = []

        def connect() -> object:
            threads.append(threading.get_ident())
            host, port = blackhole.address
            return backend.connect_tcp(host, port, timeout)

        operation = face.begin("connect_tcp, interrupted", connect)
        operation.wait_blocked()
        end = time.monotonic() + self.patience
        while not backend.interrupt_connect(threads[0]):
            assert time.monotonic() < end, "it finds no connect to interrupt"
        error = operation.raised(ConnectError)
        with contract("a connect that fails, times out or is cancelled leaves no socket open"):
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @contract("interrupt_connect returns False for a thread that is in no connect")
    def test_where_there_is_no_connect_there_is_nothing_to_interrupt(
        self, face: BackendFace
    ) -> None:
        assert self.interruptible(face).interrupt_connect(threading.get_ident()) is False

    def interruptible(self, face: BackendFace) -> NetworkBackend:
        """Returns the backend; skips the test if its connects cannot be interrupted."""
        assert isinstance(face.raw, NetworkBackend)
        if type(face.raw).interrupt_connect is NetworkBackend.interrupt_connect:
            pytest.skip("the backend leaves interrupt_connect to its default: it does nothing")
        return face.raw
