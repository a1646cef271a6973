"""Handshakes that fail, and what is particular to encrypted streams."""

import collections.abc
import contextlib
import datetime
import functools
import itertools
import math
import socket
import ssl
import struct
import time

import pytest
import trio
import trio.testing
import trustme

from httpcore_interface import ConnectError, ConnectTimeout, ReadError, WriteError
from httpcore_trio import TrioStream

Pair = tuple[TrioStream, socket.socket]
MakePair = collections.abc.Callable[[str], Pair]
Terminate = collections.abc.Callable[[socket.socket], socket.socket]
Descriptors = collections.abc.Callable[[], int]


@pytest.fixture(params=["plain", "tls"])
def outer(request: pytest.FixtureRequest, make_pair: MakePair) -> Pair:
    """A stream that is about to be encrypted, perhaps not for the first time."""
    return make_pair(str(request.param))


async def refused(
    stream: TrioStream,
    peer: socket.socket,
    context: ssl.SSLContext,
    server: ssl.SSLContext | None,
    name: str | None = "localhost",
) -> ConnectError:
    """The error of a handshake that has to fail, and to free the socket."""

    def serve(context: ssl.SSLContext) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as sock:
            sock.recv(1)

    sock = stream.get_extra_info("socket")
    async with trio.open_nursery() as nursery:
        if server is not None:
            nursery.start_soon(functools.partial(trio.to_thread.run_sync, serve, server))
        with pytest.raises(ConnectError) as caught:
            await stream.start_tls(context, name, timeout=5)
    assert sock.fileno() == -1
    assert stream.get_extra_info("socket") is None
    assert "the TLS handshake failed: " in str(caught.value)
    assert caught.value.__cause__ is not None
    return caught.value


async def test_a_certificate_for_another_name_is_refused(
    outer: Pair,
    client_context: ssl.SSLContext,
    server_context: ssl.SSLContext,
) -> None:
    error = await refused(*outer, client_context, server_context, "example.org")
    assert "not valid for 'example.org'" in str(error)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


async def test_an_unknown_authority_is_refused(
    outer: Pair, server_context: ssl.SSLContext
) -> None:
    error = await refused(*outer, ssl.create_default_context(), server_context)
    assert "unable to get local issuer certificate" in str(error)


async def test_an_expired_certificate_is_refused(
    plain_pair: Pair, client_context: ssl.SSLContext, authority: trustme.CA
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    expired = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(
        "localhost",
        not_before=now - datetime.timedelta(days=2),
        not_after=now - datetime.timedelta(days=1),
        key_type=trustme.KeyType.ECDSA,
    ).configure_cert(expired)
    error = await refused(*plain_pair, client_context, expired)
    assert "certificate has expired" in str(error)


async def test_the_server_is_told_why(
    plain_pair: Pair, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    stream, peer = plain_pair
    told: list[str] = []

    def serve() -> None:
        with pytest.raises(ssl.SSLError) as caught:
            server_context.wrap_socket(peer, server_side=True).recv(1)
        told.append(str(caught.value))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, serve)
        with pytest.raises(ConnectError):
            await stream.start_tls(client_context, "example.org", timeout=5)
    assert "alert" in told[0].lower()


async def test_a_server_that_does_not_speak_tls_is_refused(
    outer: Pair, client_context: ssl.SSLContext
) -> None:
    stream, peer = outer
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    error = await refused(stream, peer, client_context, None)
    assert "WRONG_VERSION_NUMBER" in str(error).upper().replace(" ", "_")


@pytest.mark.parametrize("answer", [b"", b"\x16\x03\x03"])
async def test_a_handshake_that_is_cut_is_a_connect_error(
    outer: Pair, client_context: ssl.SSLContext, answer: bytes
) -> None:
    stream, peer = outer
    peer.sendall(answer)
    peer.shutdown(socket.SHUT_WR)
    # The terminator of the outer layer may be gone before the handshake begins.
    message = str(await refused(stream, peer, client_context, None))
    assert "EOF" in message or "Broken pipe" in message


async def test_a_handshake_that_is_reset_is_a_connect_error(
    listener: socket.socket, client_context: ssl.SSLContext
) -> None:
    stream = TrioStream(socket.create_connection(listener.getsockname()))
    peer, _ = listener.accept()

    async def reset() -> None:
        await trio.testing.wait_all_tasks_blocked()
        assert peer.recv(65536)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reset)
        error = await refused(stream, peer, client_context, None)
    assert "reset by peer" in str(error)


async def test_a_peer_that_is_gone_before_the_handshake_is_a_connect_error(
    plain_pair: Pair, client_context: ssl.SSLContext
) -> None:
    stream, peer = plain_pair
    peer.close()
    assert "Broken pipe" in str(await refused(stream, peer, client_context, None))


async def test_a_handshake_that_stalls_times_out(
    outer: Pair, client_context: ssl.SSLContext, descriptors: Descriptors
) -> None:
    stream, peer = outer
    sock = stream.get_extra_info("socket")
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=r"handshake took longer than 0\.05 seconds"):
        await stream.start_tls(client_context, "localhost", timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 2
    assert sock.fileno() == -1
    assert peer.recv(65536)
    assert peer.recv(65536) == b""


async def test_the_timeout_is_one_for_the_whole_handshake(
    plain_pair: Pair, client_context: ssl.SSLContext
) -> None:
    stream, peer = plain_pair

    async def trickle() -> None:
        # In the end the stream may be closed before this is cancelled.
        with contextlib.suppress(OSError):
            # The beginning of a large record, a byte at a time.
            for octet in b"\x16\x03\x03\x3f\xff" + bytes(1000):
                peer.sendall(bytes([octet]))
                await trio.sleep(0.02)

    before = time.monotonic()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trickle)
        with pytest.raises(ConnectTimeout):
            await stream.start_tls(client_context, "localhost", timeout=0.15)
        nursery.cancel_scope.cancel()
    assert 0.15 <= time.monotonic() - before < 2


