"""Both directions of a stream at once."""

import hashlib

import pytest

from httpcore_interface import ReadTimeout, WriteTimeout

from .._contract import contract
from .._kit import Kit, Pair
from .._peer import InBackground
from .._timing import EARLY
from .writing import TOO_MUCH

BOTH = "a stream may be read while it is written"


class BothDirections(Kit):
    """What a read and a write do to each other: nothing."""

    @contract(BOTH)
    def test_a_read_gets_what_comes_while_a_write_waits(self, pair: Pair) -> None:
        writing = pair.stream.begin_write(TOO_MUCH, None)
        writing.wait_blocked()
        reading = pair.stream.begin_read(100, self.patience)
        reading.wait_blocked()
        pair.peer.send(b"an answer")
        assert reading.result() == b"an answer"
        assert not writing.ends_within(0)

    @contract(BOTH)
    def test_a_write_goes_out_while_a_read_waits(self, pair: Pair) -> None:
        reading = pair.stream.begin_read(100, None)
        reading.wait_blocked()
        pair.stream.write(b"a request", self.patience)
        assert pair.peer.receive(9) == b"a request"
        pair.peer.send(b"x")
        assert reading.result() == b"x"

    @pytest.mark.parametrize("timeout", [0.1, 0])
    @contract("timeout: the seconds of this operation")
    def test_a_read_has_its_own_timeout_beside_a_write(
        self, pair: Pair, timeout: float
    ) -> None:
        writing = pair.stream.begin_write(TOO_MUCH, None)
        writing.wait_blocked()
        reading = pair.stream.begin_read(100, timeout)
        reading.raised(ReadTimeout)
        assert timeout - EARLY <= reading.seconds < timeout + self.patience
        assert not writing.ends_within(0), f"{writing} ended with the read"

    @contract("timeout: the seconds of this operation")
    def test_a_write_has_its_own_timeout_beside_a_read(self, pair: Pair) -> None:
        reading = pair.stream.begin_read(100, None)
        reading.wait_blocked()
        writing = pair.stream.begin_write(TOO_MUCH, 0.1)
        writing.raised(WriteTimeout)
        assert 0.1 - EARLY <= writing.seconds < 0.1 + self.patience
        pair.peer.send(b"for the reader")
        assert reading.result() == b"for the reader"

    @contract(BOTH)
    def test_much_in_both_directions_mixes_nothing_up(self, pair: Pair) -> None:
        upload = bytes(range(251)) * 8000
        download = bytes(reversed(range(251))) * 8000
        arrived = bytearray()

        def receive() -> None:
            arrived.extend(pair.peer.receive(len(upload)))

        with InBackground(lambda: pair.peer.send(download)), InBackground(receive):
            writing = pair.stream.begin_write(upload, self.patience)
            received = pair.stream.read_all(len(download), self.patience)
            writing.result()
        for got, sent in ((received, download), (arrived, upload)):
            assert hashlib.sha256(got).digest() == hashlib.sha256(sent).digest()
