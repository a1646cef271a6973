"""The base classes: what a backend that is only half written does."""

import asyncio
import inspect
import math
import ssl
import time

import pytest
import trio
import trio.testing

from httpcore_interface import (
    AsyncNetworkBackend,
    AsyncNetworkStream,
    Event,
    NetworkBackend,
    NetworkStream,
)


class HalfStream(NetworkStream):
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return b"x" * max_bytes


class HalfAsyncStream(AsyncNetworkStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return b"x" * max_bytes


CALLS: dict[str, tuple[object, ...]] = {
    "read": (1,),
    "write": (b"x",),
    "close": (),
    "aclose": (),
    "start_tls": (ssl.create_default_context(),),
    "connect_tcp": ("localhost", 80),
    "connect_unix_socket": ("/nowhere",),
}


@pytest.mark.parametrize(
    ("instance", "method"),
    [
        (NetworkStream(), "read"),
        (NetworkStream(), "write"),
        (NetworkStream(), "close"),
        (NetworkStream(), "start_tls"),
        (HalfStream(), "write"),
        (NetworkBackend(), "connect_tcp"),
        (NetworkBackend(), "connect_unix_socket"),
        (AsyncNetworkStream(), "read"),
        (AsyncNetworkStream(), "write"),
        (AsyncNetworkStream(), "aclose"),
        (AsyncNetworkStream(), "start_tls"),
        (HalfAsyncStream(), "aclose"),
        (AsyncNetworkBackend(), "connect_tcp"),
        (AsyncNetworkBackend(), "connect_unix_socket"),
    ],
)
def test_method_that_was_left_out_says_so_when_it_is_called(
    instance: object, method: str
) -> None:
    name = type(instance).__name__
    with pytest.raises(NotImplementedError, match=rf"^{name} does not implement {method}\(\)$"):
        call(instance, method)


def call(instance: object, method: str) -> None:
    outcome: object = getattr(instance, method)(*CALLS[method])
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)


def test_method_that_was_written_works() -> None:
    assert HalfStream().read(2) == b"xx"
    assert asyncio.run(HalfAsyncStream().read(2)) == b"xx"


@pytest.mark.parametrize("stream", [NetworkStream(), AsyncNetworkStream()])
@pytest.mark.parametrize("info", ["socket", "ssl_object", "is_readable", "whatever"])
def test_nothing_is_known_about_a_stream_by_default(
    stream: NetworkStream | AsyncNetworkStream, info: str
) -> None:
    assert stream.get_extra_info(info) is None


def parameters(owner: type, method: str) -> list[tuple[str, object]]:
    signature = inspect.signature(getattr(owner, method))
    return [(each.name, each.default) for each in signature.parameters.values()]


@pytest.mark.parametrize(
    ("blocking", "awaited", "method"),
    [
        (NetworkStream, AsyncNetworkStream, "read"),
        (NetworkStream, AsyncNetworkStream, "write"),
        (NetworkStream, AsyncNetworkStream, "close"),
        (NetworkStream, AsyncNetworkStream, "start_tls"),
        (NetworkStream, AsyncNetworkStream, "get_extra_info"),
        (NetworkBackend, AsyncNetworkBackend, "connect_tcp"),
        (NetworkBackend, AsyncNetworkBackend, "connect_unix_socket"),
        (NetworkBackend, AsyncNetworkBackend, "sleep"),
        (NetworkBackend, AsyncNetworkBackend, "create_event"),
    ],
)
def test_twins_take_the_same_arguments(blocking: type, awaited: type, method: str) -> None:
    twin = "aclose" if method == "close" else method
    assert parameters(blocking, method) == parameters(awaited, twin)


@pytest.mark.parametrize(
    ("owner", "method", "expected"),
    [
        (NetworkStream, "read", "self max_bytes timeout"),
        (NetworkStream, "write", "self buffer timeout"),
        (NetworkStream, "close", "self"),
        (NetworkStream, "start_tls", "self ssl_context server_hostname timeout"),
        (NetworkStream, "get_extra_info", "self info"),
        (
            NetworkBackend,
            "connect_tcp",
            "self host port timeout local_address socket_options",
        ),
        (NetworkBackend, "connect_unix_socket", "self path timeout socket_options"),
        (NetworkBackend, "sleep", "self seconds"),
    ],
)
def test_arguments_are_those_of_the_1_x_api(owner: type, method: str, expected: str) -> None:
    assert [name for name, _ in parameters(owner, method)] == expected.split()


# -- defaults ----------------------------------------------------------------------


def test_blocking_sleep_sleeps_in_this_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    NetworkBackend().sleep(2.5)
    assert slept == [2.5]


def test_blocking_backend_makes_events_for_threads() -> None:
    backend = NetworkBackend()
    event = backend.create_event()
    assert isinstance(event, Event)
    assert backend.create_event() is not event


def test_async_sleep_is_trios_on_trio() -> None:
    async def main() -> float:
        await AsyncNetworkBackend().sleep(1000)
        return trio.current_time() - started

    clock = trio.testing.MockClock(autojump_threshold=0)
    started = clock.current_time()
    assert trio.run(main, clock=clock) == pytest.approx(1000)


def test_async_sleep_is_asyncios_on_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def note(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    asyncio.run(AsyncNetworkBackend().sleep(2.5))
    assert slept == [2.5]


def test_async_sleep_of_infinity_lasts_until_it_is_cancelled() -> None:
    async def on_asyncio() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(AsyncNetworkBackend().sleep(math.inf), 0.01)

    async def on_trio() -> None:
        with trio.move_on_after(1000) as scope:
            await AsyncNetworkBackend().sleep(math.inf)
        assert scope.cancelled_caught

    asyncio.run(on_asyncio())
    trio.run(on_trio, clock=trio.testing.MockClock(autojump_threshold=0))


def test_async_sleep_of_no_time_ends_on_asyncio() -> None:
    async def main() -> None:
        await AsyncNetworkBackend().sleep(0)
        await asyncio.wait_for(AsyncNetworkBackend().sleep(-math.inf), 5)

    asyncio.run(main())


def test_async_sleep_without_a_loop_says_so() -> None:
    coroutine = AsyncNetworkBackend().sleep(0)
    with pytest.raises(RuntimeError, match="no event loop is running here"):
        coroutine.send(None)
