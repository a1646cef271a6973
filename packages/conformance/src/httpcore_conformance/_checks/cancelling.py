"""Cancellation: of each operation, at each of its suspensions."""

import collections.abc
import contextlib
import functools
import socket
import ssl
import tempfile

import pytest

from httpcore_interface import (
    AsyncNetworkBackend,
    AsyncNetworkStream,
    WriteError,
    WriteTimeout,
)

from .._blackhole import Blackhole
from .._cancellation import CancelledCall, Canceller, Moment
from .._certificates import HOSTNAME, authority
from .._contract import contract
from .._face import BackendFace, StreamFace
from .._kit import Kit, Pair
from .._peer import Listener
from .._resolver import NAME, Resolver
from .._runner import AsyncRunner
from .connecting import LEAVES_NOTHING
from .handshaking import HAS_CLOSED
from .room import fill
from .writing import TOO_MUCH

MOMENTS = pytest.mark.parametrize(
    ("moment", "timeout"),
    [
        (Moment.WAITING, None),
        (Moment.WAITING, 30),
        (Moment.LATE, None),
        (Moment.LATE, 30),
        (Moment.AGAIN, 30),
    ],
    ids=["waiting, for ever", "waiting", "late, for ever", "late", "again"],
)
TIMEOUTS = pytest.mark.parametrize("timeout", [None, 30])

IS_CANCELLED = "an operation may be cancelled by whatever the event loop knows"
LOSES_NOTHING = "cancelling a read loses no bytes"

# More suspensions than any sane operation has.
_MOST = 100


