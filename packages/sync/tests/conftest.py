"""Streams with a peer to talk to: plain, encrypted, and encrypted twice.

Whatever the stream, its peer is a plain socket: a terminator in a thread stands in
between and takes the encryption off, one per layer.
"""

import collections.abc
import concurrent.futures
import contextlib
import os
import select
import socket
import ssl
import threading

import pytest
import trustme

from httpcore_interface import NetworkStream
from httpcore_sync import SyncStream

Pair = tuple[NetworkStream, socket.socket]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest.fixture
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def threads() -> collections.abc.Iterator[concurrent.futures.ThreadPoolExecutor]:
    with concurrent.futures.ThreadPoolExecutor() as executor:
        yield executor


@pytest.fixture
def cleanup() -> collections.abc.Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def count_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def descriptors() -> collections.abc.Callable[[], int]:
    return count_descriptors


@pytest.fixture
def listener() -> collections.abc.Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def blackhole(cleanup: contextlib.ExitStack) -> tuple[str, int]:
    """The address of a server that answers no connect: its queue is full."""
    server = cleanup.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    address: tuple[str, int] = server.getsockname()
    while True:
        sock = cleanup.enter_context(socket.socket())
        sock.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            sock.connect(address)
        if not select.select([], [sock], [], 0.05)[1]:
            return address


class Terminator(threading.Thread):
    """Takes the encryption off a connection: TLS on one socket, plain on the other."""

    def __init__(
        self, encrypted: socket.socket, plain: socket.socket, context: ssl.SSLContext
    ) -> None:
        super().__init__(daemon=True)
        self.encrypted, self.plain, self.context = encrypted, plain, context
        self.start()

    def run(self) -> None:
        with self.plain, self.encrypted, contextlib.suppress(OSError):
            tls = self.context.wrap_socket(self.encrypted, server_side=True)
            with tls, contextlib.suppress(ssl.SSLWantReadError):
                tls.settimeout(0)
                self.plain.settimeout(0)
                self.pump(tls)
                tls.unwrap()

    def pump(self, tls: ssl.SSLSocket) -> None:
        """Moves bytes in both directions until one side has ended."""
        inwards = outwards = b""
        while True:
            readers: list[socket.socket] = []
            writers: list[socket.socket] = []
            (writers if inwards else readers).append(self.plain if inwards else tls)
            (writers if outwards else readers).append(tls if outwards else self.plain)
            if not (tls in readers and tls.pending()):
                select.select(readers, writers, [])
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                if inwards:
                    inwards = inwards[self.plain.send(inwards) :]
                else:
                    inwards = tls.recv(65536)
                    if not inwards:
                        return
            with contextlib.suppress(
                BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError
            ):
                if outwards:
                    outwards = outwards[tls.send(outwards) :]
                else:
                    outwards = self.plain.recv(65536)
                    if not outwards:
                        return


@pytest.fixture
def terminate(
    cleanup: contextlib.ExitStack, server_context: ssl.SSLContext
) -> collections.abc.Callable[[socket.socket], socket.socket]:
    """Puts a TLS server on a socket, and returns the socket where its plain bytes are."""

    def terminate(encrypted: socket.socket) -> socket.socket:
        inner, peer = socket.socketpair()
        terminator = Terminator(encrypted, inner, server_context)
        cleanup.callback(terminator.join, 5)
        # Closed first: that is what ends the thread, whatever it is doing.
        return cleanup.enter_context(peer)

    return terminate


@pytest.fixture
def make_pair(
    cleanup: contextlib.ExitStack,
    client_context: ssl.SSLContext,
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
) -> collections.abc.Callable[[str], Pair]:
    """Makes a stream, "plain", "tls" or "tls in tls", and the socket of its peer."""

    def make_pair(kind: str) -> Pair:
        ours, peer = socket.socketpair()
        cleanup.enter_context(peer)
        stream: NetworkStream = SyncStream(ours)
        cleanup.callback(stream.close)
        for _ in range(("plain", "tls", "tls in tls").index(kind)):
            peer = terminate(peer)
            stream = stream.start_tls(client_context, "localhost", timeout=5)
            cleanup.callback(stream.close)
        return stream, peer

    return make_pair


@pytest.fixture(params=["plain", "tls", "tls in tls"])
def pair(
    request: pytest.FixtureRequest, make_pair: collections.abc.Callable[[str], Pair]
) -> Pair:
    return make_pair(str(request.param))


@pytest.fixture
def plain_pair(make_pair: collections.abc.Callable[[str], Pair]) -> Pair:
    return make_pair("plain")


@pytest.fixture
def tls_pair(make_pair: collections.abc.Callable[[str], Pair]) -> Pair:
    return make_pair("tls")
