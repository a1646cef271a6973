"""TLS: handshakes that succeed, and what comes after them."""

import contextlib
import os
import ssl

import pytest

from httpcore_interface import ReadError

from .._certificates import HOSTNAME, authority
from .._contract import contract
from .._face import BackendFace, StreamFace
from .._kit import Kit, Pair

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]

LAYERS = pytest.mark.parametrize("layers", [1, 2], ids=["tls", "tls in tls"])


class Encrypting(Kit):
    """What `start_tls` does with a good server."""

    @LAYERS
    @pytest.mark.parametrize("timeout", [None, 10])
    @contract("start_tls performs a handshake and returns the encrypted stream, over TLS too")
    def test_an_encrypted_stream_reaches_the_server(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
        timeout: float | None,
    ) -> None:
        stream, peer = self.wrap(face, plain_pair, layers - 1)
        self.need_tls(layers)
        peer.terminate_tls(authority().server_context)
        stream = face.adopt(stream.begin_start_tls(client_context, HOSTNAME, timeout))
        stream.write(b"ping", self.patience)
        assert peer.receive(4) == b"ping"
        peer.send(b"pong")
        assert stream.read(100, self.patience) == b"pong"

    @pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
    @contract("ssl_context: what to offer")
    def test_the_versions_are_those_of_the_context(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        version: ssl.TLSVersion,
    ) -> None:
        client_context.minimum_version = client_context.maximum_version = version
        stream, _ = self.encrypt(face, plain_pair, client_context)
        assert self.ssl_object(stream).version() == version.name.replace("v1_", "v1.")

    @LAYERS
    @contract("ssl_context: what to offer (the protocols of ALPN)")
    def test_a_protocol_is_negotiated(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
    ) -> None:
        stream, peer = self.wrap(face, plain_pair, layers - 1)
        self.need_tls(layers)
        server_context = authority().make_server_context()
        server_context.set_alpn_protocols(["h2", "http/1.1"])
        client_context.set_alpn_protocols(["h2", "http/1.1"])
        peer.terminate_tls(server_context)
        operation = stream.begin_start_tls(client_context, HOSTNAME, self.patience)
        stream = face.adopt(operation)
        assert self.ssl_object(stream).selected_alpn_protocol() == "h2"

    @LAYERS
    @contract("server_hostname is the name to send; without it none is sent")
    def test_the_server_learns_the_name(
        self, face: BackendFace, plain_pair: Pair, layers: int
    ) -> None:
        stream, peer = self.wrap(face, plain_pair, layers - 1)
        assert self.name_sent(face, Pair(stream, peer), HOSTNAME) == HOSTNAME

    @LAYERS
    @contract("server_hostname is the name to send; without it none is sent")
    def test_without_a_name_none_is_sent(
        self, face: BackendFace, plain_pair: Pair, layers: int
    ) -> None:
        stream, peer = self.wrap(face, plain_pair, layers - 1)
        assert self.name_sent(face, Pair(stream, peer), None) is None

    def name_sent(self, face: BackendFace, pair: Pair, name: str | None) -> str | None:
        """Returns which name a server gets to see."""
        self.need_tls(pair.peer.layers + 1)
        names: list[str | None] = []
        server_context = authority().make_server_context()

        def note(tls: object, name: str | None, context: ssl.SSLContext) -> None:
            names.append(name)

        server_context.sni_callback = note
        client_context = authority().make_client_context()
        client_context.check_hostname = name is not None
        pair.peer.terminate_tls(server_context)
        operation = pair.stream.begin_start_tls(client_context, name, self.patience)
        face.adopt(operation)
        return names[0]

    @LAYERS
    @contract("the context is not changed")
    def test_the_context_is_not_changed(
        self,
        face: BackendFace,
        plain_pair: Pair,
        client_context: ssl.SSLContext,
        layers: int,
    ) -> None:
        pair = self.wrap(face, plain_pair, layers - 1)
        before = _settings_of(client_context)
        self.encrypt(face, pair, client_context)
        assert _settings_of(client_context) == before

    @contract("read returns what has come, and loses nothing of it")
    def test_what_comes_right_behind_the_handshake_is_read(
        self, face: BackendFace, plain_pair: Pair, client_context: ssl.SSLContext
    ) -> None:
        # The server sends it as soon as it can, before anybody reads.
        plain_pair.peer.terminate_tls(authority().server_context)
        plain_pair.peer.send(b"hello" * 1000)
        self.need_tls(1)
        operation = plain_pair.stream.begin_start_tls(client_context, HOSTNAME, self.patience)
        stream = face.adopt(operation)
        assert stream.read_all(5000, self.patience) == b"hello" * 1000

    @LAYERS
    @pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
    @contract('read returns b"" once the peer has ended the stream, with a farewell or without')
    def test_the_end_of_the_stream_may_come_without_a_farewell(
        self, face: BackendFace, plain_pair: Pair, layers: int, version: ssl.TLSVersion
    ) -> None:
        stream, tls = self.connect_by_hand(face, plain_pair, layers, version)
        tls.sendall(b"all there is")
        tls.close()
        assert stream.read_all(12, self.patience) == b"all there is"
        for timeout in (self.patience, 0):
            assert stream.read(100, timeout) == b""

    @contract("read raises ReadError when the connection failed, and nothing raw")
    def test_a_broken_record_is_a_read_error(self, face: BackendFace, plain_pair: Pair) -> None:
        stream, tls = self.connect_by_hand(face, plain_pair, 1, ssl.TLSVersion.TLSv1_3)
        # What is no record goes out beside the TLS of this side.
        with contextlib.closing(tls):
            os.write(tls.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
            error = stream.begin_read(100, self.patience).raised(ReadError)
        with contract("the cause of an error is chained"):
            assert error.__cause__ is not None, "the ReadError has no __cause__"

    def connect_by_hand(
        self, face: BackendFace, pair: Pair, layers: int, version: ssl.TLSVersion
    ) -> tuple[StreamFace, ssl.SSLSocket]:
        """Shakes hands with a server that is an `ssl.SSLSocket`, in layers of TLS."""
        stream, peer = self.wrap(face, pair, layers - 1)
        self.need_tls(layers)
        context = authority().make_client_context()
        context.minimum_version = context.maximum_version = version
        operation = stream.begin_start_tls(context, HOSTNAME, self.patience)
        tls = authority().server_context.wrap_socket(peer.sock, server_side=True)
        peer.sock = tls
        return face.adopt(operation), tls

    def ssl_object(self, stream: StreamFace) -> ssl.SSLObject | ssl.SSLSocket:
        """Returns what the `ssl` module knows about a connection."""
        ssl_object = stream.fact("ssl_object")
        with contract("ssl_object is an ssl.SSLObject or an ssl.SSLSocket, None without TLS"):
            assert isinstance(ssl_object, (ssl.SSLObject, ssl.SSLSocket))
        return ssl_object


def _settings_of(context: ssl.SSLContext) -> list[object]:
    return [
        context.check_hostname,
        context.verify_mode,
        context.verify_flags,
        context.options,
        context.minimum_version,
        context.maximum_version,
        context.get_ciphers(),
        context.cert_store_stats(),
        context.keylog_filename,
    ]
