"""Tests that are coroutines, and streams with a peer to talk to.

Whatever the stream, its peer is a plain socket in the test's hands: a terminator in a
thread stands in between and takes the encryption off, one per layer.
"""

import collections.abc
import contextlib
import dataclasses
import functools
import inspect
import os
import select
import socket
import ssl
import threading

import pytest
import trio
import trustme

from httpcore_trio import TrioStream
from httpcore_trio._library import TRIO

Pair = tuple[TrioStream, socket.socket]
Coroutine = collections.abc.Coroutine[object, None, None]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    async def main() -> None:
        # A wait that nothing ends is a failure with a traceback.
        with trio.fail_after(30):
            await test(**arguments)

    trio.run(main)
    return True


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
    # Not the default one, which takes its time to load the authorities of the system.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


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
def address(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()
    return host, port


@pytest.fixture
def make_full_listener(
    cleanup: contextlib.ExitStack,
) -> collections.abc.Callable[[str], socket.socket]:
    """Makes servers that answer no connect until they have accepted some."""

    def make_full_listener(host: str) -> socket.socket:
        server = cleanup.enter_context(socket.create_server((host, 0), backlog=0))
        while True:
            sock = cleanup.enter_context(socket.socket())
            sock.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                sock.connect(server.getsockname())
            if not select.select([], [sock], [], 0.05)[1]:
                # Nor shall this one be the next that it accepts.
                sock.close()
                return server

    return make_full_listener


@pytest.fixture
def refused() -> collections.abc.Iterator[tuple[str, int]]:
    """An address where nobody listens, nor can begin to: it is bound."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        host, port = sock.getsockname()
        yield host, port


@pytest.fixture
def blackhole(
    make_full_listener: collections.abc.Callable[[str], socket.socket],
) -> tuple[str, int]:
    """An address that answers no connect."""
    host, port = make_full_listener("127.0.0.1").getsockname()
    return host, port


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
            self.encrypted.settimeout(5)
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
            poll = select.poll()
            poll.register(tls, select.POLLOUT * bool(outwards) | select.POLLIN * (not inwards))
            poll.register(
                self.plain, select.POLLOUT * bool(inwards) | select.POLLIN * (not outwards)
            )
            if inwards or not tls.pending():
                poll.poll()
            would_block = BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError
            with contextlib.suppress(*would_block):
                if inwards:
                    inwards = inwards[self.plain.send(inwards) :]
                elif not (inwards := tls.recv(65536)):
                    return
            with contextlib.suppress(*would_block):
                if outwards:
                    outwards = outwards[tls.send(outwards) :]
                elif not (outwards := self.plain.recv(65536)):
                    return


@pytest.fixture
def terminate(
    cleanup: contextlib.ExitStack, server_context: ssl.SSLContext
) -> collections.abc.Callable[[socket.socket], socket.socket]:
    """Puts a TLS server on a socket, and returns the socket where its plain bytes are."""

    def terminate(encrypted: socket.socket) -> socket.socket:
        inner, peer = socket.socketpair()
        terminator = Terminator(encrypted, inner, server_context)
        cleanup.callback(terminator.join, 10)
        peer.settimeout(10)
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
        peer.settimeout(10)
        stream = TrioStream(ours)
        cleanup.callback(stream._close)
        for _ in range(("plain", "tls", "tls in tls").index(kind)):
            peer = terminate(peer)
            # Streams may go from one run to the next while nobody waits for them.
            trio.run(functools.partial(stream.start_tls, client_context, "localhost", 5))
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
def change_library(
    monkeypatch: pytest.MonkeyPatch,
) -> collections.abc.Callable[[str, object], None]:
    """Replaces something that streams and connects wait with."""

    def change_library(name: str, value: object) -> None:
        # Whatever its type is.
        changed = dataclasses.replace(TRIO, **{name: value})  # type: ignore[arg-type]
        monkeypatch.setattr(TrioStream, "library", changed)
        monkeypatch.setattr("httpcore_trio._backend.TRIO", changed)

    return change_library


@pytest.fixture
def tls_pair(make_pair: collections.abc.Callable[[str], Pair]) -> Pair:
    return make_pair("tls")
