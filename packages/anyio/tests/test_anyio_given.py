"""Streams over byte streams that a program has opened by anyio itself."""

import contextlib
import socket
import ssl
import struct

import anyio
import anyio.abc
import pytest
import trustme

from httpcore_anyio import AnyIOStream
from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)


def over(opened: anyio.abc.ByteStream) -> AnyIOStream:
    """Returns a stream over one that was opened by the library itself."""
    # What it is given decides what it is; type checkers know of sockets.
    given: socket.socket = opened  # type: ignore[assignment]
    return AnyIOStream(given)


async def connected() -> tuple[AnyIOStream, socket.socket]:
    """A stream over one of anyio's, and its peer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened = await anyio.connect_tcp(*server.getsockname())
        peer, _ = server.accept()
    return over(opened), peer


async def test_what_is_written_and_read_goes_through_the_stream() -> None:
    stream, peer = await connected()
    with peer:
        assert isinstance(stream, AnyIOStream)
        await stream.write(b"")
        await stream.write(memoryview(b"ping"))
        assert peer.recv(100) == b"ping"
        peer.sendall(b"pong")
        assert await stream.read(3) == b"pon"
        assert await stream.read(3, timeout=5.0) == b"g"
        peer.shutdown(socket.SHUT_WR)
        assert await stream.read(3) == b""
        assert await stream.wait_writable()
        await stream.aclose()
        await stream.aclose()


async def test_facts_are_those_of_the_stream() -> None:
    stream, peer = await connected()
    with peer:
        assert stream.get_extra_info("server_addr") == peer.getsockname()
        assert stream.get_extra_info("client_addr") == peer.getpeername()
        assert stream.get_extra_info("socket").fileno() > 0
        assert stream.get_extra_info("ssl_object") is None
        assert stream.get_extra_info("anything") is None
        assert not stream.get_extra_info("is_readable")
        peer.sendall(b"!")
        with anyio.fail_after(30):
            while not stream.get_extra_info("is_readable"):
                await anyio.lowlevel.checkpoint()
        await stream.aclose()


async def test_timeouts_are_those_of_the_operation() -> None:
    stream, peer = await connected()
    with peer:
        with pytest.raises(ReadTimeout):
            await stream.read(1, timeout=0.0)
        with pytest.raises(WriteTimeout):
            await stream.write(bytes(64_000_000), timeout=0.0)
        with pytest.raises(WriteError, match="earlier"):
            await stream.write(b"x")
        await stream.aclose()


async def test_failures_are_those_of_the_operation() -> None:
    stream, peer = await connected()
    peer.close()
    await stream.aclose()
    with pytest.raises(ReadError):
        await stream.read(1)
    with pytest.raises(WriteError):
        await stream.write(b"x")
    with pytest.raises(ValueError, match="max_bytes"):
        await stream.read(0)


async def test_tls_is_started_over_the_stream() -> None:
    authority = trustme.CA()
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    stream, peer = await connected()

    def serve() -> bytes:
        with theirs.wrap_socket(peer, server_side=True) as encrypted:
            asked = encrypted.recv(100)
            encrypted.sendall(asked.upper())
            return asked

    answers: list[bytes] = []

    async def served() -> None:
        answers.append(await anyio.to_thread.run_sync(serve))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(served)
        encrypted = await stream.start_tls(ours, "localhost", timeout=30.0)
        await encrypted.write(b"hello")
        assert await encrypted.read(100) == b"HELLO"
        assert encrypted.get_extra_info("ssl_object").version().startswith("TLS")
        assert isinstance(encrypted, AnyIOStream)
        await encrypted.aclose()
    assert answers == [b"hello"]


async def test_close_does_not_wait_for_the_peer() -> None:
    authority = trustme.CA()
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    peers: list[ssl.SSLSocket] = []

    def serve(server: socket.socket) -> None:
        accepted, _ = server.accept()
        peers.append(theirs.wrap_socket(accepted, server_side=True))

    with socket.create_server(("127.0.0.1", 0)) as server:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, serve, server)
            opened = await anyio.connect_tcp(
                *server.getsockname(), ssl_context=ours, tls_hostname="localhost"
            )
    with peers[0]:
        with anyio.fail_after(30):
            await over(opened).aclose()
        # With tickets unread, closing is a reset.
        with contextlib.suppress(ConnectionResetError):
            assert peers[0].recv(100) == b""


async def test_handshake_that_takes_too_long_closes_the_stream() -> None:
    stream, peer = await connected()
    with peer:
        with pytest.raises(ConnectTimeout):
            await stream.start_tls(ssl.create_default_context(), "localhost", timeout=0.0)
        with pytest.raises(ReadError):
            await stream.read(1)


async def test_handshake_that_fails_closes_the_stream() -> None:
    stream, peer = await connected()
    with peer:
        peer.sendall(b"no TLS is spoken here, whatever is asked")
        with pytest.raises(ConnectError):
            await stream.start_tls(ssl.create_default_context(), "localhost")
        with pytest.raises(ReadError):
            await stream.read(1)


@pytest.mark.parametrize("server_hostname", ["", "\0", ".test", "a" * 64, None])
async def test_handshake_without_a_name_that_fits_closes_the_stream(
    server_hostname: str | None,
) -> None:
    stream, peer = await connected()
    with peer:
        with pytest.raises(ConnectError):
            await stream.start_tls(ssl.create_default_context(), server_hostname, timeout=30.0)
        assert peer.recv(100) == b""


async def test_facts_of_a_stream_that_is_closed_are_unknown() -> None:
    stream, peer = await connected()
    with peer:
        await stream.aclose()
        assert stream.get_extra_info("client_addr") is None
        assert stream.get_extra_info("server_addr") is None
        assert stream.get_extra_info("is_readable")


async def test_facts_of_a_stream_that_is_broken_are_unknown() -> None:
    stream, peer = await connected()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    assert stream.get_extra_info("server_addr") is None
    await stream.aclose()
