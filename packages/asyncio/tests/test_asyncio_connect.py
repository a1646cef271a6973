import asyncio
import collections.abc
import contextlib
import errno
import os
import socket
import ssl
import time

import pytest

from httpcore_asyncio import AsyncioBackend, AsyncioStream
from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout, ReadTimeout

Descriptors = collections.abc.Callable[[], int]

pytestmark = pytest.mark.usefixtures("runner")

NAGLE = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
NO_SUCH_OPTION = (socket.SOL_SOCKET, 9999, 1)

# How much sooner a timer may go off: uvloop counts whole milliseconds.
EARLY = 0.005


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize("timeout", [None, float("inf"), 1e300, 1e10, 5])
async def test_connect_reaches_the_server(host: str, timeout: float | None) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        _, port, *_ = listener.getsockname()
        stream = await AsyncioBackend().connect_tcp(host, port, timeout=timeout)
        assert isinstance(stream, AsyncioStream)
        peer, address = listener.accept()
        with peer:
            assert address == stream.get_extra_info("client_addr")
            await stream.write(b"ping", timeout=5)
            assert peer.recv(100) == b"ping"
            peer.sendall(b"pong")
            assert await stream.read(100, timeout=5) == b"pong"
        await stream.aclose()


async def test_one_address_needs_no_task(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(coroutine: object) -> None:
        raise AssertionError(coroutine)

    monkeypatch.setattr(asyncio, "create_task", refuse)
    await (await AsyncioBackend().connect_tcp(*address, timeout=5)).aclose()


async def test_small_writes_are_not_held_back(address: tuple[str, int]) -> None:
    stream = await AsyncioBackend().connect_tcp(*address, timeout=5)
    assert stream.get_extra_info("socket").getsockopt(*NAGLE)
    await stream.aclose()


async def test_a_timeout_of_connect_is_none_of_read(
    listener: socket.socket, address: tuple[str, int]
) -> None:
    stream = await AsyncioBackend().connect_tcp(*address, timeout=0.05)
    peer, _ = listener.accept()
    with peer, pytest.raises(ReadTimeout):
        await stream.read(100, timeout=0.1)
    assert await stream.read(100, timeout=None) == b""
    await stream.aclose()


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_a_refused_connection_is_a_connect_error(
    refused: tuple[str, int], descriptors: Descriptors, timeout: float | None
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match=r"Connection refused|Connect call failed") as caught:
        await AsyncioBackend().connect_tcp(*refused, timeout=timeout)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert descriptors() == count


async def test_connect_times_out_after_its_timeout(
    blackhole: tuple[str, int], descriptors: Descriptors
) -> None:
    host, port = blackhole
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout) as caught:
        await AsyncioBackend().connect_tcp(host, port, timeout=0.1)
    assert 0.1 - EARLY <= time.monotonic() - before < 1
    assert (
        str(caught.value)
        == f"no connection to 127.0.0.1:{port} within 0.1 seconds (1 address tried)"
    )
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [0, -1, -float("inf"), float("nan")])
async def test_without_time_connect_does_what_is_possible_at_once(
    blackhole: tuple[str, int],
    address: tuple[str, int],
    descriptors: Descriptors,
    timeout: float,
) -> None:
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=f"within {timeout} seconds"):
        await AsyncioBackend().connect_tcp(*blackhole, timeout=timeout)
    assert time.monotonic() - before < 5
    assert descriptors() == count
    # Over the loopback a connect needs no time.
    await (await AsyncioBackend().connect_tcp(*address, timeout=timeout)).aclose()
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_a_timeout_of_the_system_is_a_connect_error(
    monkeypatch: pytest.MonkeyPatch, descriptors: Descriptors, timeout: float | None
) -> None:
    class Unanswered(socket.socket):
        def connect(self, address: tuple[str, int], /) -> None:  # type: ignore[override]
            raise TimeoutError(110, "Connection timed out")

    count = descriptors()
    monkeypatch.setattr(socket, "socket", Unanswered)
    with pytest.raises(ConnectError, match="Connection timed out"):
        await AsyncioBackend().connect_tcp("127.0.0.1", 80, timeout=timeout)
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_a_connect_that_raises_anything_leaves_no_socket_open(
    monkeypatch: pytest.MonkeyPatch, descriptors: Descriptors, timeout: float | None
) -> None:
    class Interrupted(socket.socket):
        def connect(self, address: tuple[str, int], /) -> None:  # type: ignore[override]
            raise MemoryError

    count = descriptors()
    monkeypatch.setattr(socket, "socket", Interrupted)
    with pytest.raises(MemoryError):
        await AsyncioBackend().connect_tcp("127.0.0.1", 80, timeout=timeout)
    assert descriptors() == count


async def test_an_option_that_is_refused_in_the_end_leaves_no_socket_open(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int], descriptors: Descriptors
) -> None:
    # What macOS does when the peer has reset the connection meanwhile.
    settings: list[int] = []

    class ResetMeanwhile(socket.socket):
        def setsockopt(self, level: int, option: int, value: int, /) -> None:  # type: ignore[override]
            if value == 0:
                settings.append(option)
            if len(settings) > 1:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            super().setsockopt(level, option, value)

    count = descriptors()
    monkeypatch.setattr(socket, "socket", ResetMeanwhile)
    with pytest.raises(ConnectError, match="Invalid argument"):
        await AsyncioBackend().connect_tcp(*address, timeout=5, socket_options=[(*NAGLE, 0)])
    assert descriptors() == count


