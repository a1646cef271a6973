import collections.abc
import errno
import math
import os
import pathlib
import socket
import threading
import time

import pytest
import trio
import trio.testing

from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout
from httpcore_trio import TrioBackend

Descriptors = collections.abc.Callable[[], int]

NAGLE = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
NO_SUCH_OPTION = (socket.SOL_SOCKET, 9999, 1)

FOR_EVER = pytest.mark.parametrize("timeout", [None, math.inf, 1e10, 1e300, 5])
NO_TIME = pytest.mark.parametrize("timeout", [0, -1, -math.inf, math.nan])


@FOR_EVER
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_connect_reaches_the_server(host: str, timeout: float | None) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        _, port, *_ = listener.getsockname()
        stream = await TrioBackend().connect_tcp(host, port, timeout=timeout)
        peer, address = listener.accept()
        with peer:
            assert address == stream.get_extra_info("client_addr")
            await stream.write(b"ping", timeout=5)
            assert peer.recv(100) == b"ping"
            peer.sendall(b"pong")
            assert await stream.read(100, timeout=5) == b"pong"
        await stream.aclose()


async def test_small_writes_are_not_held_back(address: tuple[str, int]) -> None:
    stream = await TrioBackend().connect_tcp(*address, timeout=5)
    assert stream.get_extra_info("socket").getsockopt(*NAGLE)
    await stream.aclose()


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_a_refused_connection_is_a_connect_error(
    refused: tuple[str, int], descriptors: Descriptors, timeout: float | None
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match="Connection refused") as caught:
        await TrioBackend().connect_tcp(*refused, timeout=timeout)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert descriptors() == count


async def test_a_connect_that_is_refused_later_is_a_connect_error(
    blackhole: tuple[str, int],
    descriptors: Descriptors,
    monkeypatch: pytest.MonkeyPatch,
    change_library: collections.abc.Callable[[str, object], None],
) -> None:
    class RefusedLater(socket.socket):
        def getsockopt(self, level: int, option: int) -> int:  # type: ignore[override]
            assert (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR)
            return errno.ECONNREFUSED

    async def wait_writable(descriptor: int) -> None:
        assert not os.get_blocking(descriptor)

    monkeypatch.setattr(socket, "socket", RefusedLater)
    change_library("wait_writable", wait_writable)
    count = descriptors()
    with pytest.raises(ConnectError, match="Connection refused") as caught:
        await TrioBackend().connect_tcp(*blackhole, timeout=5)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert descriptors() == count


async def test_connect_times_out_after_its_timeout(
    blackhole: tuple[str, int], descriptors: Descriptors
) -> None:
    host, port = blackhole
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout) as caught:
        await TrioBackend().connect_tcp(host, port, timeout=0.1)
    assert 0.1 <= time.monotonic() - before < 2
    assert (
        str(caught.value)
        == f"no connection to 127.0.0.1:{port} within 0.1 seconds (1 address tried)"
    )
    assert descriptors() == count


@NO_TIME
async def test_without_time_connect_does_what_is_possible_at_once(
    blackhole: tuple[str, int],
    address: tuple[str, int],
    descriptors: Descriptors,
    timeout: float,
) -> None:
    count = descriptors()
    with pytest.raises(ConnectTimeout, match=f"within {timeout} seconds"):
        await TrioBackend().connect_tcp(*blackhole, timeout=timeout)
    assert descriptors() == count
    # Over the loopback a connect needs no time.
    stream = await TrioBackend().connect_tcp(*address, timeout=timeout)
    await stream.aclose()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
async def test_an_interrupted_connect_leaves_no_socket_open(
    monkeypatch: pytest.MonkeyPatch, descriptors: Descriptors, error: type[BaseException]
) -> None:
    class Interrupted(socket.socket):
        def connect(self, address: tuple[str, int], /) -> None:  # type: ignore[override]
            raise error

    count = descriptors()
    monkeypatch.setattr(socket, "socket", Interrupted)
    with pytest.raises(error):
        await TrioBackend().connect_tcp("127.0.0.1", 80, timeout=5)
    assert descriptors() == count


