import asyncio
import collections.abc
import contextlib
import pathlib
import socket
import time

import pytest

from httpcore_asyncio import AsyncioBackend
from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout

Descriptors = collections.abc.Callable[[], int]

pytestmark = pytest.mark.usefixtures("runner")

TIMEOUTS = pytest.mark.parametrize("timeout", [None, float("inf"), 1e10, 5, 0, -1])


@pytest.fixture
def path(tmp_path: pathlib.Path) -> str:
    return str(tmp_path / "socket")


@pytest.fixture
def server(path: str) -> collections.abc.Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen(0)
        yield sock


@pytest.fixture
def full_server(
    server: socket.socket, path: str, cleanup: contextlib.ExitStack
) -> socket.socket:
    """A server that takes no more connections until it has accepted some."""
    while True:
        sock = cleanup.enter_context(socket.socket(socket.AF_UNIX))
        sock.settimeout(0)
        try:
            sock.connect(path)
        except BlockingIOError:
            return server


@TIMEOUTS
async def test_connect_reaches_the_server(
    server: socket.socket, path: str, timeout: float | None
) -> None:
    stream = await AsyncioBackend().connect_unix_socket(path, timeout=timeout)
    peer, _ = server.accept()
    with peer:
        await stream.write(b"ping", timeout=5)
        assert peer.recv(100) == b"ping"
        peer.sendall(b"pong")
        assert await stream.read(100, timeout=5) == b"pong"
    assert stream.get_extra_info("server_addr") == path
    await stream.aclose()


async def test_names_without_a_file_work_too() -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("")
        name = "\0" + server.getsockname()[1:].decode()
        server.listen()
        await (await AsyncioBackend().connect_unix_socket(name, timeout=5)).aclose()


@TIMEOUTS
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nowhere/at/all", "No such file"),
        ("/dev/null", "Connection refused"),
        ("/tmp/" + "x" * 200, "path too long"),
        ("/dev/null\0", "null character"),
        ("/tmp/\ud800", "surrogates"),
    ],
)
async def test_a_path_that_leads_nowhere_is_a_connect_error(
    descriptors: Descriptors, timeout: float | None, path: str, reason: str
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match=reason) as caught:
        await AsyncioBackend().connect_unix_socket(path, timeout=timeout)
    assert repr(path) in str(caught.value)
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [0.1, 0, -1])
async def test_a_full_server_is_a_connect_timeout(
    full_server: socket.socket, path: str, descriptors: Descriptors, timeout: float
) -> None:
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=f"within {timeout} seconds") as caught:
        await AsyncioBackend().connect_unix_socket(path, timeout=timeout)
    # uvloop counts whole milliseconds.
    assert max(timeout - 0.005, 0) <= time.monotonic() - before < 1
    assert isinstance(caught.value.__cause__, BlockingIOError)
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [None, 5])
async def test_connect_waits_for_a_full_server(
    full_server: socket.socket,
    path: str,
    timeout: float | None,
) -> None:
    connecting = asyncio.create_task(AsyncioBackend().connect_unix_socket(path, timeout))
    await asyncio.sleep(0)
    assert not connecting.done()
    full_server.accept()[0].close()
    await (await connecting).aclose()


async def test_waiting_for_a_full_server_costs_little(
    full_server: socket.socket, path: str
) -> None:
    before = time.process_time()
    with pytest.raises(ConnectTimeout):
        await AsyncioBackend().connect_unix_socket(path, timeout=0.3)
    assert time.process_time() - before < 0.1


async def test_options_are_set_before_connecting(server: socket.socket, path: str) -> None:
    option: SOCKET_OPTION = (socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    stream = await AsyncioBackend().connect_unix_socket(
        path, timeout=5, socket_options=iter([option])
    )
    assert stream.get_extra_info("socket").getsockopt(*option[:2]) == 16384
    await stream.aclose()


async def test_an_option_that_cannot_be_set_is_a_connect_error(
    server: socket.socket, path: str, descriptors: Descriptors
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match="Protocol not available"):
        await AsyncioBackend().connect_unix_socket(
            path, timeout=5, socket_options=[(socket.SOL_SOCKET, 9999, 1)]
        )
    assert descriptors() == count


async def test_a_connect_that_raises_anything_leaves_no_socket_open(
    server: socket.socket,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    descriptors: Descriptors,
) -> None:
    class Interrupted(socket.socket):
        def connect(self, address: str, /) -> None:  # type: ignore[override]
            raise MemoryError

    monkeypatch.setattr(socket, "socket", Interrupted)
    count = descriptors()
    with pytest.raises(MemoryError):
        await AsyncioBackend().connect_unix_socket(path)
    assert descriptors() == count


async def test_a_loop_that_cannot_take_the_socket_is_a_connect_error(
    server: socket.socket,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    descriptors: Descriptors,
) -> None:
    async def refuse(*args: object, **options: object) -> None:
        raise OSError(24, "Too many open files")

    if not isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
        pytest.skip("the methods of uvloop's loops cannot be replaced")
    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.connect_accepted_socket", refuse)
    count = descriptors()
    with pytest.raises(ConnectError, match="Too many open files"):
        await AsyncioBackend().connect_unix_socket(path, timeout=5)
    assert descriptors() == count


async def test_a_platform_without_unix_sockets_says_so(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ConnectError, match="this platform has no Unix sockets"):
        await AsyncioBackend().connect_unix_socket(path, timeout=5)
