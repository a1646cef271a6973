"""Closing: at once, for good, from any state."""

import ssl

import pytest

from httpcore_interface import ConnectError, ReadError, WriteError, WriteTimeout

from .._certificates import HOSTNAME, authority
from .._contract import contract
from .._kit import Kit, Pair
from .writing import TOO_MUCH

AT_ONCE = "when a stream is closed, the blocked calls end at once with an error"


class Closing(Kit):
    """What `close`, or `aclose`, does."""

    @contract("close closes the connection, at once and for good")
    def test_close_ends_the_connection_for_the_peer(self, pair: Pair) -> None:
        pair.stream.close()
        assert pair.peer.sees_end(), "the peer does not notice"

    @contract("close has freed the socket")
    def test_close_frees_the_socket(self, pair: Pair) -> None:
        watched = self.watch_socket(pair.peer)
        pair.peer.send(b"unread")
        pair.stream.close()
        assert watched.is_closed(), "the socket is still open"

    @contract("close may be called any number of times")
    def test_close_can_be_repeated(self, pair: Pair) -> None:
        for _ in range(3):
            pair.stream.close()

    @pytest.mark.parametrize("state", ["reset", "ended", "write failed", "handshake failed"])
    @contract("close never raises because of the connection's state, and frees the socket")
    def test_close_works_in_any_state(
        self, plain_pair: Pair, client_context: ssl.SSLContext, state: str
    ) -> None:
        stream, peer = plain_pair
        watched = self.watch_socket(peer)
        if state == "reset":
            peer.reset()
        elif state == "ended":
            peer.close()
            assert stream.read(1, self.patience) == b""
        elif state == "write failed":
            stream.begin_write(TOO_MUCH, 0.02).raised(WriteTimeout)
        else:
            self.need_tls(1)
            peer.send(b"no TLS at all")
            operation = stream.begin_start_tls(client_context, HOSTNAME, self.patience)
            operation.raised(ConnectError)
        for _ in range(2):
            stream.close()
        assert watched.is_closed(), "the socket is still open"

    @contract("read raises ReadError when the stream was closed on this side")
    def test_a_closed_stream_cannot_be_read(self, pair: Pair) -> None:
        pair.peer.send(b"unread")
        pair.stream.close()
        for timeout in (None, 10, 0):
            pair.stream.begin_read(100, timeout).raised(ReadError)

    @contract("write raises WriteError when the stream was closed on this side")
    def test_a_closed_stream_cannot_be_written(self, pair: Pair) -> None:
        pair.stream.close()
        for timeout in (None, 10, 0):
            pair.stream.begin_write(b"x", timeout).raised(WriteError)

    @contract("start_tls raises ConnectError when the handshake failed, and nothing raw")
    def test_a_closed_stream_cannot_be_encrypted(
        self, pair: Pair, client_context: ssl.SSLContext
    ) -> None:
        self.need_tls(pair.peer.layers + 1)
        pair.stream.close()
        operation = pair.stream.begin_start_tls(client_context, HOSTNAME, self.patience)
        operation.raised(ConnectError)

    @pytest.mark.parametrize("timeout", [None, 30])
    @contract(AT_ONCE)
    def test_close_ends_a_read(self, pair: Pair, timeout: float | None) -> None:
        watched = self.watch_socket(pair.peer)
        reading = pair.stream.begin_read(100, timeout)
        reading.wait_blocked()
        pair.stream.close()
        reading.raised(ReadError)
        with contract("close has freed the socket"):
            assert watched.is_closed(), "the socket is still open"

    @pytest.mark.parametrize("timeout", [None, 30])
    @contract(AT_ONCE)
    def test_close_ends_a_write(self, pair: Pair, timeout: float | None) -> None:
        watched = self.watch_socket(pair.peer)
        writing = pair.stream.begin_write(TOO_MUCH, timeout)
        writing.wait_blocked()
        pair.stream.close()
        writing.raised(WriteError)
        with contract("close has freed the socket"):
            assert watched.is_closed(), "the socket is still open"

    @contract(AT_ONCE)
    def test_close_ends_a_read_and_a_write(self, pair: Pair) -> None:
        writing = pair.stream.begin_write(TOO_MUCH, 30)
        writing.wait_blocked()
        reading = pair.stream.begin_read(100, None)
        reading.wait_blocked()
        pair.stream.close()
        reading.raised(ReadError)
        writing.raised(WriteError)

    @pytest.mark.parametrize("timeout", [None, 30])
    @contract(AT_ONCE)
    def test_close_ends_a_handshake(
        self, plain_pair: Pair, client_context: ssl.SSLContext, timeout: float | None
    ) -> None:
        self.need_tls(1)
        stream, peer = plain_pair
        watched = self.watch_socket(peer)
        shaking = stream.begin_start_tls(client_context, HOSTNAME, timeout)
        # The greeting has come, and the client waits for the answer.
        assert peer.receive(5)
        shaking.wait_blocked()
        stream.close()
        shaking.raised(ConnectError)
        with contract("close has freed the socket"):
            assert watched.is_closed(), "the socket is still open"

    @contract("close closes the connection at once, without waiting for the peer")
    def test_close_does_not_wait_for_a_farewell(
        self, plain_pair: Pair, client_context: ssl.SSLContext
    ) -> None:
        self.need_tls(1)
        stream, peer = plain_pair
        shaking = stream.begin_start_tls(client_context, HOSTNAME, self.patience)
        # A server that says nothing more.
        with authority().server_context.wrap_socket(peer.sock, server_side=True):
            shaking.result()
            closing = stream.begin_close()
            closing.result()
            assert closing.seconds < self.patience, f"it took {closing.seconds:.2f} seconds"

    @contract("close closes the connection at once, whatever was not sent yet")
    def test_close_does_not_wait_for_a_peer_that_reads_nothing(self, pair: Pair) -> None:
        pair.stream.begin_write(TOO_MUCH, 0.02).raised(WriteTimeout)
        watched = self.watch_socket(pair.peer)
        closing = pair.stream.begin_close()
        closing.result()
        assert closing.seconds < self.patience, f"it took {closing.seconds:.2f} seconds"
        assert watched.is_closed(), "the socket is still open"
