"""Bytes that come: in pieces, at the end, never lost."""

import itertools
import math

from httpcore_interface import ReadError, ReadTimeout

from .._contract import contract
from .._face import BackendFace
from .._kit import Kit, Pair
from .._peer import InBackground
from .._timing import EARLY

MEGABYTE = 1024 * 1024


class Reading(Kit):
    """What `read` does."""

    @contract("read returns 1 to max_bytes bytes, all that the peer sent, in order")
    def test_reads_of_every_size_return_what_was_sent(self, pair: Pair) -> None:
        sent = bytes(range(251)) * 6000
        sizes = itertools.cycle([1, 2, 7, 16384, 16385, 65536, 10 * MEGABYTE])
        received = bytearray()
        with InBackground(lambda: pair.peer.send(sent)):
            while len(received) < len(sent):
                max_bytes = next(sizes)
                octets = pair.stream.read(max_bytes, self.patience)
                assert type(octets) is bytes, f"read returned a {type(octets).__name__}"
                assert 1 <= len(octets) <= max_bytes
                received += octets
        assert received == sent, "what was read is not what was sent"

    @contract("read returns what has come, waiting only while nothing has")
    def test_read_does_not_wait_for_more_than_has_come(self, pair: Pair) -> None:
        pair.peer.send(b"hello")
        assert pair.stream.read(65536, self.patience) == b"hello"

    @contract("timeout: None and infinity wait for ever")
    def test_read_waits_for_what_comes_later(self, pair: Pair) -> None:
        for timeout in (None, math.inf, 1e300, 10):
            operation = pair.stream.begin_read(100, timeout)
            operation.wait_blocked()
            pair.peer.send(b"pong")
            assert operation.result() == b"pong"

    @contract('read returns b"" once the peer has ended the stream')
    def test_the_end_of_the_stream_reads_as_nothing_again_and_again(self, pair: Pair) -> None:
        pair.peer.send(b"bye")
        pair.peer.sock.close()
        assert pair.stream.read_all(3, self.patience) == b"bye"
        for timeout in (self.patience, None, 0):
            assert pair.stream.read(100, timeout) == b""

    @contract('read returns b"" once the peer has ended the stream, also while it waits')
    def test_the_end_of_the_stream_ends_a_read(self, pair: Pair) -> None:
        operation = pair.stream.begin_read(100)
        operation.wait_blocked()
        pair.peer.sock.close()
        assert operation.result() == b""

    @contract("a stream has two directions: when the peer has ended one, the other goes on")
    def test_a_stream_that_the_peer_has_ended_can_be_written(self, plain_pair: Pair) -> None:
        stream, peer = plain_pair
        peer.end()
        assert stream.read(100, self.patience) == b""
        stream.write(b"still here", self.patience)
        assert peer.receive(10) == b"still here"
        assert stream.read(100, self.patience) == b""

    @contract("read raises ReadError when the connection failed, and nothing raw")
    def test_a_reset_is_a_read_error(self, plain_pair: Pair) -> None:
        stream, peer = plain_pair
        operation = stream.begin_read(100, self.patience)
        operation.wait_blocked()
        peer.reset()
        error = operation.raised(ReadError)
        with contract("the cause of an error is chained"):
            assert error.__cause__ is not None, "the ReadError has no __cause__"

    @contract("read raises ReadTimeout when nothing came in time")
    def test_read_times_out(self, pair: Pair) -> None:
        operation = pair.stream.begin_read(100, 0.1)
        operation.raised(ReadTimeout)
        assert 0.1 - EARLY <= operation.seconds < 0.1 + self.patience

    @contract("a read that times out has lost no bytes, and may be tried again")
    def test_a_read_that_timed_out_may_be_tried_again(self, pair: Pair) -> None:
        for _ in range(3):
            pair.stream.begin_read(100, 0.01).raised(ReadTimeout)
            pair.peer.send(b"body")
            assert pair.stream.read_all(4, self.patience) == b"body"
            pair.stream.write(b"fine", self.patience)
            assert pair.peer.receive(4) == b"fine"

    @contract("a read that times out has lost no bytes")
    def test_a_read_that_times_out_just_when_something_comes_loses_nothing(
        self, face: BackendFace, pair: Pair
    ) -> None:
        sent, received = b"abcd", bytearray()
        for octet in sent:
            operation = pair.stream.begin_read(100, 0.03)
            operation.wait_blocked()
            # In an event loop, both are news at the same moment.
            with face.hold_up(0.06):
                pair.peer.send(bytes([octet]))
            outcome = operation.outcome()
            if isinstance(outcome, bytes):
                received += outcome
            else:
                operation.raised(ReadTimeout)
        received += pair.stream.read_all(len(sent) - len(received), self.patience)
        assert received == sent

    @contract("a timeout of 0 or less does only what is possible without waiting")
    def test_without_time_read_does_not_wait(self, pair: Pair) -> None:
        for timeout in (0, 0.0, -1, -math.inf, 0):
            operation = pair.stream.begin_read(100, timeout)
            operation.raised(ReadTimeout)
            assert operation.seconds < self.patience

    @contract("a timeout of 0 or less does what is possible without waiting")
    def test_without_time_read_returns_what_is_there(self, pair: Pair) -> None:
        pair.peer.send(b"now")
        # All three have come when one of them is read.
        assert pair.stream.read(1, self.patience) == b"n"
        assert pair.stream.read(1, 0) == b"o"
        assert pair.stream.read(100, -1) == b"w"
