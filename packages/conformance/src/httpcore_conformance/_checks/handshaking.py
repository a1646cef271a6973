"""TLS handshakes that do not succeed: a ConnectError or ConnectTimeout, and a close."""

import contextlib
import math
import socket
import ssl
import threading

import pytest

from httpcore_interface import ConnectError, ConnectTimeout

from .._certificates import HOSTNAME, authority, stranger
from .._contract import contract
from .._face import BackendFace
from .._kit import Kit, Pair
from .._peer import InBackground
from .._timing import EARLY
from .encrypting import LAYERS

HAS_CLOSED = "a handshake that fails, times out or is cancelled has closed the connection"
FAILS = "start_tls raises ConnectError when the handshake failed, and nothing raw"


class HandshakesThatFail(Kit):
    """What `start_tls` does with all other servers."""

    def fails(
        self,
        face: BackendFace,
        pair: Pair,
        client_context: ssl.SSLContext,
        server_context: ssl.SSLContext,
        name: str | None = HOSTNAME,
    ) -> Exception:
        """Checks that a handshake fails, and closes the connection."""
        self.need_tls(pair.peer.layers + 1)
        # The sockets of the server close as well, when the client's does.
        watched = self.watch_socket(pair.peer)
        pair.peer.terminate_tls(server_context)
        operation = pair.stream.begin_start_tls(client_context, name, self.patience)
        error = operation.raised(ConnectError)
        with contract(HAS_CLOSED):
            assert watched.is_closed(), f"the socket is still open after {error!r}"
        return error

    @LAYERS
    @contract("start_tls raises ConnectError when the certificate was refused")
    def test_a_certificate_for_another_name_is_refused(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
    ) -> None:
        pair = self.wrap(face, plain_pair, layers - 1)
        error = self.fails(
            face, pair, client_context, authority().server_context, "example.org"
        )
        with contract("the cause of an error is chained"):
            assert error.__cause__ is not None, "the ConnectError has no __cause__"

    @LAYERS
    @contract("start_tls raises ConnectError when the certificate was refused")
    def test_an_unknown_authority_is_refused(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
    ) -> None:
        pair = self.wrap(face, plain_pair, layers - 1)
        self.fails(face, pair, client_context, stranger().server_context)

    @LAYERS
    @contract("start_tls raises ConnectError when the certificate was refused")
    def test_an_expired_certificate_is_refused(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
    ) -> None:
        pair = self.wrap(face, plain_pair, layers - 1)
        self.fails(face, pair, client_context, authority().expired_context)

    @contract(FAILS)
    def test_a_server_without_a_common_version_is_refused(
        self, face: BackendFace, plain_pair: Pair, client_context: ssl.SSLContext
    ) -> None:
        server_context = authority().make_server_context()
        server_context.maximum_version = ssl.TLSVersion.TLSv1_2
        client_context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.fails(face, plain_pair, client_context, server_context)

    @LAYERS
    @pytest.mark.parametrize(
        "answer",
        [b"", b"\x16\x03\x03", b"HTTP/1.1 400 Bad Request\r\n\r\n"],
        ids=["nothing", "half a record", "no TLS"],
    )
    @contract(FAILS)
    def test_a_handshake_that_is_cut_is_a_connect_error(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
        answer: bytes,
    ) -> None:
        stream, peer = self.wrap(face, plain_pair, layers - 1)
        self.need_tls(layers)
        watched = self.watch_socket(peer)
        peer.send(answer)
        peer.end()
        operation = stream.begin_start_tls(client_context, HOSTNAME, self.patience)
        error = operation.raised(ConnectError)
        with contract(HAS_CLOSED):
            assert watched.is_closed(), f"the socket is still open after {error!r}"

    @contract(FAILS)
    def test_a_handshake_that_is_reset_is_a_connect_error(
        self, plain_pair: Pair, client_context: ssl.SSLContext
    ) -> None:
        self.need_tls(1)
        stream, peer = plain_pair
        watched = self.watch_socket(peer)
        operation = stream.begin_start_tls(client_context, HOSTNAME, self.patience)
        assert peer.receive(5), "there was no greeting"
        peer.reset()
        error = operation.raised(ConnectError)
        with contract(HAS_CLOSED):
            assert watched.is_closed(), f"the socket is still open after {error!r}"

    @LAYERS
    @pytest.mark.parametrize("timeout", [0.1, 0, -1, -math.inf])
    @contract("start_tls raises ConnectTimeout when the handshake took longer than `timeout`")
    def test_a_handshake_that_stalls_times_out(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
        timeout: float,
    ) -> None:
        stream, peer = self.wrap(face, plain_pair, layers - 1)
        self.need_tls(layers)
        watched = self.watch_socket(peer)
        operation = stream.begin_start_tls(client_context, HOSTNAME, timeout)
        error = operation.raised(ConnectTimeout)
        shortest = max(timeout, 0)
        assert shortest - EARLY <= operation.seconds < shortest + self.patience
        with contract(HAS_CLOSED):
            assert watched.is_closed(), f"the socket is still open after {error!r}"

    @contract("timeout: seconds for the handshake as a whole")
    def test_the_timeout_is_one_for_the_whole_handshake(
        self, plain_pair: Pair, client_context: ssl.SSLContext
    ) -> None:
        self.need_tls(1)
        stream, peer = plain_pair
        is_over = threading.Event()

        def trickle() -> None:
            # The beginning of a large record, a byte at a time.
            with contextlib.suppress(OSError):
                for octet in b"\x16\x03\x03\x3f\xff" + bytes(1000):
                    peer.send(bytes([octet]))
                    if is_over.wait(0.03):
                        return

        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with InBackground(trickle):
            operation = stream.begin_start_tls(client_context, HOSTNAME, 0.3)
            operation.ends_within(self.patience)
            is_over.set()
            operation.raised(ConnectTimeout)
        assert 0.3 - EARLY <= operation.seconds < 0.3 + self.patience

    @LAYERS
    @pytest.mark.parametrize("name", [None, "", "a" * 64, "a..b", "local\0host"], ids=repr)
    @contract(FAILS)
    def test_what_is_no_name_is_a_connect_error(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
        name: str | None,
    ) -> None:
        # The context checks names, so None is none.
        pair = self.wrap(face, plain_pair, layers - 1)
        self.fails(face, pair, client_context, authority().server_context, name)
