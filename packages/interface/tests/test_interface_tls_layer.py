"""TLS between buffers: the client's end is ours, the server's is the ssl module's."""

import collections.abc
import contextlib
import ssl

import pytest
from memory_server import MemoryServer, shake_hands

from httpcore_interface import TLSLayer

Ends = tuple[TLSLayer, MemoryServer]


@pytest.fixture(params=[1, 2, 3], ids=["one layer", "two layers", "three layers"])
def ends(
    request: pytest.FixtureRequest,
    client_context: ssl.SSLContext,
    server_context: ssl.SSLContext,
) -> Ends:
    layer, server = None, None
    for _ in range(request.param):
        layer = TLSLayer(client_context, "localhost", layer)
        server = MemoryServer(server_context, server)
        shake_hands(layer, server)
    assert layer is not None
    assert server is not None
    return layer, server


@pytest.mark.parametrize("size", [1, 7, 65536])
def test_a_handshake_may_come_in_any_pieces(
    client_context: ssl.SSLContext, server_context: ssl.SSLContext, size: int
) -> None:
    layer, server = TLSLayer(client_context, "localhost"), MemoryServer(server_context)
    shake_hands(layer, server, size)
    assert layer.ssl_object.version() == "TLSv1.3"
    # The server had more to say, which is nothing to read.
    layer.receive(server.take())
    assert layer.decrypt(100) is None
    layer.receive(server.send(b"hello"))
    assert layer.decrypt(100) == b"hello"


def test_what_goes_in_at_one_end_comes_out_at_the_other(ends: Ends) -> None:
    layer, server = ends
    upload = bytes(range(251)) * 1000
    sent = 0
    while sent < len(upload):
        sent += layer.encrypt(upload[sent : sent + 65536])
    server.receive(layer.take_ciphertext())
    assert server.received == upload
    assert layer.take_ciphertext() == b""
    layer.receive(server.send(upload))
    received = b""
    while octets := layer.decrypt(10_000):
        assert len(octets) <= 10_000
        received += octets
    assert octets is None
    assert received == upload


def test_the_pieces_of_a_record_may_come_one_by_one(ends: Ends) -> None:
    layer, server = ends
    ciphertext = server.send(b"hello")
    for octet in ciphertext[:-1]:
        layer.receive(bytes([octet]))
        assert layer.decrypt(100) is None
        assert layer.is_readable() is False
    layer.receive(ciphertext[-1:])
    assert layer.is_readable() is True
    assert [layer.decrypt(2) for _ in range(4)] == [b"he", b"ll", b"o", None]
    assert layer.is_readable() is False


def test_looking_loses_nothing(ends: Ends) -> None:
    layer, server = ends
    ciphertext = server.send(b"first") + server.send(b"second")
    layer.receive(ciphertext)
    assert layer.decrypt(1) == b"f"
    received = b"f"
    while layer.is_readable():
        assert layer.has_input()
        octets = layer.decrypt(3)
        assert octets
        received += octets
    assert received == b"firstsecond"
    assert layer.decrypt(3) is None
    assert not layer.has_input()


def test_what_may_be_readable_is_known_without_decrypting(ends: Ends) -> None:
    layer, server = ends
    layer.decrypt(1)
    assert not layer.has_input()
    layer.receive(server.send(b"ab"))
    assert layer.has_input()
    assert layer.decrypt(1) == b"a"
    assert layer.has_input()
    assert layer.decrypt(1) == b"b"
    assert not layer.has_input()


@pytest.mark.parametrize("farewell", [True, False])
def test_the_end_of_the_stream_stays(ends: Ends, farewell: bool) -> None:
    layer, server = ends
    ciphertext = server.send(b"bye")
    if farewell:
        with contextlib.suppress(ssl.SSLWantReadError):
            server.tls.unwrap()
        ciphertext += server.take()
    layer.receive(ciphertext)
    if not farewell:
        layer.receive(b"")
    assert layer.decrypt(100) == b"bye"
    assert layer.has_input() is True
    assert layer.is_readable() is True
    for _ in range(3):
        assert layer.decrypt(100) == b""
        assert layer.is_readable() is True
        assert layer.has_input() is True


def test_an_end_that_was_read_is_remembered(ends: Ends) -> None:
    layer, server = ends
    with contextlib.suppress(ssl.SSLWantReadError):
        server.tls.unwrap()
    layer.receive(server.take())
    assert layer.decrypt(100) == b""
    # The connection is still there, and silent: nobody shall wait for it.
    assert layer.has_input() is True


