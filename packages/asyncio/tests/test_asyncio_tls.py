import asyncio
import collections.abc
import concurrent.futures
import contextlib
import datetime
import itertools
import socket
import ssl
import struct
import threading
import time

import pytest
import trustme

from httpcore_asyncio import AsyncioStream
from httpcore_interface import ConnectError, ConnectTimeout, ReadError, ReadTimeout, WriteError

Pair = tuple[AsyncioStream, socket.socket]
MakePair = collections.abc.Callable[[str], Pair]
Threads = concurrent.futures.ThreadPoolExecutor
Terminate = collections.abc.Callable[[socket.socket], socket.socket]
Serve = collections.abc.Callable[[socket.socket, ssl.SSLContext], None]
Descriptors = collections.abc.Callable[[], int]

pytestmark = pytest.mark.usefixtures("runner")

# How much sooner a timer may go off: uvloop counts whole milliseconds.
EARLY = 0.005


@pytest.fixture(params=["plain", "tls"])
def outer(request: pytest.FixtureRequest, make_pair: MakePair) -> Pair:
    """A stream to put another layer of TLS on."""
    return make_pair(str(request.param))


@pytest.fixture
def serve(threads: Threads, cleanup: contextlib.ExitStack) -> Serve:
    """Performs the server's part of a handshake, whatever comes of it."""

    def shake_hands(sock: socket.socket, context: ssl.SSLContext) -> None:
        with contextlib.suppress(OSError):
            cleanup.enter_context(context.wrap_socket(sock, server_side=True)).recv(1)

    def serve(sock: socket.socket, context: ssl.SSLContext) -> None:
        sock.settimeout(5)
        threads.submit(shake_hands, sock, context)

    return serve


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


async def test_start_tls_encrypts_this_very_stream(
    outer: Pair, authority: trustme.CA, terminate: Terminate
) -> None:
    stream, encrypted = outer
    # Without the system's authorities, which are loaded when they are asked for.
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client_context)
    settings = settings_of(client_context)
    before = stream.get_extra_info("ssl_object")
    peer = terminate(encrypted)
    assert await stream.start_tls(client_context, "localhost", timeout=5) is stream
    await stream.write(b"ping", timeout=5)
    assert peer.recv(100) == b"ping"
    peer.sendall(b"pong")
    assert await stream.read(100, timeout=5) == b"pong"
    assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"
    assert stream.get_extra_info("ssl_object") is not before
    assert settings_of(client_context) == settings


