"""TLS handshakes: how they succeed, fail and are interrupted."""

import collections.abc
import concurrent.futures
import contextlib
import datetime
import itertools
import select
import socket
import ssl
import struct
import threading
import time

import pytest
import trustme

from httpcore_interface import ConnectError, ConnectTimeout, NetworkStream
from httpcore_sync import SyncStream

Pair = tuple[NetworkStream, socket.socket]
Threads = concurrent.futures.ThreadPoolExecutor
Terminate = collections.abc.Callable[[socket.socket], socket.socket]
Descriptors = collections.abc.Callable[[], int]


class OwnWay(ssl.SSLContext):
    """What truststore's contexts do: they take over `wrap_socket`."""

    # The arguments of the original, whatever they are.
    def wrap_socket(self, *args, **options):  # type: ignore[no-untyped-def]
        sock = super().wrap_socket(*args, **options)
        # truststore looks at the certificates here, so the handshake has to be over.
        assert sock.version() is not None
        return sock


@pytest.fixture(params=[ssl.SSLContext, OwnWay])
def context(request: pytest.FixtureRequest, authority: trustme.CA) -> ssl.SSLContext:
    context_class: type[ssl.SSLContext] = request.param
    context = context_class(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
def serve(
    threads: Threads, cleanup: contextlib.ExitStack
) -> collections.abc.Callable[[socket.socket, ssl.SSLContext], None]:
    """Performs the server's part of a handshake, whatever comes of it."""

    def shake_hands(sock: socket.socket, context: ssl.SSLContext) -> None:
        with contextlib.suppress(OSError):
            cleanup.enter_context(context.wrap_socket(sock, server_side=True)).recv(1)

    def serve(sock: socket.socket, context: ssl.SSLContext) -> None:
        sock.settimeout(5)
        threads.submit(shake_hands, sock, context)

    return serve


Serve = collections.abc.Callable[[socket.socket, ssl.SSLContext], None]


def settings_of(context: ssl.SSLContext) -> list[object]:
    return [
        context.check_hostname,
        context.verify_mode,
        context.verify_flags,
        context.options,
        context.minimum_version,
        context.maximum_version,
        context.get_ciphers(),
        context.get_ca_certs(),
        context.cert_store_stats(),
        context.sni_callback,
        context.keylog_filename,
    ]


def test_start_tls_encrypts_this_very_stream(
    plain_pair: Pair, context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, encrypted = plain_pair
    settings = settings_of(context)
    peer = terminate(encrypted)
    assert stream.start_tls(context, "localhost", timeout=5) is stream
    stream.write(b"ping", timeout=5)
    assert peer.recv(100) == b"ping"
    peer.sendall(b"pong")
    assert stream.read(100, timeout=5) == b"pong"
    assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"
    assert stream.get_extra_info("socket") is stream.get_extra_info("ssl_object")
    assert settings_of(context) == settings


def test_what_is_readable_is_asked_of_the_encrypted_socket(
    plain_pair: Pair, context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, encrypted = plain_pair
    # The descriptor may be another one afterwards.
    assert stream.get_extra_info("is_readable") is False
    peer = terminate(encrypted)
    stream.start_tls(context, "localhost", timeout=5)
    peer.sendall(b"x")
    assert stream.read(100, timeout=5) == b"x"
    assert stream.get_extra_info("is_readable") is False
    peer.sendall(b"y")
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert stream.get_extra_info("is_readable") is True


@pytest.mark.parametrize("timeout", [None, float("inf"), 1e300, 5])
def test_a_handshake_waits_for_the_server(
    plain_pair: Pair, context: ssl.SSLContext, terminate: Terminate, timeout: float | None
) -> None:
    stream, encrypted = plain_pair
    terminate(encrypted)
    stream.start_tls(context, "localhost", timeout=timeout)


def test_the_server_learns_the_name(
    plain_pair: Pair,
    context: ssl.SSLContext,
    terminate: Terminate,
    server_context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names: list[str | None] = []
    # Of the session's context: taken away again by the fixture's teardown.
    monkeypatch.setattr(
        server_context, "sni_callback", lambda sock, name, context: names.append(name)
    )
    stream, encrypted = plain_pair
    terminate(encrypted)
    stream.start_tls(context, "localhost", timeout=5)
    assert names == ["localhost"]


def test_without_a_name_none_is_sent(
    plain_pair: Pair, context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, encrypted = plain_pair
    terminate(encrypted)
    context.check_hostname = False
    stream.start_tls(context, timeout=5)
    assert stream.get_extra_info("ssl_object").server_hostname is None


def refused(
    stream: NetworkStream, context: ssl.SSLContext, name: str | None = "localhost"
) -> ConnectError:
    """The error of a handshake that has to fail, and to free the socket."""
    sock = stream.get_extra_info("socket")
    with pytest.raises(ConnectError) as caught:
        stream.start_tls(context, name, timeout=5)
    assert sock.fileno() == -1
    assert stream.get_extra_info("socket") is None
    return caught.value


def test_a_certificate_for_another_name_is_refused(
    plain_pair: Pair, context: ssl.SSLContext, serve: Serve, server_context: ssl.SSLContext
) -> None:
    stream, encrypted = plain_pair
    serve(encrypted, server_context)
    error = refused(stream, context, "example.org")
    assert "not valid for 'example.org'" in str(error)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


def test_an_unknown_authority_is_refused(
    plain_pair: Pair, serve: Serve, server_context: ssl.SSLContext
) -> None:
    stream, encrypted = plain_pair
    serve(encrypted, server_context)
    error = refused(stream, ssl.create_default_context())
    assert "unable to get local issuer certificate" in str(error)


def test_an_expired_certificate_is_refused(
    plain_pair: Pair, context: ssl.SSLContext, serve: Serve, authority: trustme.CA
) -> None:
    stream, encrypted = plain_pair
    now = datetime.datetime.now(datetime.UTC)
    expired = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(
        "localhost",
        not_before=now - datetime.timedelta(days=2),
        not_after=now - datetime.timedelta(days=1),
        key_type=trustme.KeyType.ECDSA,
    ).configure_cert(expired)
    serve(encrypted, expired)
    assert "certificate has expired" in str(refused(stream, context))


def test_a_server_without_a_common_version_is_refused(
    plain_pair: Pair, context: ssl.SSLContext, serve: Serve, authority: trustme.CA
) -> None:
    stream, encrypted = plain_pair
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA).configure_cert(old)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    serve(encrypted, old)
    assert "SSL" in str(refused(stream, context))


def test_a_server_that_does_not_speak_tls_is_refused(
    plain_pair: Pair, context: ssl.SSLContext
) -> None:
    stream, peer = plain_pair
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert "WRONG_VERSION_NUMBER" in str(refused(stream, context)).upper().replace(" ", "_")


@pytest.mark.parametrize("answer", [b"", b"\x16\x03\x03"])
def test_a_handshake_that_is_cut_is_a_connect_error(
    plain_pair: Pair, context: ssl.SSLContext, answer: bytes
) -> None:
    stream, peer = plain_pair
    peer.sendall(answer)
    peer.shutdown(socket.SHUT_WR)
    assert "EOF" in str(refused(stream, context))


def test_a_handshake_that_is_reset_is_a_connect_error(
    listener: socket.socket, context: ssl.SSLContext, threads: Threads
) -> None:
    stream = SyncStream(socket.create_connection(listener.getsockname()))
    peer, _ = listener.accept()

    def reset() -> None:
        assert peer.recv(65536)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    resetting = threads.submit(reset)
    assert "reset by peer" in str(refused(stream, context))
    resetting.result(5)


def test_a_peer_that_is_gone_before_the_handshake_is_a_connect_error(
    listener: socket.socket, context: ssl.SSLContext
) -> None:
    stream = SyncStream(socket.create_connection(listener.getsockname()))
    peer, _ = listener.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    refused(stream, context)


def test_a_handshake_that_stalls_times_out(
    plain_pair: Pair, context: ssl.SSLContext, descriptors: Descriptors
) -> None:
    stream, peer = plain_pair
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=r"longer than 0\.05 seconds"):
        stream.start_tls(context, "localhost", timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 1
    assert descriptors() == count - 1
    assert peer.recv(65536)
    assert peer.recv(65536) == b""


def test_the_timeout_is_one_for_the_whole_handshake(
    plain_pair: Pair, context: ssl.SSLContext, threads: Threads
) -> None:
    stream, peer = plain_pair
    over = threading.Event()

    def trickle() -> None:
        with contextlib.suppress(OSError):
            # The beginning of a large record, a byte at a time.
            for octet in b"\x16\x03\x03\x3f\xff" + bytes(1000):
                peer.sendall(bytes([octet]))
                if over.wait(0.02):
                    return

    trickling = threads.submit(trickle)
    before = time.monotonic()
    with pytest.raises(ConnectTimeout):
        stream.start_tls(context, "localhost", timeout=0.15)
    assert 0.15 <= time.monotonic() - before < 1
    over.set()
    trickling.result(5)


@pytest.mark.parametrize("timeout", [0, -1])
def test_without_time_there_is_no_handshake(
    plain_pair: Pair, context: ssl.SSLContext, descriptors: Descriptors, timeout: float
) -> None:
    stream, _ = plain_pair
    count = descriptors()
    with pytest.raises(ConnectTimeout):
        stream.start_tls(context, "localhost", timeout=timeout)
    assert descriptors() == count - 1


@pytest.mark.parametrize(
    ("name", "check_hostname"),
    [
        (None, True),
        *itertools.product(
            ["", "local\0host", "\0", "a" * 64, "a..b", ".localhost", "\udc80"], [True, False]
        ),
    ],
)
def test_what_is_no_name_is_a_connect_error(
    plain_pair: Pair,
    context: ssl.SSLContext,
    descriptors: Descriptors,
    name: str | None,
    check_hostname: bool,
) -> None:
    stream, _ = plain_pair
    context.check_hostname = check_hostname
    count = descriptors()
    error = refused(stream, context, name)
    # While the exception, and every frame in its traceback, is alive.
    assert descriptors() == count - 1
    assert error.__cause__ is not None


@pytest.mark.filterwarnings("ignore:.*unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_the_ssl_module_leaves_half_made_is_closed(
    plain_pair: Pair,
    context: ssl.SSLContext,
    descriptors: Descriptors,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    # Where ssl.SSLSocket has the descriptor already, and fails to free it.
    def fail(sock: ssl.SSLSocket) -> tuple[str, int]:
        raise error

    monkeypatch.setattr(ssl.SSLSocket, "getpeername", fail, raising=False)
    stream, _ = plain_pair
    count = descriptors()
    with pytest.raises((ConnectError, KeyboardInterrupt)) as caught:
        stream.start_tls(context, "localhost", timeout=5)
    assert descriptors() == count - 1
    assert caught.value.__traceback__ is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_handshake_leaves_no_socket_open(
    plain_pair: Pair,
    descriptors: Descriptors,
    monkeypatch: pytest.MonkeyPatch,
    client_context: ssl.SSLContext,
    error: type[BaseException],
) -> None:
    def interrupt(sock: socket.socket, *, writing: bool, timeout: float | None) -> bool:
        raise error

    monkeypatch.setattr("httpcore_sync._tls.wait_ready", interrupt)
    stream, _ = plain_pair
    count = descriptors()
    with pytest.raises(error):
        stream.start_tls(client_context, "localhost", timeout=5)
    assert descriptors() == count - 1
