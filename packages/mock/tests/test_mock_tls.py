"""What a mock notes and tells of TLS."""

import ssl
import typing

import pytest
from mock_faces import Mocks

from httpcore_interface import ConnectError, ConnectTimeout, ReadError
from httpcore_mock import HandshakeDelay, HandshakeFailure, MockStream, Negotiated


def test_handshake_is_recorded(mocks: Mocks, ssl_context: ssl.SSLContext) -> None:
    stream, connection = mocks.open(b"hello")
    assert (connection.is_encrypted, connection.handshakes) == (False, [])
    assert (connection.server_hostname, connection.alpn_protocols) == (None, None)
    ssl_context.set_alpn_protocols(["h2", "http/1.1"])
    stream = stream.start_tls(ssl_context, "example.com", 5.0)
    # What is offered later is another matter.
    ssl_context.set_alpn_protocols(["x"])
    [handshake] = connection.handshakes
    assert handshake.ssl_context is ssl_context
    assert (handshake.server_hostname, handshake.timeout) == ("example.com", 5.0)
    assert handshake.alpn_protocols == ("h2", "http/1.1")
    assert connection.is_encrypted
    assert connection.server_hostname == "example.com"
    assert connection.alpn_protocols == ("h2", "http/1.1")


def test_latest_handshake_is_the_one_that_counts(
    mocks: Mocks, ssl_context: ssl.SSLContext
) -> None:
    stream, connection = mocks.open(b"hello")
    stream = stream.start_tls(ssl_context, "proxy")
    ssl_context.set_alpn_protocols(["h2"])
    stream = stream.start_tls(ssl_context, "origin")
    assert [each.server_hostname for each in connection.handshakes] == ["proxy", "origin"]
    assert [each.alpn_protocols for each in connection.handshakes] == [None, ("h2",)]
    assert connection.server_hostname == "origin"
    assert connection.alpn_protocols == ("h2",)
    assert stream.get_extra_info("ssl_object").server_hostname == "origin"