class Cancelling(Kit):
    """What a cancellation does to each operation."""

    @pytest.fixture
    def canceller(self, patient_runner: AsyncRunner) -> Canceller:
        """Cancels what runs in the event loop."""
        return Canceller(patient_runner)

    @MOMENTS
    @pytest.mark.parametrize("way", ["address", "name", "two addresses"])
    @contract(LEAVES_NOTHING)
    def test_a_cancelled_connect_leaves_no_socket_open(
        self,
        face: BackendFace,
        canceller: Canceller,
        request: pytest.FixtureRequest,
        listener: Listener,
        way: str,
        timeout: float | None,
        moment: Moment,
    ) -> None:
        host, port = listener.address
        if way != "address":
            resolver: Resolver = request.getfixturevalue("resolver")
            resolver.addresses = [listener.address] * (2 if way == "two addresses" else 1)
            host = NAME
        sockets = self.sockets()
        for at in range(_MOST):
            record = canceller.cancel_at(
                at,
                moment,
                f"connect_tcp({host!r}, ...)",
                lambda: _backend(face).connect_tcp(host, port, timeout),
            )
            for stream in record.results:
                # Nobody cancelled it in time.
                face.keep(stream).close()
            for peer in listener.accept_all():
                peer.close()
            assert sockets.count_new() == 0, (
                f"there is another socket after {at} suspensions and {record.raised}"
            )
            if record.suspensions < at:
                return
        raise AssertionError(f"connect_tcp is suspended more than {_MOST} times")

    @contract(LEAVES_NOTHING)
    def test_a_cancelled_wait_for_a_connect_leaves_no_socket_open(
        self, face: BackendFace, canceller: Canceller, blackhole: Blackhole
    ) -> None:
        sockets = self.sockets()
        host, port = blackhole.address
        record = canceller.cancel_waiting(
            "connect_tcp", lambda: _backend(face).connect_tcp(host, port, 30)
        )
        with contract(IS_CANCELLED):
            assert record.was_cancelled, f"it raised {record.raised}"
        assert sockets.count_new() == 0, "there is another socket"

    @contract(LEAVES_NOTHING)
    def test_a_cancelled_connect_to_a_unix_server_leaves_no_socket_open(
        self, face: BackendFace, canceller: Canceller
    ) -> None:
        if self.without_unix_sockets is not None:
            pytest.skip(self.without_unix_sockets)
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            with contextlib.closing(Blackhole(socket.AF_UNIX, path)):
                sockets = self.sockets()
                for at in range(4):
                    record = canceller.cancel_at(
                        at,
                        Moment.WAITING,
                        "connect_unix_socket",
                        lambda: _backend(face).connect_unix_socket(path, 30),
                    )
                    with contract(IS_CANCELLED):
                        assert record.was_cancelled, f"it raised {record.raised}"
                    assert sockets.count_new() == 0, "there is another socket"

    @MOMENTS
    @pytest.mark.parametrize("layers", [1, 2], ids=["tls", "tls in tls"])
    @contract(HAS_CLOSED)
    def test_a_cancelled_handshake_has_closed_the_connection(
        self,
        face: BackendFace,
        canceller: Canceller,
        listener: Listener,
        layers: int,
        timeout: float | None,
        moment: Moment,
    ) -> None:
        self.need_tls(layers)
        for at in range(_MOST):
            stream = face.connect_tcp(listener.address, self.patience)
            pair = self.wrap(face, Pair(stream, listener.accept()), layers - 1)
            watched = self.watch_socket(pair.peer)
            call = self.begin_handshake(canceller, pair, at, moment, timeout)
            if at > 1 or moment is Moment.LATE:
                # Not before, or its answer might be here at once, and nothing suspended.
                pair.peer.terminate_tls(authority().server_context)
            record = call.result()
            pair.peer.close()
            if record.results:
                face.keep(record.results[0]).close()
                if record.suspensions < at:
                    return
            else:
                assert watched.is_closed(), (
                    f"the socket is still open after {at} suspensions and {record.raised}"
                )
        raise AssertionError(f"start_tls is suspended more than {_MOST} times")

    def begin_handshake(
        self,
        canceller: Canceller,
        pair: Pair,
        at: int,
        moment: Moment,
        timeout: float | None,
    ) -> CancelledCall[AsyncNetworkStream]:
        """Begins a handshake that is cancelled."""
        context = authority().make_client_context()
        stream = _stream(pair.stream)
        call = canceller.begin(
            "start_tls", lambda: stream.start_tls(context, HOSTNAME, timeout), at, moment
        )
        call.wait_blocked()
        return call

    @MOMENTS
    @contract(LOSES_NOTHING)
    def test_a_cancelled_read_has_lost_no_bytes(
        self, pair: Pair, canceller: Canceller, timeout: float | None, moment: Moment
    ) -> None:
        stream = _stream(pair.stream)
        sent = bytes(range(240))
        received = bytearray()
        for number, start in enumerate(range(0, len(sent), 4)):
            # Something comes while the read is there to be cancelled, or before it.
            at, is_early = number % 3, number % 2 == 0
            piece = sent[start : start + 4]
            if is_early:
                pair.peer.send(piece)
            call = canceller.begin("read", lambda: stream.read(3, timeout), at, moment)
            if not is_early:
                pair.peer.send(piece)
            record = call.result()
            received += b"".join(record.results)
            with contract(IS_CANCELLED):
                assert record.was_cancelled or record.results, f"it raised {record.raised}"
        while len(received) < len(sent):
            received += pair.stream.read(100, self.patience)
        assert received == sent, "what was read is not what was sent"

    @TIMEOUTS
    @contract(LOSES_NOTHING)
    def test_a_read_that_is_cancelled_just_when_something_comes_loses_nothing(
        self, pair: Pair, canceller: Canceller, timeout: float | None
    ) -> None:
        stream = _stream(pair.stream)
        sent, received = bytes(range(10)), bytearray()
        for octet in sent:
            piece = bytes([octet])
            call = canceller.begin("read", lambda: stream.read(100, timeout))
            call.wait_blocked()
            record = call.cancel(meanwhile=functools.partial(pair.peer.send, piece))
            received += b"".join(record.results)
        received += pair.stream.read_all(len(sent) - len(received), self.patience)
        assert received == sent

    @contract(IS_CANCELLED)
    def test_a_cancelled_read_leaves_the_stream_alone(
        self, pair: Pair, canceller: Canceller
    ) -> None:
        stream = _stream(pair.stream)
        for _ in range(2):
            record = canceller.cancel_waiting("read", lambda: stream.read(100, None))
            assert record.was_cancelled, f"it raised {record.raised}"
        pair.stream.write(b"fine", self.patience)
        assert pair.peer.receive(4) == b"fine"
        pair.peer.send(b"here")
        assert pair.stream.read_all(4, self.patience) == b"here"

    @TIMEOUTS
    @contract("after a cancelled write, every later write raises WriteError")
    def test_after_a_cancelled_write_the_stream_refuses_to_write(
        self, pair: Pair, canceller: Canceller, timeout: float | None
    ) -> None:
        stream = _stream(pair.stream)
        call = canceller.begin("write", lambda: stream.write(TOO_MUCH, timeout))
        pair.peer.receive(1024)
        record = call.cancel()
        with contract(IS_CANCELLED):
            assert record.was_cancelled, f"it raised {record.raised}"
        for later in (0, self.patience, None):
            pair.stream.begin_write(b"more", later).raised(WriteError)
        with contract("a stream whose write was cancelled is good for reading"):
            pair.peer.send(b"can be read")
            assert pair.stream.read_all(11, self.patience) == b"can be read"

    @contract(IS_CANCELLED)
    def test_a_cancelled_wait_for_room_has_changed_nothing(
        self, pair: Pair, canceller: Canceller
    ) -> None:
        stream = _stream(pair.stream)
        sent = 0
        for _ in range(20):
            sent += fill(pair)
            record = canceller.cancel_waiting("wait_writable", lambda: stream.wait_writable(30))
            # Or else the system has made room of buffers in between.
            if not record.results:
                break
        assert record.was_cancelled, f"it raised {record.raised}"
        pair.peer.receive(sent)
        assert pair.stream.wait_writable(self.patience) is True
        pair.stream.write(b"x", self.patience)
        assert pair.peer.receive(1) == b"x"

    @pytest.mark.parametrize("at", [0, 1, 2])
    @contract("a cancelled close has closed")
    def test_a_cancelled_close_has_closed(
        self, pair: Pair, canceller: Canceller, at: int
    ) -> None:
        watched = self.watch_socket(pair.peer)
        canceller.cancel_at(at, Moment.AGAIN, "aclose", _stream(pair.stream).aclose)
        assert watched.is_closed(), "the socket is still open"

    @pytest.mark.parametrize("at", [0, 1])
    @contract("a cancelled close has closed, whatever was not sent yet")
    def test_a_cancelled_close_of_a_full_stream_has_closed(
        self, pair: Pair, canceller: Canceller, at: int
    ) -> None:
        pair.stream.begin_write(TOO_MUCH, 0.02).raised(WriteTimeout)
        watched = self.watch_socket(pair.peer)
        canceller.cancel_at(at, Moment.AGAIN, "aclose", _stream(pair.stream).aclose)
        assert watched.is_closed(), "the socket is still open"

    @pytest.mark.parametrize("operation", ["connect", "handshake", "read", "write"])
    @contract(IS_CANCELLED)
    def test_a_cancellation_is_no_timeout_and_no_error(
        self,
        face: BackendFace,
        plain_pair: Pair,
        blackhole: Blackhole,
        client_context: ssl.SSLContext,
        canceller: Canceller,
        operation: str,
    ) -> None:
        stream = _stream(plain_pair.stream)
        host, port = blackhole.address
        calls: dict[str, collections.abc.Callable[[], collections.abc.Awaitable[object]]] = {
            "connect": lambda: _backend(face).connect_tcp(host, port, 30),
            "handshake": lambda: stream.start_tls(client_context, HOSTNAME, 30),
            "read": lambda: stream.read(100, 30),
            "write": lambda: stream.write(TOO_MUCH, 30),
        }
        if operation == "handshake":
            self.need_tls(1)
        record = canceller.cancel_waiting(operation, calls[operation])
        assert record.was_cancelled, f"it raised {record.raised}"


def _backend(face: BackendFace) -> AsyncNetworkBackend:
    assert isinstance(face.raw, AsyncNetworkBackend)
    return face.raw


def _stream(face: StreamFace) -> AsyncNetworkStream:
    assert isinstance(face.raw, AsyncNetworkStream)
    return face.raw
