"""Closing ends a connect that another task waits for, and nothing else of that task."""

import asyncio
import collections.abc
import threading
import typing

import pytest
import trio

from httpcore_interface import AsyncNetworkBackend, AsyncNetworkStream, ConnectError
from httpcore_pool import AsyncConnectionPool, AsyncHTTPConnection, Origin
from httpcore_pool._async_colour import InterruptibleBackend
from httpcore_pool._interruption import interruptible

URL = "http://example.test/"
PATIENCE = 10.0


class Endless(AsyncNetworkBackend):
    """Connects for ever; counts those who have begun, and those who were ended."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.begun = threading.Event()
        self.waiting = 0

    async def connect_tcp(self, *args: object, **kwargs: object) -> AsyncNetworkStream:
        if self.refusals:
            self.refusals -= 1
            raise ConnectError("refused")
        await self.sleep(float("inf"))
        raise AssertionError

    async def sleep(self, seconds: float) -> None:
        self.waiting += 1
        self.begun.set()
        try:
            # The first repetition comes at once, and then the pause is endless.
            await super().sleep(float("inf"))
        finally:
            self.waiting -= 1


async def until_begun(backend: Endless) -> None:
    while not backend.begun.is_set():
        await AsyncNetworkBackend().sleep(0)


Scenario = collections.abc.Callable[[], collections.abc.Coroutine[object, object, None]]


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> collections.abc.Callable[[Scenario], None]:
    def run(scenario: Scenario) -> None:
        if request.param == "trio":
            trio.run(scenario)
        else:
            asyncio.run(scenario())

    return run


async def failure_of(pool: AsyncConnectionPool, failures: list[BaseException]) -> None:
    try:
        await pool.request("GET", URL)
    except ConnectError as exc:
        failures.append(exc)
    # Whatever ended the connect has ended: the task can go on to wait.
    await AsyncNetworkBackend().sleep(0)
    await AsyncNetworkBackend().sleep(0)
    failures.append(EOFError())


@pytest.mark.parametrize("refusals", [0, 1], ids=["connect", "pause"])
def test_closing_the_pool_ends_connects_of_other_tasks(
    run: collections.abc.Callable[[Scenario], None], refusals: int
) -> None:
    async def scenario() -> None:
        backend = Endless(refusals)
        pool = AsyncConnectionPool(network_backend=backend, retries=refusals)
        failures: list[BaseException] = []
        async with Both() as both:
            both.begin(failure_of(pool, failures))
            await until_begun(backend)
            await pool.aclose()
        assert [str(exc) for exc in failures[:-1]] == [
            "the connection was closed while it was being established"
        ]
        assert isinstance(failures[-1], EOFError)
        assert backend.waiting == 0
        assert pool.stats().requests_active == 0

    run(scenario)


def test_closing_from_another_thread_ends_it_as_well(
    run: collections.abc.Callable[[Scenario], None],
) -> None:
    async def scenario() -> None:
        backend = Endless()
        pool = AsyncConnectionPool(network_backend=backend)
        failures: list[BaseException] = []

        def close() -> None:
            assert backend.begun.wait(PATIENCE)
            # Without a connection there is nothing to wait for.
            closing = pool.aclose()
            with pytest.raises(StopIteration):
                closing.send(None)

        thread = threading.Thread(target=close)
        thread.start()
        await failure_of(pool, failures)
        thread.join()
        assert "closed" in str(failures[0])

    run(scenario)


def test_cancellation_that_comes_with_it_is_not_lost() -> None:
    async def scenario() -> None:
        backend = Endless()
        pool = AsyncConnectionPool(network_backend=backend)
        task = asyncio.create_task(pool.request("GET", URL))
        await until_begun(backend)
        task.cancel()
        await pool.aclose()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1
        assert backend.waiting == 0

    asyncio.run(scenario())


def test_timeout_around_it_goes_on_to_work() -> None:
    async def scenario() -> None:
        backend = Endless()
        pool = AsyncConnectionPool(network_backend=backend)

        async def request() -> None:
            async with asyncio.timeout(PATIENCE) as scope:
                with pytest.raises(ConnectError, match="closed"):
                    await pool.request("GET", URL)
                scope.reschedule(0)
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.sleep(PATIENCE)
                raise TimeoutError

        task = asyncio.create_task(request())
        await until_begun(backend)
        await pool.aclose()
        with pytest.raises(TimeoutError):
            await task
        assert task.cancelling() == 0

    asyncio.run(scenario())


def test_connection_without_a_pool_is_ended_too(
    run: collections.abc.Callable[[Scenario], None],
) -> None:
    async def scenario() -> None:
        backend = Endless()
        connection = AsyncHTTPConnection(
            Origin(b"http", b"example.test", 80), network_backend=backend
        )

        async def request() -> None:
            with pytest.raises(ConnectError, match="closed"):
                await connection.request("GET", URL)

        async with Both() as both:
            both.begin(request())
            await until_begun(backend)
            await connection.aclose()

    run(scenario)


def test_connect_that_was_interrupted_before_it_began_does_not_begin() -> None:
    async def scenario() -> None:
        endless = Endless()
        backend = InterruptibleBackend(endless)
        backend.interrupt()
        with pytest.raises(ConnectError, match="interrupted before it began"):
            await backend.connect_tcp("example.test", 80)
        with pytest.raises(ConnectError, match="interrupted before it began"):
            await backend.sleep(1.0)
        assert not endless.begun.is_set()

    asyncio.run(scenario())


def test_two_interruptions_are_one() -> None:
    async def scenario() -> None:
        wait = interruptible()
        assert wait is not None
        asyncio.get_running_loop().call_soon(wait.interrupt)
        asyncio.get_running_loop().call_soon(wait.interrupt)
        with pytest.raises(ConnectError, match="interrupted"):
            await wait.run(asyncio.sleep(PATIENCE))
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(scenario())


def test_wait_that_is_over_cannot_be_interrupted(
    run: collections.abc.Callable[[Scenario], None],
) -> None:
    async def scenario() -> None:
        wait = interruptible()
        assert wait is not None
        await wait.run(AsyncNetworkBackend().sleep(0))
        # From outside: a task is never interrupted by itself.
        thread = threading.Thread(target=wait.interrupt)
        thread.start()
        thread.join()
        await AsyncNetworkBackend().sleep(0)
        await AsyncNetworkBackend().sleep(0)

    run(scenario)


def test_backends_of_unknown_libraries_just_wait() -> None:
    class Ready(AsyncNetworkBackend):
        async def connect_tcp(self, *args: object, **kwargs: object) -> AsyncNetworkStream:
            return AsyncNetworkStream()

    connecting = InterruptibleBackend(Ready()).connect_tcp("example.test", 80)
    with pytest.raises(StopIteration) as result:
        connecting.send(None)
    assert isinstance(result.value.value, AsyncNetworkStream)


class Both:
    """Runs coroutines beside the block, and waits for them at its end; on either library."""

    async def __aenter__(self) -> typing.Self:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._nursery = trio.open_nursery()
            self._group: trio.Nursery | asyncio.TaskGroup = await self._nursery.__aenter__()
        else:
            self._group = await asyncio.TaskGroup().__aenter__()
        return self

    def begin(self, coroutine: collections.abc.Coroutine[object, object, None]) -> None:
        if isinstance(self._group, asyncio.TaskGroup):
            self._group.create_task(coroutine)
        else:
            self._group.start_soon(lambda: coroutine)

    async def __aexit__(self, *exc_info: object) -> None:
        leaving = (
            self._group.__aexit__
            if isinstance(self._group, asyncio.TaskGroup)
            else self._nursery.__aexit__
        )
        await leaving(None, None, None)