@pytest.mark.parametrize("error", [ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_every_way_to_say_that_the_stream_has_ended_is_understood(
    client_context: ssl.SSLContext,
    server_context: ssl.SSLContext,
    error: type[ssl.SSLError],
) -> None:
    class Ending(ssl.SSLObject):
        def read(self, size: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override]
            raise error

    client_context.sslobject_class = Ending
    layer = TLSLayer(client_context, "localhost")
    shake_hands(layer, MemoryServer(server_context))
    assert layer.decrypt(100) == b""


def test_a_record_that_cannot_be_decrypted_is_an_error(
    client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    layer = TLSLayer(client_context, "localhost")
    shake_hands(layer, MemoryServer(server_context))
    layer.receive(b"\x17\x03\x03\x00\x20" + bytes(32))
    # A read would not wait.
    assert layer.is_readable() is True
    with pytest.raises(ssl.SSLError):
        layer.decrypt(100)


def test_a_broken_record_of_the_carrier_is_no_end(
    client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    outer, outer_server = TLSLayer(client_context, "localhost"), MemoryServer(server_context)
    shake_hands(outer, outer_server)
    layer = TLSLayer(client_context, "localhost", outer)
    shake_hands(layer, MemoryServer(server_context, outer_server))
    with pytest.raises(ssl.SSLError):
        layer.receive(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert layer.is_readable() is True
    assert layer.has_input() is True
    for _ in range(2):
        with pytest.raises(ssl.SSLError):
            layer.decrypt(100)


def test_records_that_have_come_are_read_together(ends: Ends) -> None:
    layer, server = ends
    upload = bytes(range(256)) * 400
    layer.receive(server.send(upload))
    assert layer.decrypt(65536) == upload[:65536]
    assert layer.decrypt(65536) == upload[65536:]
    assert layer.decrypt(65536) is None


@pytest.mark.parametrize("farewell", [True, False])
def test_end_behind_records_that_are_read_together_is_told_next(
    ends: Ends, farewell: bool
) -> None:
    layer, server = ends
    layer.receive(server.send(bytes(40_000)))
    if farewell:
        with contextlib.suppress(ssl.SSLWantReadError):
            server.tls.unwrap()
        layer.receive(server.take())
    else:
        layer.receive(b"")
    assert layer.decrypt(65536) == bytes(40_000)
    for _ in range(2):
        assert layer.decrypt(65536) == b""


def test_broken_record_behind_others_is_told_next(
    client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    layer, server = TLSLayer(client_context, "localhost"), MemoryServer(server_context)
    shake_hands(layer, server)
    layer.receive(server.send(bytes(20_000)) + b"\x17\x03\x03\x00\x20" + bytes(32))
    assert layer.decrypt(65536) == bytes(20_000)
    for _ in range(2):
        with pytest.raises(ssl.SSLError):
            layer.decrypt(65536)


def test_what_tls_says_to_itself_is_nothing_to_read(ends: Ends) -> None:
    layer, server = ends
    # Tickets to resume the session with.
    layer.receive(server.take())
    assert layer.is_readable() is False


@pytest.mark.parametrize(
    "name", ["", "local\0host", "\0", "a" * 64, "a..b", ".localhost", "\udc80", None]
)
@pytest.mark.parametrize("check_hostname", [True, False])
def test_what_is_no_name_is_a_value_error(
    client_context: ssl.SSLContext, name: str | None, check_hostname: bool
) -> None:
    client_context.check_hostname = check_hostname
    if name is None and not check_hostname:
        assert TLSLayer(client_context, name).ssl_object.server_hostname is None
        return
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the ssl module's
        TLSLayer(client_context, name)


def test_a_refused_certificate_leaves_an_alert_to_send(
    client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    layer, server = TLSLayer(client_context, "example.org"), MemoryServer(server_context)
    assert not layer.shake_hands()
    server.receive(layer.take_ciphertext())
    layer.receive(server.take())
    with pytest.raises(ssl.SSLCertVerificationError):
        layer.shake_hands()
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        server.receive(layer.take_ciphertext())


class Renegotiating(ssl.SSLObject):
    """What OpenSSL may do to a write: it wants to read first."""

    wants = 0

    def write(self, octets: bytes) -> int:  # type: ignore[override]
        if self.wants:
            self.wants -= 1
            raise ssl.SSLWantReadError
        return super().write(octets)


@pytest.fixture
def moody(client_context: ssl.SSLContext) -> collections.abc.Iterator[ssl.SSLContext]:
    client_context.sslobject_class = Renegotiating
    yield client_context
    Renegotiating.wants = 0


def test_a_write_may_need_to_read_first(
    moody: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    layer, server = TLSLayer(moody, "localhost"), MemoryServer(server_context)
    shake_hands(layer, server)
    Renegotiating.wants = 1
    assert layer.encrypt(b"later") == 0
    assert layer.encrypt(b"later") == 5
    server.receive(layer.take_ciphertext())
    assert server.received == b"later"


def test_a_carrier_that_needs_to_read_first_is_an_error(
    moody: ssl.SSLContext, client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    outer, outer_server = TLSLayer(moody, "localhost"), MemoryServer(server_context)
    shake_hands(outer, outer_server)
    client_context.sslobject_class = ssl.SSLObject
    layer = TLSLayer(client_context, "localhost", outer)
    shake_hands(layer, MemoryServer(server_context, outer_server))
    layer.encrypt(b"x")
    Renegotiating.wants = 1
    with pytest.raises(ssl.SSLError, match="renegotiates"):
        layer.take_ciphertext()
