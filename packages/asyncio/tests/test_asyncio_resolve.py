import asyncio
import socket
import threading
import time

import pytest

from httpcore_asyncio import AsyncioBackend
from httpcore_interface import ConnectError, ConnectTimeout

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]

pytestmark = pytest.mark.usefixtures("runner")

# How much sooner a timer may go off: uvloop counts whole milliseconds.
EARLY = 0.005


class Resolver:
    """Stands in for the loop's `getaddrinfo`."""

    def __init__(self, answer: tuple[str, int]) -> None:
        self.answers = [answer]
        self.hosts: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None

    async def __call__(
        self,
        loop: object,
        host: str,
        port: int,
        *,
        type: int,  # noqa: A002 - its name
    ) -> list[Address]:
        assert type == socket.SOCK_STREAM
        self.hosts.append(host)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answer) for answer in self.answers]


@pytest.fixture
def resolver(
    listener: socket.socket, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> Resolver:
    resolver = Resolver(listener.getsockname())
    loop = runner.get_loop()
    original = type(loop).getaddrinfo

    async def getaddrinfo(loop, host, port, **options):  # type: ignore[no-untyped-def]
        # uvloop asks itself for the addresses of addresses.
        if host.endswith(".test"):
            return await resolver(loop, host, port, **options)
        return await original(loop, host, port, **options)

    monkeypatch.setattr(type(loop), "getaddrinfo", getaddrinfo)
    return resolver


@pytest.mark.parametrize("timeout", [None, float("inf"), 5])
async def test_a_name_is_resolved(resolver: Resolver, timeout: float | None) -> None:
    stream = await AsyncioBackend().connect_tcp("somewhere.test", 80, timeout=timeout)
    assert stream.get_extra_info("server_addr") == resolver.answers[0]
    assert resolver.hosts == ["somewhere.test"]
    await stream.aclose()


async def test_a_resolver_that_hangs_does_not_outlast_the_timeout(resolver: Resolver) -> None:
    resolver.may_answer.clear()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match=r"'somewhere\.test' .* 0\.05 seconds"):
        await AsyncioBackend().connect_tcp("somewhere.test", 80, timeout=0.05)
    assert 0.05 - EARLY <= time.monotonic() - before < 1


async def test_a_resolver_that_hangs_in_a_thread_does_not_outlast_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
        pytest.skip("uvloop does not ask the socket module")
    may_answer = threading.Event()

    def hang(*args: object) -> list[Address]:
        may_answer.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    before = time.monotonic()
    with pytest.raises(ConnectTimeout):
        await AsyncioBackend().connect_tcp("somewhere.test", 80, timeout=0.05)
    assert time.monotonic() - before < 1
    may_answer.set()


@pytest.mark.parametrize("timeout", [0, -1])
async def test_without_time_no_name_is_resolved(resolver: Resolver, timeout: float) -> None:
    with pytest.raises(ConnectTimeout, match=rf"not resolved within {timeout} seconds"):
        await AsyncioBackend().connect_tcp("somewhere.test", 80, timeout=timeout)
    assert resolver.hosts == []


async def test_resolution_and_connect_share_one_deadline(
    resolver: Resolver, blackhole: tuple[str, int]
) -> None:
    resolver.answers = [blackhole]
    resolver.may_answer.clear()
    asyncio.get_running_loop().call_later(0.75, resolver.may_answer.set)
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match="1 address tried"):
        await AsyncioBackend().connect_tcp("somewhere.test", 80, timeout=1.5)
    # Two deadlines would be over after 2.25 seconds.
    assert 1.5 - EARLY <= time.monotonic() - before < 2.2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%lo"])
@pytest.mark.parametrize("timeout", [0.05, 0])
async def test_an_address_is_not_sent_to_a_resolver(
    monkeypatch: pytest.MonkeyPatch, host: str, timeout: float
) -> None:
    flags: list[int] = []
    original = socket.getaddrinfo

    def note(*args):  # type: ignore[no-untyped-def]
        # asyncio asks again for an address with a zone.
        flags.extend(args[5:])
        return original(*args)

    monkeypatch.setattr(socket, "getaddrinfo", note)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises((ConnectError, ConnectTimeout)):
        await AsyncioBackend().connect_tcp(host, port, timeout=timeout)
    assert flags[0] == socket.AI_NUMERICHOST


@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(-2, "Name or service not known"),
        OSError(24, "Too many open files"),
        TimeoutError(110, "Connection timed out"),
        UnicodeError("label too long"),
    ],
)
async def test_a_name_that_cannot_be_resolved_is_a_connect_error(
    resolver: Resolver, timeout: float | None, error: Exception
) -> None:
    resolver.error = error
    with pytest.raises(ConnectError) as caught:
        await AsyncioBackend().connect_tcp("nowhere.test", 80, timeout=timeout)
    assert "nowhere.test" in str(caught.value)
    assert str(error) in str(caught.value)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("timeout", [None, 5])
async def test_a_defect_of_the_resolver_is_not_hidden(
    resolver: Resolver, timeout: float | None
) -> None:
    resolver.error = LookupError("defect")
    with pytest.raises(LookupError, match="defect"):
        await AsyncioBackend().connect_tcp("somewhere.test", 80, timeout=timeout)


async def test_a_name_without_addresses_is_a_connect_error(resolver: Resolver) -> None:
    resolver.answers = []
    with pytest.raises(ConnectError, match=r"somewhere\.test.*no address"):
        await AsyncioBackend().connect_tcp("somewhere.test", 80, timeout=5)


@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1\0.example",
        "localhost\0.example",
        "a" * 64,
        "a..b",
        "\udc80",
        ":",
        "fe80::1%nowhere",
        "[::1]",
    ],
)
async def test_what_is_no_host_is_a_connect_error(
    listener: socket.socket, host: str, timeout: float | None
) -> None:
    _, port = listener.getsockname()
    with pytest.raises(ConnectError, match=r"resolve|null character"):
        await AsyncioBackend().connect_tcp(host, port, timeout=timeout)


@pytest.mark.parametrize("port", [-1, 65536, 65536 + 80])
@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_what_is_no_port_is_a_connect_error(port: int, timeout: float | None) -> None:
    with pytest.raises(ConnectError, match=f"port {port} is not"):
        await AsyncioBackend().connect_tcp("127.0.0.1", port, timeout=timeout)


async def test_the_resolver_is_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever gives a loop a resolver of its own, is asked.
    asked: list[str] = []
    loop = asyncio.get_running_loop()

    async def refuse(loop: object, host: str, *args: object, **options: object) -> None:
        asked.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(type(loop), "getaddrinfo", refuse)
    with pytest.raises(ConnectError):
        await AsyncioBackend().connect_tcp("somewhere.test", 80, timeout=5)
    assert asked == ["somewhere.test"]
