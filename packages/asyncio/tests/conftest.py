"""Tests that are coroutines, and streams with a peer to talk to.

Each runs on asyncio's loop and on uvloop's. Whatever the stream, its peer is a plain
socket: a terminator in a thread stands in between and takes the encryption off, one
per layer.
"""

import asyncio
import collections.abc
import concurrent.futures
import contextlib
import importlib
import importlib.util
import inspect
import os
import select
import socket
import ssl
import threading

import pytest
import trustme

from httpcore_asyncio import AsyncioStream
from httpcore_asyncio._adopt import adopt

Pair = tuple[AsyncioStream, socket.socket]
Coroutine = collections.abc.Coroutine[object, object, AsyncioStream]
OpenStream = collections.abc.Callable[[socket.socket], Coroutine]

LOOPS = [
    "asyncio",
    pytest.param(
        "uvloop",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"
        ),
    ),
]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine; its module uses the fixture `runner`."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    async def main() -> None:
        # A wait that nothing ends is a failure with a traceback.
        async with asyncio.timeout(30):
            await test(**arguments)

    runner = pyfuncitem.funcargs["runner"]
    assert isinstance(runner, asyncio.Runner)
    runner.run(main())
    return True


@pytest.fixture(params=LOOPS)
def new_loop(
    request: pytest.FixtureRequest,
) -> collections.abc.Callable[[], asyncio.AbstractEventLoop]:
    library = importlib.import_module(str(request.param))
    factory: collections.abc.Callable[[], asyncio.AbstractEventLoop] = library.new_event_loop
    return factory


@pytest.fixture
def runner(
    new_loop: collections.abc.Callable[[], asyncio.AbstractEventLoop],
) -> collections.abc.Iterator[asyncio.Runner]:
    """The loop of a test, which must leave no task behind and no error unseen."""
    complaints: list[object] = []
    with asyncio.Runner(debug=False, loop_factory=new_loop) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda loop, context: complaints.append(context))
        yield runner
        runner.run(asyncio.sleep(0))
        assert not asyncio.all_tasks(loop)
    assert complaints == []


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
def threads() -> collections.abc.Iterator[concurrent.futures.ThreadPoolExecutor]:
    with concurrent.futures.ThreadPoolExecutor() as executor:
        yield executor


@pytest.fixture
def cleanup() -> collections.abc.Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def count_descriptors() -> int:
    """Returns how many sockets are open: loops open other things when they like."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    return count


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
) -> collections.abc.Callable[[], socket.socket]:
    """Makes servers that answer no connect until they have accepted some."""

    def make_full_listener() -> socket.socket:
        server = cleanup.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
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
    make_full_listener: collections.abc.Callable[[], socket.socket],
) -> tuple[str, int]:
    """An address that answers no connect."""
    host, port = make_full_listener().getsockname()
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
            for_tls = select.POLLOUT * bool(outwards) | select.POLLIN * (not inwards)
            for_plain = select.POLLOUT * bool(inwards) | select.POLLIN * (not outwards)
            poll = select.poll()
            poll.register(tls, for_tls)
            poll.register(self.plain, for_plain)
            if inwards or not tls.pending():
                poll.poll()
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
def open_stream(runner: asyncio.Runner, cleanup: contextlib.ExitStack) -> OpenStream:
    """Makes a stream of a connected socket, and closes it in the end."""

    async def open_stream(sock: socket.socket) -> AsyncioStream:
        stream = await adopt(sock)
        cleanup.callback(lambda: runner.run(stream.aclose()))
        return stream

    return open_stream


@pytest.fixture
def make_pair(
    cleanup: contextlib.ExitStack,
    runner: asyncio.Runner,
    client_context: ssl.SSLContext,
    open_stream: OpenStream,
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
) -> collections.abc.Callable[[str], Pair]:
    """Makes a stream, "plain", "tls" or "tls in tls", and the socket of its peer."""

    def make_pair(kind: str) -> Pair:
        ours, peer = socket.socketpair()
        cleanup.enter_context(peer)
        stream = runner.run(open_stream(ours))
        for _ in range(("plain", "tls", "tls in tls").index(kind)):
            peer = terminate(peer)
            runner.run(stream.start_tls(client_context, "localhost", timeout=5))
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


@pytest.fixture
def tcp_pair(
    runner: asyncio.Runner,
    listener: socket.socket,
    cleanup: contextlib.ExitStack,
    open_stream: OpenStream,
) -> Pair:
    """A stream over TCP, where a peer can reset the connection."""
    ours = socket.create_connection(listener.getsockname())
    peer, _ = listener.accept()
    return runner.run(open_stream(ours)), cleanup.enter_context(peer)
