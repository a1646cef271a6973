"""What is shared by backends on libraries with cancel scopes: a backend made of it.

The whole contract is held by the tests of the backends that are made of it.
"""

import collections.abc
import contextlib
import pathlib
import socket
import ssl
import subprocess
import sys

import pytest
import trio
import trio.testing

import httpcore_interface.scoped
from httpcore_interface import (
    AddressInfo,
    ConnectError,
    ConnectTimeout,
    Dial,
    ReadError,
    ReadTimeout,
    UnixDial,
    WriteError,
)
from httpcore_interface.scoped import (
    Library,
    ScopedGivenStream,
    ScopedStream,
    connect_tcp,
    connect_unix,
)

SOURCES = pathlib.Path(str(httpcore_interface.scoped.__file__)).parent.glob("_[a-z]*.py")


def notify_closing(descriptor: int) -> None:
    with contextlib.suppress(RuntimeError):
        trio.lowlevel.notify_closing(descriptor)


async def resolve(host: str, port: int) -> collections.abc.Sequence[AddressInfo]:
    return await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


LIBRARY = Library(
    current_time=trio.current_time,
    cancel_scope=trio.CancelScope,
    create_event=trio.Event,
    create_task_group=trio.open_nursery,
    checkpoint=trio.lowlevel.checkpoint,
    sleep=trio.sleep,
    wait_readable=trio.lowlevel.wait_readable,
    wait_writable=trio.lowlevel.wait_writable,
    notify_closing=notify_closing,
    resolve=resolve,
    wait_failures=(OSError, ValueError, trio.BusyResourceError, trio.ClosedResourceError),
    busy=trio.BusyResourceError,
    cancelled_class=lambda: trio.Cancelled,
)


class Stream(ScopedStream):
    library = LIBRARY


class GivenStream(ScopedGivenStream):
    library = LIBRARY
    failures = (trio.BrokenResourceError, trio.ClosedResourceError)


def test_stream_waits_with_the_library() -> None:
    async def main() -> None:
        ours, peer = socket.socketpair()
        stream = Stream(ours)
        with peer:
            with pytest.raises(ReadTimeout, match=r"^nothing came within 0\.01 seconds$"):
                await stream.read(100, timeout=0.01)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stream.write, b"request", 5)
                await trio.lowlevel.wait_readable(peer)
                assert peer.recv(100) == b"request"
            peer.sendall(b"answer")
            assert await stream.read(100, timeout=5) == b"answer"
            async with trio.open_nursery() as nursery:
                nursery.start_soon(closed_under, stream)
                await trio.testing.wait_all_tasks_blocked()
                await stream.aclose()
            with pytest.raises(WriteError, match="closed on this side"):
                await stream.write(b"x")

    async def closed_under(stream: Stream) -> None:
        with pytest.raises(ReadError):
            await stream.read(100)

    trio.run(main)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_one_of_a_hosts_addresses_is_connected_to(host: str) -> None:
    async def main(server: socket.socket) -> None:
        port = server.getsockname()[1]
        with await connect_tcp(LIBRARY, Dial(host, port, timeout=5)) as sock:
            assert sock.getpeername() == server.getsockname()

    with socket.create_server(("127.0.0.1", 0)) as server:
        trio.run(main, server)


def test_failures_are_those_of_the_dial(tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
            with pytest.raises(ConnectError, match="refused"):
                await connect_tcp(LIBRARY, Dial("127.0.0.1", port, timeout=5))
        with pytest.raises(ConnectError, match=r"^cannot connect to "):
            await connect_unix(LIBRARY, UnixDial(str(tmp_path / "nobody"), timeout=5))
        with pytest.raises(ConnectTimeout, match="no address tried"):
            await connect_tcp(LIBRARY, Dial("localhost", 80, timeout=0))

    trio.run(main)


def test_what_a_given_stream_leaves_out_is_named() -> None:
    async def main() -> None:
        stream = GivenStream()
        for name, call in {
            "receive": stream.read(1),
            "send": stream.write(b"x"),
            "finish": stream.aclose(),
            "encrypt": stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "a.test"),
        }.items():
            with pytest.raises(NotImplementedError, match=f"^GivenStream .*{name}"):
                await call

    trio.run(main)


# -- the package -------------------------------------------------------------------------


def test_import_is_for_those_who_ask_and_costs_no_library() -> None:
    program = (
        "import sys, httpcore_interface\n"
        "assert 'httpcore_interface.scoped' not in sys.modules\n"
        "import httpcore_interface.scoped as scoped\n"
        "assert not {'asyncio', 'trio', 'anyio', 'sniffio'} & set(sys.modules)\n"
        "for name in scoped.__all__:\n"
        "    assert getattr(scoped, name).__module__ == 'httpcore_interface.scoped'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=50)


def test_public_names_are_sorted() -> None:
    names = httpcore_interface.scoped.__all__
    assert names == sorted(names, key=lambda name: (name.islower(), name))


def test_map_of_the_package_names_every_module() -> None:
    names = [path.name for path in SOURCES]
    assert "_stream.py" in names
    for name in names:
        assert f"    {name} " in str(httpcore_interface.scoped.__doc__)