@pytest.mark.parametrize("timeout", [0, -1, -math.inf, math.nan])
async def test_without_time_there_is_no_handshake(
    plain_pair: Pair, client_context: ssl.SSLContext, timeout: float
) -> None:
    stream, _ = plain_pair
    sock = stream.get_extra_info("socket")
    with pytest.raises(ConnectTimeout, match=f"longer than {timeout} seconds"):
        await stream.start_tls(client_context, "localhost", timeout=timeout)
    assert sock.fileno() == -1


async def test_a_handshake_waits_for_room(
    plain_pair: Pair, client_context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, peer = plain_pair
    sock = stream.get_extra_info("socket")
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += sock.send(bytes(65536))

    async def make_room() -> None:
        await trio.testing.wait_all_tasks_blocked()
        received = 0
        while received < filled:
            received += len(peer.recv(filled - received))
        terminate(peer)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(make_room)
        await stream.start_tls(client_context, "localhost", timeout=5)


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
    plain_pair: Pair, client_context: ssl.SSLContext, name: str | None, check_hostname: bool
) -> None:
    client_context.check_hostname = check_hostname
    await refused(*plain_pair, client_context, None, name)


async def test_without_a_name_none_is_sent(
    plain_pair: Pair, client_context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, encrypted = plain_pair
    terminate(encrypted)
    client_context.check_hostname = False
    assert await stream.start_tls(client_context, timeout=None) is stream
    assert stream.get_extra_info("ssl_object").server_hostname is None


async def test_each_layer_has_its_own_ssl_object(
    plain_pair: Pair, client_context: ssl.SSLContext, terminate: Terminate
) -> None:
    stream, peer = plain_pair
    sock = stream.get_extra_info("socket")
    found = []
    for _ in range(3):
        peer = terminate(peer)
        assert await stream.start_tls(client_context, "localhost", timeout=5) is stream
        found.append(stream.get_extra_info("ssl_object"))
        assert stream.get_extra_info("socket") is sock
    assert len(set(map(id, found))) == 3
    await stream.write(b"ping", 5)
    assert peer.recv(100) == b"ping"


async def test_the_context_of_a_library_is_used_its_own_way(
    plain_pair: Pair, authority: trustme.CA, terminate: Terminate
) -> None:
    calls: list[str | bytes | None] = []

    class OwnWay(ssl.SSLContext):
        """What truststore's contexts do: they take over `wrap_bio`."""

        # The arguments of the original, whatever they are.
        def wrap_bio(self, *arguments, **options):  # type: ignore[no-untyped-def]
            calls.append(options["server_hostname"])
            return super().wrap_bio(*arguments, **options)

    context = OwnWay(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    stream, encrypted = plain_pair
    terminate(encrypted)
    await stream.start_tls(context, "localhost", timeout=5)
    assert calls == ["localhost"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
async def test_an_interrupted_handshake_leaves_no_socket_open(
    plain_pair: Pair,
    change_library: collections.abc.Callable[[str, object], None],
    client_context: ssl.SSLContext,
    error: type[BaseException],
) -> None:
    async def interrupt(sock: socket.socket) -> None:
        raise error

    change_library("wait_readable", interrupt)
    stream, _ = plain_pair
    sock = stream.get_extra_info("socket")
    with pytest.raises(error):
        await stream.start_tls(client_context, "localhost", timeout=5)
    assert sock.fileno() == -1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("farewell", [True, False])
async def test_the_end_of_the_stream_may_come_without_a_farewell(
    plain_pair: Pair,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    version: ssl.TLSVersion,
    farewell: bool,
) -> None:
    client_context.minimum_version = client_context.maximum_version = version
    stream, encrypted = plain_pair

    def serve() -> None:
        with server_context.wrap_socket(encrypted, server_side=True) as peer:
            peer.sendall(b"all there is")
            if farewell:
                peer.settimeout(0)
                with contextlib.suppress(ssl.SSLWantReadError):
                    peer.unwrap()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, serve)
        await stream.start_tls(client_context, "localhost", timeout=5)
    assert await stream.read(100, timeout=5) == b"all there is"
    for timeout in (5, None, 0):
        assert await stream.read(100, timeout=timeout) == b""


async def test_the_server_may_ask_for_a_certificate_later(
    outer: Pair, authority: trustme.CA
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
    stream, encrypted = outer

    def ask() -> None:
        encrypted.settimeout(5)
        peer = server.wrap_socket(encrypted, server_side=True)
        with peer:
            assert peer.recv(100) == b"ping"
            peer.verify_client_post_handshake()
            peer.sendall(b"?")
            peer.settimeout(0.02)
            while not peer.getpeercert():
                with contextlib.suppress(TimeoutError):
                    assert peer.recv(1)
            peer.sendall(b"welcome")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, ask)
        await stream.start_tls(client, "localhost", timeout=5)
        await stream.write(b"ping", timeout=5)
        assert await stream.read(100, timeout=5) == b"?"
        # What comes after that, comes only when the certificate was sent.
        assert await stream.read(100, timeout=5) == b"welcome"


async def test_a_record_that_cannot_be_decrypted_is_an_error(
    plain_pair: Pair, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    stream, encrypted = plain_pair
    with encrypted.dup() as raw:

        def serve() -> None:
            server_context.wrap_socket(encrypted, server_side=True).close()
            raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, serve)
            await stream.start_tls(client_context, "localhost", timeout=5)
        with pytest.raises(ReadError) as caught:
            await stream.read(100, timeout=5)
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        with pytest.raises(WriteError):
            await stream.write(b"x", timeout=5)
