"""What a stream tells about its connection."""

import ssl
import time

import pytest

from .._contract import contract
from .._face import BackendFace, StreamFace
from .._kit import Kit, Pair
from .._peer import Listener

NAMES = ("ssl_object", "client_addr", "server_addr", "socket", "is_readable", "no such name")

READABLE = "is_readable: whether a read would return at once, with bytes, the end or an error"


class Facts(Kit):
    """What `get_extra_info` returns."""

    @contract("client_addr and server_addr: the tuple of the own and the peer's address")
    def test_the_addresses_are_those_of_the_connection(
        self, face: BackendFace, listener: Listener
    ) -> None:
        stream = face.connect_tcp(listener.address, self.patience)
        peer = listener.accept()
        assert stream.fact("client_addr") == peer.sock.getpeername()
        assert stream.fact("server_addr") == peer.sock.getsockname()

    @contract("client_addr and server_addr: the tuple of the own and the peer's address")
    def test_encryption_does_not_hide_the_addresses(
        self, tls_pair: Pair, listener: Listener
    ) -> None:
        assert tls_pair.stream.fact("server_addr") == listener.sock.getsockname()
        client_address = tls_pair.stream.fact("client_addr")
        assert isinstance(client_address, tuple)
        assert client_address[0] == "127.0.0.1"

    @contract("socket: the socket.socket underneath")
    def test_the_socket_is_that_of_the_connection(self, pair: Pair) -> None:
        sock = self.socket_of(pair.stream)
        assert sock.fileno() >= 0
        assert sock.getsockname() == pair.stream.fact("client_addr")

    @contract("ssl_object: ssl.SSLObject or ssl.SSLSocket; None without TLS")
    def test_without_tls_there_is_no_ssl_object(self, plain_pair: Pair) -> None:
        assert plain_pair.stream.fact("ssl_object") is None

    @contract("ssl_object: ssl.SSLObject or ssl.SSLSocket; None without TLS")
    def test_with_tls_there_is_an_ssl_object(self, tls_pair: Pair) -> None:
        ssl_object = tls_pair.stream.fact("ssl_object")
        assert isinstance(ssl_object, (ssl.SSLObject, ssl.SSLSocket))
        assert ssl_object.version(), "that is not the object of this connection"

    @contract("ssl_object: that of the innermost layer")
    def test_with_tls_in_tls_the_ssl_object_is_the_inner_one(
        self, face: BackendFace, tls_pair: Pair, client_context: ssl.SSLContext
    ) -> None:
        outer = tls_pair.stream.fact("ssl_object")
        inner, _ = self.encrypt(face, tls_pair, client_context)
        assert inner.fact("ssl_object") is not outer
        assert isinstance(inner.fact("ssl_object"), (ssl.SSLObject, ssl.SSLSocket))

    @contract("None for what is unknown")
    def test_an_unknown_name_is_none(self, pair: Pair) -> None:
        assert pair.stream.fact("no such name") is None

    @pytest.mark.parametrize("state", ["closed", "reset", "ended"])
    @contract("get_extra_info never raises, whatever the state of the connection")
    def test_facts_never_raise(self, plain_pair: Pair, state: str) -> None:
        stream, peer = plain_pair
        if state == "reset":
            peer.reset()
        elif state == "ended":
            peer.close()
        if state != "closed":
            self.wait_readable(stream)
        for name in NAMES:
            stream.fact(name)
        stream.close()
        for name in NAMES:
            stream.fact(name)

    @contract("get_extra_info never raises, whatever the state of the connection")
    def test_facts_of_a_closed_encrypted_stream_never_raise(self, tls_pair: Pair) -> None:
        tls_pair.stream.close()
        for name in NAMES:
            tls_pair.stream.fact(name)

    @contract(READABLE)
    def test_an_idle_stream_is_not_readable(self, plain_pair: Pair) -> None:
        assert plain_pair.stream.fact("is_readable") is False

    @contract(READABLE)
    def test_bytes_make_a_stream_readable(self, pair: Pair) -> None:
        pair.peer.send(b"two")
        assert pair.stream.read(1, self.patience) == b"t"
        # Whoever has taken them from the socket already.
        assert pair.stream.fact("is_readable") is True
        assert pair.stream.read(100, self.patience) == b"wo"

    @contract(READABLE)
    def test_a_stream_is_readable_as_soon_as_something_comes(self, plain_pair: Pair) -> None:
        stream, peer = plain_pair
        for octet in (b"x", b"y"):
            peer.send(octet)
            self.wait_readable(stream)
            assert stream.read(100, self.patience) == octet
            assert stream.fact("is_readable") is False

    @contract(READABLE)
    def test_the_end_makes_a_stream_readable(self, pair: Pair) -> None:
        pair.peer.sock.close()
        self.wait_readable(pair.stream)
        assert pair.stream.read(100, self.patience) == b""
        assert pair.stream.fact("is_readable") is True

    @contract(READABLE)
    def test_an_error_makes_a_stream_readable(self, plain_pair: Pair) -> None:
        plain_pair.peer.reset()
        self.wait_readable(plain_pair.stream)

    @contract(READABLE)
    def test_a_closed_stream_is_readable(self, pair: Pair) -> None:
        pair.stream.close()
        assert pair.stream.fact("is_readable") is True

    @contract("get_extra_info has no effect on what is read")
    def test_asking_takes_nothing_away(self, pair: Pair) -> None:
        pair.peer.send(b"hello")
        self.wait_readable(pair.stream)
        for name in NAMES * 2:
            pair.stream.fact(name)
        assert pair.stream.read_all(5, self.patience) == b"hello"

    def wait_readable(self, stream: StreamFace) -> None:
        """Asks until the stream is readable.

        Raises:
            AssertionError: It does not become so.
        """
        end = time.monotonic() + self.patience
        while stream.fact("is_readable") is not True:
            assert time.monotonic() < end, "the stream does not become readable"
            time.sleep(0.001)