async def test_without_descriptors_connect_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(family: int, kind: int, protocol: int = 0) -> socket.socket:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(ConnectError, match="Too many open files"):
        await TrioBackend().connect_tcp("127.0.0.1", 80, timeout=5)
    with pytest.raises(ConnectError, match="Too many open files"):
        await TrioBackend().connect_unix_socket("/tmp/x", timeout=5)


async def test_options_are_set_before_connecting(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]
) -> None:
    calls: list[str] = []

    class Noting(socket.socket):
        def connect(self, address: tuple[str, int], /) -> None:  # type: ignore[override]
            assert self.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert not self.getsockopt(*NAGLE)
            calls.append("connect")
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Noting)
    options: list[SOCKET_OPTION] = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        # The caller's has the last word.
        (*NAGLE, 0),
    ]
    for given in (options, iter(options)):
        stream = await TrioBackend().connect_tcp(*address, timeout=5, socket_options=given)
        await stream.aclose()
    assert calls == ["connect", "connect"]


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_an_option_that_cannot_be_set_is_a_connect_error(
    address: tuple[str, int],
    tmp_path: pathlib.Path,
    descriptors: Descriptors,
    timeout: float | None,
) -> None:
    backend = TrioBackend()
    count = descriptors()
    options = [NO_SUCH_OPTION]
    with pytest.raises(ConnectError, match="Protocol not available"):
        await backend.connect_tcp(*address, timeout=timeout, socket_options=options)
    with pytest.raises(ConnectError, match="Protocol not available"):
        await backend.connect_unix_socket(str(tmp_path), timeout, options)
    assert descriptors() == count


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_what_is_no_option_is_a_type_error(
    address: tuple[str, int], descriptors: Descriptors, host: str
) -> None:
    count = descriptors()
    with pytest.raises(TypeError):
        await TrioBackend().connect_tcp(
            host,
            address[1],
            # Not what the annotation asks for, which is the point.
            socket_options=[(1, 2)],  # type: ignore[list-item]
        )
    assert descriptors() == count


async def test_connect_comes_from_the_local_address(
    listener: socket.socket, address: tuple[str, int]
) -> None:
    stream = await TrioBackend().connect_tcp(*address, timeout=5, local_address="127.0.0.2")
    peer, (host, _) = listener.accept()
    peer.close()
    assert host == "127.0.0.2"
    await stream.aclose()


@pytest.mark.parametrize(
    "local_address",
    ["::1", "192.0.2.77", "no-such-name.invalid", "a" * 64, "\0", "", "::1\0", "::\ud800"],
)
async def test_a_local_address_that_does_not_fit_is_a_connect_error(
    address: tuple[str, int], descriptors: Descriptors, local_address: str
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError):
        await TrioBackend().connect_tcp(*address, timeout=5, local_address=local_address)
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("local\0host", "null character"),
        ("no-such-name.invalid", "cannot resolve"),
        ("a" * 64 + ".test", "cannot resolve"),
        ("a..b", "cannot resolve"),
        ("\udc80", "cannot resolve"),
        (".", "cannot resolve"),
        ("::1::", "cannot resolve"),
        ("::1%nowhere", "cannot resolve"),
    ],
)
async def test_what_is_no_host_is_a_connect_error(
    host: str, reason: str, timeout: float | None, descriptors: Descriptors
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match=reason):
        await TrioBackend().connect_tcp(host, 80, timeout=timeout)
    assert descriptors() == count


@pytest.mark.parametrize("port", [-1, 65536, 2**40])
async def test_what_is_no_port_is_a_connect_error(port: int) -> None:
    with pytest.raises(ConnectError, match=f"the port {port} is not between 0 and 65535"):
        await TrioBackend().connect_tcp("127.0.0.1", port, timeout=5)


@pytest.fixture
def hanging_resolver(monkeypatch: pytest.MonkeyPatch) -> collections.abc.Iterator[None]:
    may_answer = threading.Event()
    getaddrinfo = socket.getaddrinfo

    def hang(
        host: str, port: int, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0
    ) -> list[object]:
        if flags & socket.AI_NUMERICHOST:
            return list(getaddrinfo(host, port, family, kind, proto, flags))
        may_answer.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield
    may_answer.set()