async def test_there_is_no_end_to_nesting(
    outer: Pair, client_context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, peer = outer
    for _ in range(4):
        peer = terminate(peer)
        await stream.start_tls(client_context, "localhost", timeout=5)
        await stream.write(b"ping", timeout=5)
        assert peer.recv(100) == b"ping"
        peer.sendall(b"pong")
        assert await stream.read(100, timeout=5) == b"pong"
    await stream.aclose()
    assert peer.recv(100) == b""


@pytest.mark.parametrize("timeout", [None, float("inf"), 1e300, 1e10, 5])
async def test_a_handshake_waits_for_the_server(
    outer: Pair, client_context: ssl.SSLContext, terminate: Terminate, timeout: float | None
) -> None:
    stream, encrypted = outer
    shaking = asyncio.create_task(stream.start_tls(client_context, "localhost", timeout))
    await asyncio.sleep(0.01)
    terminate(encrypted)
    await shaking


async def test_the_server_learns_the_name(
    outer: Pair,
    client_context: ssl.SSLContext,
    terminate: Terminate,
    server_context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names: list[str | None] = []
    # Of the session's context: taken away again by the fixture's teardown.
    monkeypatch.setattr(
        server_context, "sni_callback", lambda sock, name, context: names.append(name)
    )
    stream, encrypted = outer
    terminate(encrypted)
    await stream.start_tls(client_context, "localhost", timeout=5)
    assert names == ["localhost"]


async def test_without_a_name_none_is_sent(
    outer: Pair, client_context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, encrypted = outer
    terminate(encrypted)
    client_context.check_hostname = False
    await stream.start_tls(client_context, timeout=5)
    assert stream.get_extra_info("ssl_object").server_hostname is None


async def test_what_the_server_said_before_the_handshake_is_no_part_of_the_stream(
    plain_pair: Pair, client_context: ssl.SSLContext
) -> None:
    # Otherwise whoever sits in between could put words into its mouth.
    stream, peer = plain_pair
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    # The loop has it before anybody asks for TLS.
    await stream.wait_writable(0)
    await asyncio.sleep(0)
    with pytest.raises(ConnectError, match="the TLS handshake failed"):
        await stream.start_tls(client_context, "localhost", timeout=5)


async def refused(
    stream: AsyncioStream, context: ssl.SSLContext, name: str | None = "localhost"
) -> ConnectError:
    """The error of a handshake that has to fail, and to free the socket."""
    sock = stream.get_extra_info("socket")
    with pytest.raises(ConnectError) as caught:
        await stream.start_tls(context, name, timeout=5)
    assert sock.fileno() == -1
    assert stream.get_extra_info("socket") is None
    with pytest.raises(ReadError, match="closed on this side"):
        await stream.read(100)
    return caught.value


async def test_a_certificate_for_another_name_is_refused(
    outer: Pair,
    client_context: ssl.SSLContext,
    serve: Serve,
    server_context: ssl.SSLContext,
) -> None:
    stream, encrypted = outer
    serve(encrypted, server_context)
    error = await refused(stream, client_context, "example.org")
    assert "not valid for 'example.org'" in str(error)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


async def test_the_server_is_told_why_it_was_refused(
    outer: Pair,
    client_context: ssl.SSLContext,
    threads: Threads,
    server_context: ssl.SSLContext,
) -> None:
    stream, encrypted = outer
    accepting = threads.submit(server_context.wrap_socket, encrypted, server_side=True)
    await refused(stream, client_context, "example.org")
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        # With TLS 1.3 its part of the handshake may be over by then.
        await asyncio.to_thread(lambda: accepting.result(5).recv(1))


async def test_an_unknown_authority_is_refused(
    outer: Pair, serve: Serve, server_context: ssl.SSLContext
) -> None:
    stream, encrypted = outer
    serve(encrypted, server_context)
    error = await refused(stream, ssl.create_default_context())
    assert "unable to get local issuer certificate" in str(error)


async def test_an_expired_certificate_is_refused(
    outer: Pair, client_context: ssl.SSLContext, serve: Serve, authority: trustme.CA
) -> None:
    stream, encrypted = outer
    now = datetime.datetime.now(datetime.UTC)
    expired = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(
        "localhost",
        not_before=now - datetime.timedelta(days=2),
        not_after=now - datetime.timedelta(days=1),
        key_type=trustme.KeyType.ECDSA,
    ).configure_cert(expired)
    serve(encrypted, expired)
    assert "certificate has expired" in str(await refused(stream, client_context))


async def test_a_server_without_a_common_version_is_refused(
    outer: Pair, client_context: ssl.SSLContext, serve: Serve, authority: trustme.CA
) -> None:
    stream, encrypted = outer
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA).configure_cert(old)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    client_context.minimum_version = ssl.TLSVersion.TLSv1_3
    serve(encrypted, old)
    assert "SSL" in str(await refused(stream, client_context))


async def test_a_server_that_does_not_speak_tls_is_refused(
    outer: Pair, client_context: ssl.SSLContext
) -> None:
    stream, peer = outer
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    error = await refused(stream, client_context)
    assert "WRONG_VERSION_NUMBER" in str(error).upper().replace(" ", "_")


@pytest.mark.parametrize("answer", [b"", b"\x16\x03\x03"])
async def test_a_handshake_that_is_cut_is_a_connect_error(
    outer: Pair, client_context: ssl.SSLContext, answer: bytes
) -> None:
    stream, peer = outer
    peer.sendall(answer)
    peer.shutdown(socket.SHUT_WR)
    assert "EOF" in str(await refused(stream, client_context))


async def test_a_handshake_that_is_reset_is_a_connect_error(
    tcp_pair: Pair, client_context: ssl.SSLContext, threads: Threads
) -> None:
    stream, peer = tcp_pair

    def reset() -> None:
        assert peer.recv(65536)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    resetting = threads.submit(reset)
    error = await refused(stream, client_context)
    assert "reset by peer" in str(error)
    assert isinstance(error.__cause__, ReadError)
    resetting.result(5)


async def test_a_peer_that_is_gone_before_the_handshake_is_a_connect_error(
    tcp_pair: Pair, client_context: ssl.SSLContext
) -> None:
    stream, peer = tcp_pair
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    await refused(stream, client_context)


@pytest.mark.parametrize("timeout", [0.05, 0, -1])
async def test_a_handshake_that_stalls_times_out(
    outer: Pair,
    client_context: ssl.SSLContext,
    timeout: float,
) -> None:
    stream, peer = outer
    sock = stream.get_extra_info("socket")
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=f"longer than {timeout} seconds"):
        await stream.start_tls(client_context, "localhost", timeout=timeout)
    assert max(timeout - EARLY, 0) <= time.monotonic() - before < 1
    assert sock.fileno() == -1
    assert peer.recv(65536)
    assert peer.recv(65536) == b""


async def test_the_timeout_is_one_for_the_whole_handshake(
    outer: Pair, client_context: ssl.SSLContext, threads: Threads
) -> None:
    stream, peer = outer
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
        await stream.start_tls(client_context, "localhost", timeout=0.15)
    assert 0.15 - EARLY <= time.monotonic() - before < 1
    over.set()
    trickling.result(5)


@pytest.mark.parametrize(
    ("name", "check_hostname"),
    [
        (None, True),
        *itertools.product(
            ["", "local\0host", "\0", "a" * 64, "a..b", ".localhost", "\udc80"], [True, False]
        ),
    ],
)
async def test_what_is_no_name_is_a_connect_error(
    outer: Pair,
    client_context: ssl.SSLContext,
    name: str | None,
    check_hostname: bool,
) -> None:
    stream, _ = outer
    client_context.check_hostname = check_hostname
    error = await refused(stream, client_context, name)
    assert isinstance(error.__cause__, ValueError)


async def test_a_handshake_that_raises_anything_leaves_no_socket_open(
    outer: Pair, client_context: ssl.SSLContext
) -> None:
    class Interrupted(ssl.SSLObject):
        def do_handshake(self) -> None:
            raise MemoryError

    client_context.sslobject_class = Interrupted
    stream, _ = outer
    sock = stream.get_extra_info("socket")
    with pytest.raises(MemoryError):
        await stream.start_tls(client_context, "localhost", timeout=5)
    assert sock.fileno() == -1


async def test_a_handshake_beside_a_read_is_refused(
    outer: Pair, client_context: ssl.SSLContext
) -> None:
    stream, _ = outer
    reading = asyncio.create_task(stream.read(100))
    await asyncio.sleep(0)
    with pytest.raises(ConnectError, match="another task is reading"):
        await stream.start_tls(client_context, "localhost", timeout=5)
    with pytest.raises(ReadError):
        await reading


async def test_a_context_may_verify_in_its_own_way(
    outer: Pair, client_context: ssl.SSLContext, terminate: Terminate
) -> None:
    # What truststore's contexts do.
    class Verifying(ssl.SSLObject):
        has_verified = False

        def do_handshake(self) -> None:
            super().do_handshake()
            assert self.getpeercert()
            self.has_verified = True

    client_context.sslobject_class = Verifying
    stream, encrypted = outer
    terminate(encrypted)
    await stream.start_tls(client_context, "localhost", timeout=5)
    assert stream.get_extra_info("ssl_object").has_verified


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("farewell", [True, False])
async def test_the_end_of_the_stream_may_come_without_a_farewell(
    outer: Pair,
    threads: Threads,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    version: ssl.TLSVersion,
    farewell: bool,
) -> None:
    client_context.minimum_version = client_context.maximum_version = version
    stream, encrypted = outer
    accepting = threads.submit(server_context.wrap_socket, encrypted, server_side=True)
    await stream.start_tls(client_context, "localhost", timeout=5)
    with accepting.result(5) as peer:
        peer.sendall(b"all there is")
        if farewell:
            peer.settimeout(0)
            with contextlib.suppress(ssl.SSLWantReadError):
                peer.unwrap()
    assert await stream.read(100, timeout=5) == b"all there is"
    for timeout in (5, None, 0):
        assert await stream.read(100, timeout=timeout) == b""


async def test_after_the_farewell_the_stream_stays_readable(
    outer: Pair,
    threads: Threads,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
) -> None:
    stream, encrypted = outer
    accepting = threads.submit(server_context.wrap_socket, encrypted, server_side=True)
    await stream.start_tls(client_context, "localhost", timeout=5)
    with accepting.result(5) as peer:
        peer.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            peer.unwrap()
        # The connection is still there, and silent.
        assert await stream.read(100, timeout=5) == b""
        assert stream.get_extra_info("is_readable") is True
        await stream.write(b"x", timeout=5)
        assert await stream.read(100, timeout=0) == b""


@pytest.mark.parametrize("looks_first", [True, False])
async def test_a_record_that_cannot_be_decrypted_is_an_error_for_ever(
    plain_pair: Pair,
    threads: Threads,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    looks_first: bool,
) -> None:
    stream, encrypted = plain_pair
    with encrypted.dup() as raw:
        accepting = threads.submit(server_context.wrap_socket, encrypted, server_side=True)
        await stream.start_tls(client_context, "localhost", timeout=5)
        with accepting.result(5):
            with pytest.raises(ReadTimeout):
                await stream.read(100, timeout=0.01)
            raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
            if looks_first:
                await asyncio.sleep(0.01)
                assert stream.get_extra_info("is_readable")
            for timeout in (5, None, 0):
                # Never an end: somebody may have cut it.
                with pytest.raises(ReadError) as caught:
                    await stream.read(100, timeout=timeout)
                assert isinstance(caught.value.__cause__, ssl.SSLError)
                assert stream.get_extra_info("is_readable")
            with pytest.raises(WriteError):
                await stream.write(b"x", timeout=5)


async def test_the_server_may_ask_for_a_certificate_later(
    outer: Pair, threads: Threads, authority: trustme.CA
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA).configure_cert(server)
    authority.configure_trust(server)
    server.post_handshake_auth = True
    server.verify_mode = ssl.CERT_OPTIONAL
    client = ssl.create_default_context()
    authority.configure_trust(client)
    authority.issue_cert("us", key_type=trustme.KeyType.ECDSA).configure_cert(client)
    client.post_handshake_auth = True

    def ask(peer: ssl.SSLSocket) -> None:
        assert peer.recv(100) == b"ping"
        peer.verify_client_post_handshake()
        peer.sendall(b"?")
        peer.settimeout(0.02)
        while not peer.getpeercert():
            with contextlib.suppress(TimeoutError):
                assert peer.recv(1)
        peer.sendall(b"welcome")

    stream, encrypted = outer
    accepting = threads.submit(server.wrap_socket, encrypted, server_side=True)
    await stream.start_tls(client, "localhost", timeout=5)
    with accepting.result(5) as peer:
        asking = threads.submit(ask, peer)
        await stream.write(b"ping", timeout=5)
        assert await stream.read(100, timeout=5) == b"?"
        # What comes after that, comes only when the certificate was sent.
        assert await stream.read(100, timeout=5) == b"welcome"
        asking.result(5)


async def test_a_large_write_is_encrypted_piece_by_piece(
    tls_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _ = tls_pair
    with pytest.raises(Exception, match="took no bytes"):
        await stream.write(bytes(64 * 1024 * 1024), timeout=0.05)
    # The rest of one piece, and its encryption.
    assert stream._protocol.transport.get_write_buffer_size() < 300_000
