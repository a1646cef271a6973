import asyncio
import collections.abc
import socket
import time
import typing

import hypothesis
import pytest
from hypothesis import strategies

from httpcore_asyncio import AsyncioBackend, AsyncioStream
from httpcore_interface import CONNECTION_ATTEMPT_DELAY, ConnectError, ConnectTimeout

SocketAddress = tuple[str, int] | tuple[str, int, int, int]
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]
Descriptors = collections.abc.Callable[[], int]

pytestmark = pytest.mark.usefixtures("runner")

# How much sooner a timer may go off: uvloop counts whole milliseconds.
EARLY = 0.005


class Resolve(typing.Protocol):
    def __call__(self, *addresses: tuple[str, int]) -> None: ...


def entry(host: str, port: int) -> Address:
    if ":" in host:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (host, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Makes the host have these addresses."""

    def resolve(*addresses: tuple[str, int]) -> None:
        entries = [entry(*address) for address in addresses]
        monkeypatch.setattr(
            "httpcore_interface.Dial.literal_addresses", lambda dial: list(entries)
        )

    return resolve


async def connect(timeout: float | None = 5, local_address: str | None = None) -> AsyncioStream:
    return await AsyncioBackend().connect_tcp(
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
    stream = await connect(timeout=timeout)
    assert CONNECTION_ATTEMPT_DELAY - EARLY <= time.monotonic() - before < 2
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
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 10)
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
    unreachable = ("127.0.0.9", 9)

    class Unreachable(socket.socket):
        def connect(self, to: SocketAddress, /) -> None:  # type: ignore[override]
            if to == unreachable:
                raise OSError(101, "Network is unreachable")
            super().connect(to)

    monkeypatch.setattr(socket, "socket", Unreachable)
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 1)
    # The second fails later, the third at once.
    resolve(blackhole, refused, unreachable, address)
    before = time.monotonic()
    await (await connect()).aclose()
    assert 1 - EARLY <= time.monotonic() - before < 1.9


async def test_the_winner_can_be_used_like_any_stream(
    resolve: Resolve,
    listener: socket.socket,
    refused: tuple[str, int],
    address: tuple[str, int],
) -> None:
    resolve(refused, address)
    stream = await connect()
    peer, _ = listener.accept()
    with peer:
        assert stream.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY
        )
        await stream.write(b"ping", timeout=5)
        assert peer.recv(100) == b"ping"
        peer.sendall(b"pong")
        assert await stream.read(100, timeout=5) == b"pong"
    await stream.aclose()


async def test_an_earlier_attempt_may_still_win(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    make_full_listener: collections.abc.Callable[[], socket.socket],
    blackhole: tuple[str, int],
    descriptors: Descriptors,
) -> None:
    second_began = asyncio.Event()

    class Noting(socket.socket):
        def connect(self, address: SocketAddress, /) -> None:  # type: ignore[override]
            if address == blackhole:
                second_began.set()
            super().connect(address)

    first = make_full_listener()
    resolve(first.getsockname(), blackhole)
    count = descriptors()
    monkeypatch.setattr(socket, "socket", Noting)
    connecting = asyncio.create_task(connect())
    await second_began.wait()
    first.accept()[0].close()
    # The system tries again a second after its first attempt.
    stream = await connecting
    assert stream.get_extra_info("server_addr") == first.getsockname()
    assert descriptors() == count + 1
    await stream.aclose()


async def test_the_families_take_turns(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch, refused: tuple[str, int]
) -> None:
    families: list[int] = []

    class Noting(socket.socket):
        def connect(self, address: SocketAddress, /) -> None:  # type: ignore[override]
            families.append(self.family)
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Noting)
    _, port = refused
    resolve(("::1", port), ("::1", port), ("127.0.0.1", port), ("127.0.0.2", port))
    with pytest.raises(ConnectError):
        await connect()
    assert families == [socket.AF_INET6, socket.AF_INET] * 2


@pytest.mark.parametrize("timeout", [None, 5, 0])
async def test_when_all_attempts_fail_the_error_tells_of_each(
    resolve: Resolve, refused: tuple[str, int], descriptors: Descriptors, timeout: float | None
) -> None:
    _, port = refused
    resolve(("127.0.0.1", port), ("127.0.0.2", port), ("::1", port))
    count = descriptors()
    with pytest.raises(ConnectError) as caught:
        await connect(timeout=timeout)
    message = str(caught.value)
    assert message.startswith("all 3 attempts to connect to somewhere.test:80 failed")
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        assert f"{host}: [Errno 111] Conn" in message
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert descriptors() == count


async def test_a_race_ends_at_the_deadline(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    blackhole: tuple[str, int],
    refused: tuple[str, int],
    descriptors: Descriptors,
) -> None:
    # The second start comes in time, the third does not, however busy the machine is.
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 1)
    resolve(refused, blackhole, blackhole, blackhole, blackhole)
    count = descriptors()
    before = time.monotonic()
    with pytest.raises(ConnectTimeout) as caught:
        await connect(timeout=1.5)
    assert 1.5 - EARLY <= time.monotonic() - before < 5
    message = str(caught.value)
    assert message.startswith(
        "no connection to somewhere.test:80 within 1.5 seconds (3 addresses tried;"
        " 127.0.0.1: [Errno 111] Conn"
    )
    assert descriptors() == count


async def test_a_deadline_does_not_wait_for_the_next_start(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch, blackhole: tuple[str, int]
) -> None:
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 5)
    resolve(blackhole, blackhole)
    before = time.monotonic()
    with pytest.raises(ConnectTimeout, match="1 address tried"):
        await connect(timeout=0.05)
    assert time.monotonic() - before < 2


async def test_without_time_each_address_is_tried_once(
    resolve: Resolve,
    blackhole: tuple[str, int],
    refused: tuple[str, int],
    address: tuple[str, int],
    descriptors: Descriptors,
) -> None:
    count = descriptors()
    resolve(refused, blackhole)
    with pytest.raises(ConnectTimeout, match=r"2 addresses tried; 127\.0\.0\.1: .*refused"):
        await connect(timeout=0)
    resolve(refused, blackhole, address, address)
    stream = await connect(timeout=0)
    assert stream.get_extra_info("server_addr") == address
    assert descriptors() == count + 1
    await stream.aclose()


async def test_a_local_address_picks_the_family_that_it_fits(resolve: Resolve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _, port = listener.getsockname()
        resolve(("::1", port), ("127.0.0.1", port))
        stream = await connect(local_address="127.0.0.3")
        assert stream.get_extra_info("client_addr")[0] == "127.0.0.3"
        await stream.aclose()


async def test_an_attempt_that_fails_at_once_is_replaced_at_once(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    address: tuple[str, int],
    descriptors: Descriptors,
) -> None:
    unreachable = ("127.0.0.9", 9)

    class Unreachable(socket.socket):
        def connect(self, to: SocketAddress, /) -> None:  # type: ignore[override]
            if to == unreachable:
                raise OSError(101, "Network is unreachable")
            super().connect(to)

    monkeypatch.setattr(socket, "socket", Unreachable)
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 10)
    resolve(unreachable, address)
    count = descriptors()
    before = time.monotonic()
    stream = await connect()
    assert time.monotonic() - before < 5
    assert descriptors() == count + 1
    await stream.aclose()


async def test_of_two_that_connect_at_the_same_moment_one_is_closed(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    address: tuple[str, int],
    descriptors: Descriptors,
) -> None:
    # Both are in time for the same round of the loop.
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 0)
    resolve(address, address, address)
    for _ in range(20):
        count = descriptors()
        stream = await connect()
        assert descriptors() == count + 1
        await stream.aclose()


async def test_an_attempt_that_raises_anything_ends_the_race(
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    blackhole: tuple[str, int],
    descriptors: Descriptors,
) -> None:
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 0.01)
    resolve(blackhole, blackhole)
    attempts: list[socket.socket] = []

    class Interrupted(socket.socket):
        def connect(self, address: SocketAddress, /) -> None:  # type: ignore[override]
            attempts.append(self)
            if len(attempts) == 2:
                raise MemoryError
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Interrupted)
    count = descriptors()
    with pytest.raises(MemoryError):
        await connect()
    assert len(attempts) == 2
    assert descriptors() == count


@hypothesis.settings(
    max_examples=25,
    deadline=None,
    # The fixtures give addresses, and what is patched is patched anew each time.
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    kinds=strategies.lists(
        strategies.sampled_from(["refused", "dead", "unfit", "good"]), min_size=1, max_size=5
    )
)
def test_whatever_the_addresses_the_good_one_is_found_and_nothing_leaks(
    runner: asyncio.Runner,
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
    listener: socket.socket,
    refused: tuple[str, int],
    blackhole: tuple[str, int],
    address: tuple[str, int],
    descriptors: Descriptors,
    kinds: list[str],
) -> None:
    monkeypatch.setattr("httpcore_asyncio._connect.CONNECTION_ATTEMPT_DELAY", 0.001)
    # The local address below has the other family.
    by_kind = {"refused": refused, "dead": blackhole, "unfit": ("::1", 9), "good": address}
    resolve(*(by_kind[kind] for kind in kinds))
    count = descriptors()

    async def check() -> None:
        if "good" in kinds:
            stream = await connect(local_address="127.0.0.1")
            assert stream.get_extra_info("server_addr") == address
            await stream.aclose()
            listener.accept()[0].close()
        elif "dead" in kinds:
            with pytest.raises(ConnectTimeout):
                await connect(timeout=0.05, local_address="127.0.0.1")
        else:
            with pytest.raises(ConnectError):
                await connect(local_address="127.0.0.1")

    runner.run(check())
    assert descriptors() == count
