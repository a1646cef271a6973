"""Bytes that go: all of them, or an exception."""

import array
import hashlib
import math
import socket
import tracemalloc

import pytest

from httpcore_interface import WriteError, WriteTimeout

from .._contract import contract
from .._face import BackendFace
from .._kit import Kit, Pair
from .._peer import InBackground, Listener
from .._timing import EARLY

MEGABYTE = 1024 * 1024

TOO_MUCH = bytes(64 * MEGABYTE)
"""More than any system takes while the peer reads nothing."""

AFTER_AN_EXCEPTION = (
    "after an exception of write the stream is good for reading and closing only"
)


class Writing(Kit):
    """What `write` does."""

    @contract("write sends all of the buffer, in order")
    def test_writes_arrive_in_order(self, pair: Pair) -> None:
        for timeout in (None, math.inf, 10, 0, 1e300, None):
            for word in (b"one", b"two", b"three"):
                pair.stream.write(word, timeout)
        assert pair.peer.receive(66) == b"onetwothree" * 6

    @pytest.mark.parametrize("timeout", [None, 10])
    @contract("write sends all of the buffer, or raises")
    def test_write_sends_all_of_a_large_buffer_to_a_slow_reader(
        self, pair: Pair, timeout: float | None
    ) -> None:
        # No two pieces of it are the same, whatever their size.
        body = bytes(range(251)) * (6 * MEGABYTE // 251)
        received = hashlib.sha256()
        with pair.stream.begin_write(body, timeout) as operation:
            operation.wait_blocked()
            for start in range(0, len(body), 65536):
                received.update(pair.peer.receive(min(65536, len(body) - start)))
        assert received.digest() == hashlib.sha256(body).digest(), "other bytes have arrived"

    @pytest.mark.parametrize("size", [12, MEGABYTE * 3 // 2], ids=["small", "large"])
    @pytest.mark.parametrize("kind", ["bytearray", "slice", "items", "shape", "array"])
    @contract("the buffer is any bytes-like object")
    def test_any_buffer_can_be_written(self, plain_pair: Pair, kind: str, size: int) -> None:
        octets = bytes(range(1, 13)) * (size // 12)
        view = memoryview(octets)
        buffer: object = {
            "bytearray": bytearray(octets),
            "slice": memoryview(b"--" + octets + b"--")[2:-2],
            "items": view.cast("I"),
            "shape": view.cast("B", (2, size // 2)),
            "array": array.array("I", octets),
        }[kind]
        # The annotation says bytes, the contract says more.
        operation = plain_pair.stream.begin_write(buffer, self.patience)  # type: ignore[arg-type]
        with operation:
            assert plain_pair.peer.receive(size) == octets

    @pytest.mark.parametrize("kind", ["bytearray", "items"])
    @contract("the buffer is any bytes-like object")
    def test_any_buffer_can_be_encrypted(self, tls_pair: Pair, kind: str) -> None:
        octets = bytes(range(1, 13)) * 20_000
        buffer = bytearray(octets) if kind == "bytearray" else memoryview(octets).cast("I")
        # As above.
        operation = tls_pair.stream.begin_write(buffer, self.patience)  # type: ignore[arg-type]
        with operation:
            assert tls_pair.peer.receive(len(octets)) == octets

    @contract("timeout: infinity waits for ever")
    def test_a_write_without_a_deadline_waits(self, plain_pair: Pair) -> None:
        for timeout in (math.inf, 1e300):
            with plain_pair.stream.begin_write(bytes(6 * MEGABYTE), timeout) as operation:
                operation.wait_blocked()
                assert plain_pair.peer.receive(6 * MEGABYTE) == bytes(6 * MEGABYTE)

    @contract("write sends all of the buffer: nothing, if it is empty")
    def test_nothing_can_be_written(self, pair: Pair) -> None:
        for timeout in (None, 10, 0):
            pair.stream.write(b"", timeout)
        pair.stream.write(b"after", self.patience)
        assert pair.peer.receive(5) == b"after"

    @contract("the buffer is not copied as a whole")
    def test_a_large_buffer_is_not_copied_as_a_whole(self, pair: Pair) -> None:
        body = bytes(16 * MEGABYTE)
        target = bytearray(65536)

        def drop() -> None:
            received = 0
            while received < len(body):
                received += pair.peer.sock.recv_into(target) or len(body)

        tracemalloc.start()
        try:
            with InBackground(drop):
                pair.stream.write(body, self.patience)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < len(body) // 2, f"it took {peak} bytes to write {len(body)}"

    @contract("write raises WriteTimeout when the peer took nothing for `timeout` seconds")
    def test_write_times_out_when_the_peer_takes_nothing(self, pair: Pair) -> None:
        operation = pair.stream.begin_write(TOO_MUCH, 0.1)
        operation.raised(WriteTimeout)
        assert 0.1 - EARLY <= operation.seconds < 0.1 + self.patience

    @pytest.mark.parametrize("timeout", [0, -math.inf])
    @contract("a timeout of 0 or less does only what is possible without waiting")
    def test_without_time_write_sends_only_what_fits(self, pair: Pair, timeout: float) -> None:
        pair.stream.write(b"fits", timeout)
        assert pair.peer.receive(4) == b"fits"
        operation = pair.stream.begin_write(TOO_MUCH, timeout)
        operation.raised(WriteTimeout)
        assert operation.seconds < self.patience

    @contract("each time that the peer takes more bytes, the timeout begins anew")
    def test_the_timeout_begins_anew_whenever_the_peer_takes_some(
        self, face: BackendFace, listener: Listener
    ) -> None:
        # Small buffers, so that a slow peer is soon noticed.
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        options = [(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)]
        for timeout in (0.5, 0.5, 1, 2):
            stream = face.connect_tcp(listener.address, self.patience, None, options)
            peer = listener.accept()
            operation = stream.begin_write(bytes(4 * MEGABYTE), timeout)
            for _ in range(16):
                # A slow peer, not a wait for something.
                if operation.ends_within(timeout / 8):
                    break
                peer.receive(4 * MEGABYTE // 16)
            # It is not to blame for a machine that was held up for longer than that.
            if not isinstance(operation.outcome(), WriteTimeout):
                break
        operation.result()
        assert operation.seconds > timeout, "this check needs smaller buffers than there are"

    @contract(AFTER_AN_EXCEPTION)
    def test_after_a_failed_write_the_stream_can_be_read(self, pair: Pair) -> None:
        pair.stream.begin_write(TOO_MUCH, 0.02).raised(WriteTimeout)
        pair.peer.send(b"413 Content Too Large")
        assert pair.stream.read_all(21, self.patience) == b"413 Content Too Large"

    @contract(AFTER_AN_EXCEPTION)
    def test_after_a_failed_write_the_stream_refuses_to_write(self, pair: Pair) -> None:
        pair.stream.begin_write(TOO_MUCH, 0.02).raised(WriteTimeout)
        for timeout in (0, self.patience, None):
            pair.stream.begin_write(b"more", timeout).raised(WriteError)

    @contract("write raises WriteError when the connection failed, and nothing raw")
    def test_a_reset_is_a_write_error(self, plain_pair: Pair) -> None:
        stream, peer = plain_pair
        operation = stream.begin_write(TOO_MUCH, self.patience)
        operation.wait_blocked()
        peer.reset()
        error = operation.raised(WriteError)
        with contract("the cause of an error is chained"):
            assert error.__cause__ is not None, "the WriteError has no __cause__"

    @contract("write raises WriteError when the connection failed, and nothing raw")
    def test_a_peer_that_is_gone_is_a_write_error(self, pair: Pair) -> None:
        operation = pair.stream.begin_write(TOO_MUCH, self.patience)
        operation.wait_blocked()
        pair.peer.sock.close()
        operation.raised(WriteError)
