"""Waiting for room: for callers that may have to read before they can write."""

import math

import pytest

from httpcore_interface import ReadTimeout, WriteError, WriteTimeout

from .._contract import contract
from .._kit import Kit, Pair
from .._operation import Operation
from .._timing import EARLY

# The bytes that a write sends at once when there is room.
_PIECE = 16 * 1024

# How often the system may make room of buffers in between; the peer has to read nothing.
_ROUNDS = 20


class WaitingForRoom(Kit):
    """What `wait_writable` does, where a stream has one of its own."""

    @contract("wait_writable waits until a write can send something")
    def test_a_fresh_stream_has_room(self, pair: Pair) -> None:
        # The default, which never waits, is right here.
        for timeout in (None, math.inf, 10, 0, -1):
            assert pair.stream.wait_writable(timeout) is True

    @contract("wait_writable returns whether a write of 16 kB would return at once")
    def test_where_there_is_room_a_write_need_not_wait(self, pair: Pair) -> None:
        fill(pair)

    @pytest.mark.parametrize("timeout", [0.1, -1])
    @contract("wait_writable raises WriteTimeout when neither was possible in time")
    def test_without_room_the_wait_times_out(self, pair: Pair, timeout: float) -> None:
        for _ in range(_ROUNDS):
            _, operation = begin_wait_without_room(pair, timeout)
            # The system has made room meanwhile; it ends to do so.
            if operation.outcome() is not True:
                break
        operation.raised(WriteTimeout)
        assert max(timeout - EARLY, 0) <= operation.seconds < max(timeout, 0) + self.patience

    @pytest.mark.parametrize("timeout", [None, 10])
    @contract("wait_writable waits until a read can get something, and returns False then")
    def test_the_wait_ends_with_something_to_read(
        self, pair: Pair, timeout: float | None
    ) -> None:
        _, operation = begin_wait_without_room(pair, timeout)
        pair.peer.send(b"an answer")
        for _ in range(_ROUNDS):
            if operation.result() is not True:
                break
            # The system has made room meanwhile.
            fill(pair, has_answer=True)
            operation = pair.stream.begin_wait_writable(timeout)
        assert operation.result() is False
        assert pair.stream.read_all(9, self.patience) == b"an answer"

    @contract("wait_writable waits until a read can get something, and returns False then")
    def test_what_can_be_read_already_is_not_waited_for(self, plain_pair: Pair) -> None:
        stream, peer = plain_pair
        peer.send(b"an answer")
        assert stream.read(2, self.patience) == b"an"
        for _ in range(_ROUNDS):
            fill(plain_pair, has_answer=True)
            # Else the system has made room meanwhile.
            if not (is_writable := stream.wait_writable(0)):
                break
        assert is_writable is False
        assert stream.read(100, 0) == b" answer"

    @pytest.mark.parametrize("timeout", [None, 10])
    @contract("wait_writable waits until a write can send something")
    def test_the_wait_ends_with_room(self, pair: Pair, timeout: float | None) -> None:
        sent, operation = begin_wait_without_room(pair, timeout)
        pair.peer.receive(sent)
        assert operation.result() is True
        pair.stream.write(bytes(_PIECE), 0)
        assert pair.peer.receive(_PIECE) == bytes(_PIECE)

    @contract("wait_writable raises WriteError when the stream was closed on this side")
    def test_closing_ends_the_wait_for_room(self, pair: Pair) -> None:
        # Longer than the system takes to make room.
        _, operation = begin_wait_without_room(pair, None, settled=0.3)
        pair.stream.close()
        operation.raised(WriteError)
        pair.stream.begin_wait_writable(self.patience).raised(WriteError)


def begin_wait_without_room(
    pair: Pair, timeout: float | None, settled: float = 0.02
) -> tuple[int, Operation[bool]]:
    """Begins to wait for room where there is none; returns how many bytes were sent, too.

    The system makes room by and by, of buffers in between: then it begins anew.
    """
    sent = 0
    for _ in range(_ROUNDS):
        sent += fill(pair, settled=settled)
        operation = pair.stream.begin_wait_writable(timeout)
        operation.wait_blocked()
        if not operation.ends_within(0) or operation.outcome() is not True:
            break
    return sent, operation


def fill(pair: Pair, *, has_answer: bool = False, settled: float = 0.02) -> int:
    """Writes until there is no room; returns how many bytes.

    Skips the test for a stream that never waits for room.

    Args:
        pair: The stream, and a peer that reads nothing.
        has_answer: Whether there is something to read.
        settled: For how many seconds there has to be no room.
    """
    stream = pair.stream
    if not stream.waits_for_room():
        pytest.skip("the stream leaves wait_writable to its default, which never waits")
    sent = records = 0
    while sent < 64 * 1024 * 1024:
        for timeout in (0, settled):
            operation = stream.begin_wait_writable(timeout)
            if not isinstance(operation.outcome(), WriteTimeout):
                break
        else:
            return sent
        if operation.result():
            with contract("wait_writable: whether a write of 16 kB would return at once"):
                stream.write(bytes(_PIECE), 0)
            sent += _PIECE
        elif has_answer:
            return sent
        else:
            records += 1
            assert records < _ROUNDS, f"{operation} returns False again and again"
            _take_empty_record(pair, operation)
    raise AssertionError(f"there is still room after {sent} bytes that nobody reads")


def _take_empty_record(pair: Pair, operation: Operation[bool]) -> None:
    """Takes what looked like something to read; as of `is_readable`, only TLS may look so."""
    assert pair.peer.layers, f"{operation} returned False, and there is nothing to read"
    pair.stream.begin_read(1, 0).raised(ReadTimeout)
