"""Connecting to a name that has several addresses."""

import collections.abc
import socket
import threading
import time
import typing

import anyio
import pytest

from httpcore_anyio import AnyIOBackend, AnyIOStream
from httpcore_interface import CONNECTION_ATTEMPT_DELAY, ConnectError, ConnectTimeout

SocketAddress = tuple[str, int] | tuple[str, int, int, int]
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]
Descriptors = collections.abc.Callable[[], int]

ON_LOOPS = "main"


class Resolve(typing.Protocol):
    def __call__(self, *addresses: tuple[str, int]) -> None: ...


def entry(host: str, port: int) -> Address:
    if ":" in host:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (host, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Makes every name have these addresses."""
    getaddrinfo = socket.getaddrinfo

    def resolve(*addresses: tuple[str, int]) -> None:
        entries = [entry(*address) for address in addresses]

        def look_up(host: str, *arguments: int, **options: int) -> list[Address]:
            if host == "somewhere.test":
                return entries
            return getaddrinfo(host, *arguments, **options)  # type: ignore[return-value]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return resolve


async def connect(timeout: float | None = 5, local_address: str | None = None) -> AnyIOStream:
    return await AnyIOBackend().connect_tcp(
        "somewhere.test", 80, timeout=timeout, local_address=local_address
    )


@pytest.mark.parametrize("timeout", [None, 5])
async def test_a_dead_first_address_costs_no_more_than_the_delay(
    resolve: Resolve,
    blackhole: tuple[str, int],
    address: tuple[str, int],
    descriptors: Descriptors,
    timeout: float | None,
) -> None:
    resolve(blackhole, address)
    count = descriptors()
    before = time.monotonic()
    stream = await connect(timeout)
    assert CONNECTION_ATTEMPT_DELAY - 0.005 <= time.monotonic() - before < 2
    assert stream.get_extra_info("server_addr") == address
    # The attempt that was too slow is given up.
    assert descriptors() == count + 1
    await stream.aclose()


async def test_a_failed_attempt_is_replaced_at_once(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[str, int],
    address: tuple[str, int],
    descriptors: Descriptors,
) -> None:
    monkeypatch.setattr("httpcore_interface.scoped._connect.CONNECTION_ATTEMPT_DELAY", 10)
    resolve(refused, refused, refused, address)
    count = descriptors()
    before = time.monotonic()
    stream = await connect()
    assert time.monotonic() - before < 5
    assert stream.get_extra_info("server_addr") == address
    assert descriptors() == count + 1
    await stream.aclose()


async def test_failures_beside_a_slow_attempt_cost_no_further_delay(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    blackhole: tuple[str, int],
    refused: tuple[str, int],
    address: tuple[str, int],
) -> None:
    monkeypatch.setattr("httpcore_interface.scoped._connect.CONNECTION_ATTEMPT_DELAY", 1)
    resolve(blackhole, refused, refused, address)
    before = time.monotonic()
    stream = await connect()
    assert 0.995 <= time.monotonic() - before < 1.9
    await stream.aclose()


async def test_an_earlier_attempt_may_still_win(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    make_full_listener: collections.abc.Callable[[str], socket.socket],
    descriptors: Descriptors,
) -> None:
    monkeypatch.setattr("httpcore_interface.scoped._connect.CONNECTION_ATTEMPT_DELAY", 0.02)
    late, never = make_full_listener("127.0.0.1"), make_full_listener("127.0.0.1")
    resolve(late.getsockname(), never.getsockname(), never.getsockname())
    count = descriptors()
    async with anyio.create_task_group() as tasks:

        @tasks.start_soon
        async def make_room() -> None:
            await anyio.sleep(0.1)
            for _ in range(2):
                late.accept()[0].close()

        stream = await connect()
    assert stream.get_extra_info("server_addr") == late.getsockname()
    assert descriptors() == count + 1
    await stream.aclose()


async def test_the_families_take_turns(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    class Refusing(socket.socket):
        def connect(self, to: SocketAddress, /) -> None:  # type: ignore[override]
            tried.append(to[0])
            raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "socket", Refusing)
    hosts = ["::1", "::2", "127.0.0.1", "127.0.0.2", "::3"]
    resolve(*[(host, 80) for host in hosts])
    with pytest.raises(ConnectError) as caught:
        await connect()
    assert tried == ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]
    assert str(caught.value) == (
        "all 5 attempts to connect to somewhere.test:80 failed ("
        + "; ".join(f"{host}: [Errno 111] Connection refused" for host in tried)
        + ")"
    )
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_a_local_address_rules_out_the_other_family(
    resolve: Resolve, address: tuple[str, int], descriptors: Descriptors
) -> None:
    resolve(("::1", address[1]), address)
    count = descriptors()
    stream = await connect(local_address="127.0.0.2")
    assert stream.get_extra_info("client_addr")[0] == "127.0.0.2"
    await stream.aclose()
    assert descriptors() == count


@pytest.mark.parametrize("timeout", [0.1, 0.4])
async def test_the_timeout_is_one_for_all_attempts(
    resolve: Resolve,
    blackhole: tuple[str, int],
    refused: tuple[str, int],
    descriptors: Descriptors,
    timeout: float,
) -> None:
    resolve(refused, blackhole, blackhole)
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout) as caught:
        await connect(timeout)
    assert timeout - 0.005 <= time.monotonic() - before < 2
    tried = 2 if timeout < CONNECTION_ATTEMPT_DELAY else 3
    assert str(caught.value) == (
        f"no connection to somewhere.test:80 within {timeout} seconds ({tried} addresses"
        " tried; 127.0.0.1: [Errno 111] Connection refused)"
    )
    assert descriptors() == count


async def test_the_resolver_takes_its_time_from_the_same_timeout(
    monkeypatch: pytest.MonkeyPatch, blackhole: tuple[str, int]
) -> None:
    def look_up(host: str, *arguments: int, **options: int) -> list[Address]:
        if host != "somewhere.test":
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        threading.Event().wait(0.75)
        return [entry(*blackhole)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match="1 address tried"):
        await connect(1.5)
    # Two deadlines would be over after 2.25 seconds.
    assert 1.495 <= time.monotonic() - before < 2.2


async def test_of_two_winners_one_is_closed(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    change_library: collections.abc.Callable[[str, object], None],
    make_full_listener: collections.abc.Callable[[str], socket.socket],
    descriptors: Descriptors,
) -> None:
    monkeypatch.setattr("httpcore_interface.scoped._connect.CONNECTION_ATTEMPT_DELAY", 0.01)
    waiting = 0
    gate = anyio.Event()

    async def wait_for_both(sock: socket.socket) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 2:
            gate.set()
        await gate.wait()

    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        resolve(one.getsockname(), other.getsockname())
        monkeypatch.setattr("httpcore_interface._dial.is_socket_writable", lambda sock: False)
        change_library("wait_writable", wait_for_both)
        count = descriptors()
        stream = await connect()
        assert descriptors() == count + 1
        await stream.aclose()


@pytest.mark.parametrize("error", [MemoryError, TypeError])
async def test_what_ends_an_attempt_ends_the_race_without_a_group(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    descriptors: Descriptors,
    blackhole: tuple[str, int],
    error: type[BaseException],
) -> None:
    class Interrupted(socket.socket):
        def connect(self, to: SocketAddress, /) -> None:  # type: ignore[override]
            if to[1] == 1:
                raise error
            super().connect(to)

    monkeypatch.setattr("httpcore_interface.scoped._connect.CONNECTION_ATTEMPT_DELAY", 0.01)
    monkeypatch.setattr(socket, "socket", Interrupted)
    resolve(blackhole, ("127.0.0.1", 1))
    count = descriptors()
    with pytest.raises(error) as caught:
        await connect()
    assert type(caught.value) is error
    assert descriptors() == count


async def test_a_cancelled_race_raises_no_group(
    resolve: Resolve, blackhole: tuple[str, int], descriptors: Descriptors
) -> None:
    resolve(blackhole, blackhole, blackhole)
    count = descriptors()
    caught: list[type[BaseException]] = []
    with anyio.move_on_after(0.4) as scope:
        try:
            await connect(None)
        except BaseException as exc:
            caught.append(type(exc))
            raise
    assert scope.cancelled_caught
    assert caught == [anyio.get_cancelled_exc_class()]
    assert descriptors() == count