@pytest.mark.parametrize("count", [1, 3, 60])
def test_every_offered_protocol_is_found(
    mocks: Mocks, ssl_context: ssl.SSLContext, count: int
) -> None:
    names = [f"protocol-{number}" for number in range(count)]
    ssl_context.set_alpn_protocols(names)
    stream, connection = mocks.open()
    stream.start_tls(ssl_context, "example.com")
    assert connection.alpn_protocols == tuple(names)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_protocols_are_found_in_each_version_of_tls(
    mocks: Mocks, ssl_context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    ssl_context.minimum_version = ssl_context.maximum_version = version
    ssl_context.set_alpn_protocols(["h2"])
    stream, connection = mocks.open()
    stream.start_tls(ssl_context, "example.com")
    assert connection.alpn_protocols == ("h2",)


def test_context_that_offers_nothing_is_known(
    mocks: Mocks, ssl_context: ssl.SSLContext
) -> None:
    stream, connection = mocks.open()
    stream.start_tls(ssl_context, "example.com")
    assert connection.alpn_protocols is None


class NoContext:
    """What a test may put in the place of a context."""


class TalkativeContext(NoContext):
    """The same, with a handshake that succeeds at once."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_hostname: str | None = None,
    ) -> "TalkativeContext":
        return self

    def do_handshake(self) -> None:
        """There is none."""


@pytest.mark.parametrize("context", [NoContext(), TalkativeContext(), None])
def test_context_need_not_be_one(mocks: Mocks, context: NoContext | None) -> None:
    stream, connection = mocks.open(b"hello")
    stream = stream.start_tls(typing.cast("ssl.SSLContext", context), "example.com")
    assert stream.read(100) == b"hello"
    assert connection.alpn_protocols is None
    assert connection.server_hostname == "example.com"


@pytest.mark.parametrize("server_hostname", ["a" * 300, "a..b", "\0"])
def test_name_that_no_host_can_have_is_noted(
    mocks: Mocks, ssl_context: ssl.SSLContext, server_hostname: str
) -> None:
    stream, connection = mocks.open()
    stream.start_tls(ssl_context, server_hostname)
    assert connection.server_hostname == server_hostname
    assert connection.alpn_protocols is None


def test_context_that_begins_no_handshake_is_no_error(mocks: Mocks) -> None:
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.set_alpn_protocols(["h2"])
    stream, connection = mocks.open()
    stream.start_tls(server_context, "example.com")
    assert connection.alpn_protocols is None


def test_name_need_not_be_given(mocks: Mocks, ssl_context: ssl.SSLContext) -> None:
    ssl_context.set_alpn_protocols(["h2"])
    stream, connection = mocks.open()
    stream.start_tls(ssl_context)
    assert connection.is_encrypted
    assert connection.server_hostname is None
    assert connection.alpn_protocols == ("h2",)


# -- what is told -----------------------------------------------------------------------


def test_ssl_object_is_there_once_the_stream_is_encrypted(
    mocks: Mocks, ssl_context: ssl.SSLContext
) -> None:
    stream, _ = mocks.open(b"hello")
    assert stream.get_extra_info("ssl_object") is None
    stream = stream.start_tls(ssl_context, "example.com")
    ssl_object = stream.get_extra_info("ssl_object")
    assert stream.get_extra_info("ssl_object") is ssl_object
    assert ssl_object.selected_alpn_protocol() == "http/1.1"
    assert ssl_object.server_hostname == "example.com"
    assert ssl_object.version() == "TLSv1.3"
    assert ssl_object.cipher() == ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)
    assert ssl_object.getpeercert() == {}
    assert ssl_object.getpeercert(binary_form=True) is None
    assert ssl_object.compression() is None


def test_http2_is_negotiated_before_anything_happens(
    mocks: Mocks, ssl_context: ssl.SSLContext
) -> None:
    stream, _ = mocks.open(b"hello", http2=True)
    assert stream.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    stream = stream.start_tls(ssl_context, "example.com")
    assert stream.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    assert stream.get_extra_info("ssl_object").server_hostname == "example.com"


@pytest.mark.parametrize("protocol", ["h2", "http/1.1", None])
@pytest.mark.parametrize("http2", [True, False])
def test_protocol_is_negotiated_on_cue(
    mocks: Mocks, ssl_context: ssl.SSLContext, protocol: str | None, http2: bool
) -> None:
    stream, connection = mocks.open(
        HandshakeDelay(1), Negotiated(protocol), HandshakeDelay(1), b"hello", http2=http2
    )
    stream = stream.start_tls(ssl_context, "example.com")
    ssl_object = stream.get_extra_info("ssl_object")
    assert ssl_object.selected_alpn_protocol() == protocol
    assert ssl_object.server_hostname == "example.com"
    assert connection.elapsed == 2
    assert stream.read(100) == b"hello"


# -- how it goes ------------------------------------------------------------------------


def test_handshake_fails_on_cue_and_closes(mocks: Mocks, ssl_context: ssl.SSLContext) -> None:
    stream, connection = mocks.open(HandshakeFailure(), b"never")
    with pytest.raises(ConnectError, match=r"^the TLS handshake failed$"):
        stream.start_tls(ssl_context, "example.com")
    assert connection.is_closed
    assert len(connection.handshakes) == 1
    with pytest.raises(ReadError):
        stream.read(100)


def test_handshake_fails_with_what_is_given(mocks: Mocks, ssl_context: ssl.SSLContext) -> None:
    stream, connection = mocks.open(HandshakeDelay(2), HandshakeFailure(ConnectTimeout("slow")))
    with pytest.raises(ConnectTimeout, match=r"^slow$"):
        stream.start_tls(ssl_context, "example.com")
    assert connection.elapsed == 2


def test_handshake_times_out_in_virtual_time_and_closes(
    mocks: Mocks, ssl_context: ssl.SSLContext
) -> None:
    stream, connection = mocks.open(HandshakeDelay(3))
    with pytest.raises(ConnectTimeout, match=r"^the TLS handshake took longer than 2 seconds$"):
        stream.start_tls(ssl_context, "example.com", 2)
    assert connection.elapsed == 2
    assert connection.is_closed


def test_handshake_behind_a_tunnel_fails_in_its_place(
    mocks: Mocks, ssl_context: ssl.SSLContext
) -> None:
    stream, connection = mocks.open(b"HTTP/1.1 200 OK\r\n\r\n", HandshakeFailure())
    stream = stream.start_tls(ssl_context, "proxy")
    stream.read(100)
    with pytest.raises(ConnectError):
        stream.start_tls(ssl_context, "origin")
    assert connection.server_hostname == "origin"


def test_closed_stream_cannot_be_encrypted(mocks: Mocks, ssl_context: ssl.SSLContext) -> None:
    stream, _ = mocks.open()
    stream.close()
    with pytest.raises(ConnectError, match=r"^the stream was closed on this side$"):
        stream.start_tls(ssl_context, "example.com")


def test_handshake_failure_needs_an_error_of_connecting() -> None:
    with pytest.raises(TypeError, match=r"^HandshakeFailure needs a ConnectError or a Conn"):
        HandshakeFailure(ReadError("no"))  # type: ignore[arg-type] # that is the point


def test_stream_that_is_encrypted_twice_is_still_the_same(
    ssl_context: ssl.SSLContext,
) -> None:
    stream = MockStream([b"a"])
    assert stream.start_tls(ssl_context, "a").start_tls(ssl_context, "b") is stream