async def test_without_descriptors_connect_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(family: int, kind: int, protocol: int) -> socket.socket:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(ConnectError, match="Too many open files"):
        await AsyncioBackend().connect_tcp("127.0.0.1", 80, timeout=5)


async def test_a_loop_that_cannot_take_the_socket_is_a_connect_error(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int], descriptors: Descriptors
) -> None:
    async def refuse(*args: object, **options: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.connect_accepted_socket", refuse)
    if not isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
        pytest.skip("the methods of uvloop's loops cannot be replaced")
    count = descriptors()
    with pytest.raises(ConnectError, match="Too many open files"):
        await AsyncioBackend().connect_tcp(*address, timeout=5)
    assert descriptors() == count


async def test_options_are_set_before_connecting(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]
) -> None:
    calls: list[str] = []

    class Noting(socket.socket):
        def connect(self, address: tuple[str, int], /) -> None:  # type: ignore[override]
            assert self.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert self.getsockopt(*NAGLE)
            calls.append("connect")
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Noting)
    options: list[SOCKET_OPTION] = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.SOL_SOCKET, socket.SO_LINGER, bytes(8)),
    ]
    for given in (options, iter(options)):
        stream = await AsyncioBackend().connect_tcp(*address, timeout=5, socket_options=given)
        await stream.aclose()
    assert calls == ["connect", "connect"]


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_options_of_the_caller_have_the_last_word(
    address: tuple[str, int], timeout: float | None
) -> None:
    stream = await AsyncioBackend().connect_tcp(
        *address, timeout=timeout, socket_options=[(*NAGLE, 0)]
    )
    assert not stream.get_extra_info("socket").getsockopt(*NAGLE)
    await stream.aclose()


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_an_option_that_cannot_be_set_is_a_connect_error(
    address: tuple[str, int], descriptors: Descriptors, timeout: float | None
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError, match="Protocol not available"):
        await AsyncioBackend().connect_tcp(
            *address, timeout=timeout, socket_options=[NO_SUCH_OPTION]
        )
    assert descriptors() == count


async def test_what_is_no_option_is_a_type_error(
    address: tuple[str, int], descriptors: Descriptors
) -> None:
    count = descriptors()
    with pytest.raises(TypeError):
        await AsyncioBackend().connect_tcp(
            *address,
            # Not what the annotation asks for, which is the point.
            socket_options=[(1, 2)],  # type: ignore[list-item]
        )
    assert descriptors() == count


async def test_connect_comes_from_the_local_address(
    listener: socket.socket, address: tuple[str, int]
) -> None:
    stream = await AsyncioBackend().connect_tcp(*address, timeout=5, local_address="127.0.0.2")
    peer, (host, _) = listener.accept()
    peer.close()
    assert host == "127.0.0.2"
    assert stream.get_extra_info("client_addr")[0] == "127.0.0.2"
    await stream.aclose()


@pytest.mark.parametrize(
    "local_address", ["::1", "192.0.2.77", "no-such-name.invalid", "a" * 64]
)
@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_a_local_address_that_does_not_fit_is_a_connect_error(
    address: tuple[str, int],
    descriptors: Descriptors,
    local_address: str,
    timeout: float | None,
) -> None:
    count = descriptors()
    with pytest.raises(ConnectError):
        await AsyncioBackend().connect_tcp(
            *address, timeout=timeout, local_address=local_address
        )
    assert descriptors() == count


@pytest.fixture
def many_descriptors() -> collections.abc.Iterator[None]:
    """Makes the next descriptor one that select(2) cannot take."""
    with contextlib.ExitStack() as stack:
        while True:
            descriptor = os.open("/dev/null", os.O_RDONLY)
            stack.callback(os.close, descriptor)
            if descriptor > 1030:
                break
        yield


@pytest.mark.usefixtures("many_descriptors")
async def test_descriptors_of_any_number_will_do(
    listener: socket.socket,
    address: tuple[str, int],
    terminate: collections.abc.Callable[[socket.socket], socket.socket],
    client_context: ssl.SSLContext,
) -> None:
    for timeout in (5, 0):
        stream = await AsyncioBackend().connect_tcp(*address, timeout=timeout)
        accepted, _ = listener.accept()
        assert stream.get_extra_info("socket").fileno() > 1023
        assert stream.get_extra_info("is_readable") is False
        assert stream.get_extra_info("is_writable") is True
        assert await stream.wait_writable(timeout=5) is True
        with pytest.raises(ReadTimeout):
            await stream.read(100, timeout=0.01)
        peer = terminate(accepted)
        await stream.start_tls(client_context, "localhost", timeout=5)
        await stream.write(b"ping", timeout=5)
        assert peer.recv(100) == b"ping"
        peer.sendall(b"pong")
        assert await stream.read(100, timeout=5) == b"pong"
        await stream.aclose()