@pytest.mark.usefixtures("hanging_resolver")
@pytest.mark.parametrize("timeout", [0.05, 0, -1])
async def test_a_name_has_to_be_resolved_in_time(timeout: float) -> None:
    before = time.monotonic()
    with pytest.raises(ConnectTimeout) as caught:
        await TrioBackend().connect_tcp("name.test", 80, timeout=timeout)
    assert max(timeout, 0) <= time.monotonic() - before < 2
    assert str(caught.value) == (
        f"the name 'name.test' was not resolved within {timeout} seconds (no address tried)"
    )


async def test_a_name_without_an_address_is_a_connect_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [])
    with pytest.raises(ConnectError, match=r"cannot resolve 'name\.test': it has no address"):
        await TrioBackend().connect_tcp("name.test", 80, timeout=5)


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
def fill(server: socket.socket, path: str) -> collections.abc.Iterator[None]:
    """Makes the server take no more connections until it has accepted some."""
    socks = []
    while True:
        socks.append(socket.socket(socket.AF_UNIX))
        socks[-1].settimeout(0)
        try:
            socks[-1].connect(path)
        except BlockingIOError:
            break
    yield
    for sock in socks:
        sock.close()


@FOR_EVER
async def test_a_unix_server_is_reached(
    server: socket.socket, path: str, timeout: float | None
) -> None:
    stream = await TrioBackend().connect_unix_socket(
        path, timeout, [(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)]
    )
    peer, _ = server.accept()
    with peer:
        await stream.write(b"ping", timeout=5)
        assert peer.recv(100) == b"ping"
    assert stream.get_extra_info("server_addr") == path
    sock = stream.get_extra_info("socket")
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < 32768
    await stream.aclose()


@NO_TIME
@pytest.mark.usefixtures("server")
async def test_without_time_a_unix_server_is_reached(path: str, timeout: float) -> None:
    stream = await TrioBackend().connect_unix_socket(path, timeout)
    await stream.aclose()


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
async def test_a_unix_connect_that_fails_is_a_connect_error(
    path: str, reason: str, descriptors: Descriptors
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match=reason):
        await TrioBackend().connect_unix_socket(path, timeout=5)
    assert descriptors() == count


async def test_a_platform_without_unix_sockets_is_a_connect_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ConnectError, match="this platform has no Unix sockets"):
        await TrioBackend().connect_unix_socket("/tmp/socket")


@pytest.mark.usefixtures("fill")
@pytest.mark.parametrize("timeout", [0.05, 0, -1])
async def test_a_unix_server_that_is_busy_times_out(
    path: str, timeout: float, descriptors: Descriptors
) -> None:
    count = descriptors()
    with pytest.raises(ConnectTimeout, match=f"no connection to '{path}' within {timeout} sec"):
        await TrioBackend().connect_unix_socket(path, timeout)
    assert descriptors() == count


@pytest.mark.usefixtures("fill")
@pytest.mark.parametrize("timeout", [5, None])
async def test_a_unix_server_that_has_room_again_is_reached(
    server: socket.socket, path: str, timeout: float | None
) -> None:
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def accept() -> None:
            await trio.testing.wait_all_tasks_blocked()
            server.accept()[0].close()

        stream = await TrioBackend().connect_unix_socket(path, timeout)
    await stream.aclose()


async def test_sleep_waits() -> None:
    before = time.monotonic()
    await TrioBackend().sleep(0.05)
    assert time.monotonic() - before >= 0.05
    await TrioBackend().sleep(-1)
    with trio.move_on_after(0.05) as scope:
        await TrioBackend().sleep(math.inf)
    assert scope.cancelled_caught


async def test_an_event_wakes_who_waits() -> None:
    event = TrioBackend().create_event()
    assert not await event.wait(0.01)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait() -> None:
            assert await event.wait(5)

        await trio.testing.wait_all_tasks_blocked()
        event.set()
