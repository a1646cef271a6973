"""The one-shot event for tasks: each scenario on asyncio and on trio."""

import asyncio
import collections.abc
import gc
import math
import selectors
import sys
import threading
import types
import typing

import pytest
import trio
import trio.testing

from httpcore_interface import AsyncEvent, AsyncNetworkBackend, create_async_event
from httpcore_interface._asyncio_event import AsyncioEvent
from httpcore_interface._trio_event import TrioEvent

T = typing.TypeVar("T")

Function = collections.abc.Callable[[], None]

# What a selector tells of one file. A key holds anything.
Ready = tuple[selectors.SelectorKey, int]  # type: ignore[explicit-any]


class Trace(typing.Protocol):
    """What `sys.settrace` takes."""

    def __call__(
        self, frame: types.FrameType, event: str, argument: object, /
    ) -> "Trace | None": ...


Task = collections.abc.Callable[[], collections.abc.Coroutine[None, None, None]]


class Asyncio:
    """What the scenarios need of asyncio."""

    event_class: type[AsyncEvent] = AsyncioEvent

    @staticmethod
    def run(main: Task, *, debug: bool = True) -> None:
        # In debug mode asyncio refuses what another thread may not call.
        asyncio.run(main(), debug=debug)

    @staticmethod
    async def together(*tasks: Task) -> None:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task())

    @staticmethod
    async def let_others_run() -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    @staticmethod
    async def cancelled(task: Task, then: Function, first: Function = lambda: None) -> None:
        running = asyncio.create_task(task())
        await Asyncio.let_others_run()
        first()
        running.cancel()
        then()
        with pytest.raises(asyncio.CancelledError):
            await running


class Trio:
    """What the scenarios need of trio."""

    event_class: type[AsyncEvent] = TrioEvent

    @staticmethod
    def run(main: Task, *, debug: bool = True) -> None:
        trio.run(main)

    @staticmethod
    async def together(*tasks: Task) -> None:
        async with trio.open_nursery() as nursery:
            for task in tasks:
                nursery.start_soon(task)

    @staticmethod
    async def let_others_run() -> None:
        await trio.testing.wait_all_tasks_blocked()

    @staticmethod
    async def cancelled(task: Task, then: Function, first: Function = lambda: None) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task)
            await Trio.let_others_run()
            first()
            nursery.cancel_scope.cancel()
            then()


Library = type[Asyncio] | type[Trio]


@pytest.fixture(params=[Asyncio, Trio])
def library(request: pytest.FixtureRequest) -> Library:
    chosen: Library = request.param
    return chosen


def in_thread(function: Function) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_event_is_that_of_the_running_library(library: Library) -> None:
    async def main() -> None:
        assert type(create_async_event()) is library.event_class
        event = AsyncNetworkBackend().create_event()
        assert type(event) is library.event_class
        assert AsyncNetworkBackend().create_event() is not event

    library.run(main)


@pytest.mark.parametrize("timeout", [None, 0, -1, -math.inf, 0.5, math.inf, 1e300])
def test_wait_for_an_event_that_is_set_returns_at_once(
    library: Library, timeout: float | None
) -> None:
    async def main() -> None:
        event = create_async_event()
        event.set()
        event.set()
        assert await event.wait(timeout) is True
        assert await event.wait(timeout) is True

    library.run(main)


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -math.inf, 0.001])
def test_wait_that_ends_without_the_event(library: Library, timeout: float) -> None:
    async def main() -> None:
        event = create_async_event()
        assert await event.wait(timeout) is False
        assert await event.wait(timeout) is False
        event.set()
        assert await event.wait(timeout) is True

    library.run(main)


@pytest.mark.parametrize("timeout", [None, math.inf, 1e300, 50])
def test_wait_ends_when_the_event_is_set(library: Library, timeout: float | None) -> None:
    async def main() -> None:
        event = create_async_event()

        async def wait() -> None:
            assert await event.wait(timeout) is True

        async def set_it() -> None:
            await library.let_others_run()
            event.set()

        await library.together(wait, set_it)

    library.run(main)


@pytest.mark.parametrize("timeout", [None, math.inf, 50])
def test_wait_ends_when_another_thread_sets_the_event(
    library: Library, timeout: float | None
) -> None:
    async def main() -> None:
        event = create_async_event()

        async def wait() -> None:
            assert await event.wait(timeout) is True

        async def set_it() -> None:
            await library.let_others_run()
            in_thread(event.set)

        await library.together(wait, set_it)

    library.run(main)


def test_wait_ends_when_another_threads_loop_sets_the_event(library: Library) -> None:
    async def main() -> None:
        event = create_async_event()

        async def wait() -> None:
            assert await event.wait() is True

        async def set_it_there() -> None:
            event.set()

        async def set_it() -> None:
            await library.let_others_run()
            in_thread(lambda: library.run(set_it_there))

        await library.together(wait, set_it)

    library.run(main)


def test_event_that_another_thread_has_set_is_set_at_once(library: Library) -> None:
    async def main() -> None:
        event = create_async_event()
        in_thread(event.set)
        assert await event.wait(0) is True
        assert await event.wait() is True

    library.run(main)


def test_every_waiting_task_is_woken(library: Library) -> None:
    async def main() -> None:
        event = create_async_event()
        woken: list[bool] = []

        async def wait() -> None:
            woken.append(await event.wait())

        async def wait_briefly() -> None:
            woken.append(await event.wait(0.001))
            event.set()

        await library.together(wait, wait, wait, wait_briefly)
        assert sorted(woken) == [False, True, True, True]

    library.run(main)


def test_event_may_be_set_after_its_waiter_was_cancelled(library: Library) -> None:
    async def main() -> None:
        event = create_async_event()

        async def wait() -> None:
            await event.wait()

        await library.cancelled(wait, lambda: None)
        event.set()
        assert await event.wait() is True

    library.run(main)


def test_event_may_be_set_while_its_waiter_is_being_cancelled(library: Library) -> None:
    async def main() -> None:
        event = create_async_event()

        async def wait() -> None:
            await event.wait()

        await library.cancelled(wait, event.set)
        assert await event.wait() is True

    library.run(main)


def test_cancelled_wait_takes_nothing_from_the_others(library: Library) -> None:
    async def main() -> None:
        event = create_async_event()

        async def wait() -> None:
            assert await event.wait() is True

        async def cancel_another_and_set() -> None:
            await library.cancelled(wait, lambda: None)
            event.set()

        await library.together(wait, cancel_another_and_set)

    library.run(main)


def test_event_of_a_loop_that_has_ended_may_be_set(library: Library) -> None:
    events: list[AsyncEvent] = []

    async def main() -> None:
        events.append(create_async_event())

    library.run(main)
    events[0].set()
    events[0].set()


def test_event_of_a_loop_that_has_ended_may_be_set_in_another(library: Library) -> None:
    events: list[AsyncEvent] = []

    async def first() -> None:
        events.append(create_async_event())

    async def second() -> None:
        events[0].set()

    library.run(first)
    library.run(second)


class SetsWhenCollected:
    itself: "SetsWhenCollected"

    def __init__(self, event: AsyncEvent) -> None:
        self.event = event

    def __del__(self) -> None:
        self.event.set()


def test_event_set_by_a_finaliser_wakes_who_waits(library: Library) -> None:
    async def main() -> None:
        event = create_async_event()

        async def wait() -> None:
            assert await event.wait() is True

        async def collect() -> None:
            await library.let_others_run()
            cycle = SetsWhenCollected(event)
            cycle.itself = cycle
            del cycle
            gc.collect()

        await library.together(wait, collect)

    library.run(main)


class Moment:
    """Calls something behind so many instructions, as the garbage collector might.

    Those of what is called after `begin`, not of what is under way there.
    """

    def __init__(self, number: int, function: Function) -> None:
        self._left = number
        self._function = function
        self._former = sys.gettrace()

    @property
    def has_come(self) -> bool:
        return self._left < 0

    def begin(self) -> None:
        # Python 3.12 looks at `settrace` whether any frame wants this.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self._trace)

    def end(self) -> None:
        sys.settrace(self._former)

    def _trace(self, frame: types.FrameType, event: str, argument: object) -> Trace:
        frame.f_trace_opcodes = True
        if event == "opcode" and not self.has_come:
            self._left -= 1
            if self.has_come:
                self.end()
                self._function()
        return self._trace


Scenario = collections.abc.Callable[
    [AsyncEvent, Moment], collections.abc.Coroutine[None, None, None]
]


def at_every_moment(library: Library, scenario: Scenario) -> None:
    """Runs a scenario again and again, its event set one instruction later each time."""
    moments: list[Moment] = []

    async def main() -> None:
        event = create_async_event()
        moments.append(Moment(len(moments), event.set))
        try:
            await scenario(event, moments[-1])
        finally:
            moments[-1].end()

    # In debug mode there are many more instructions.
    library.run(main, debug=False)
    while moments[-1].has_come:
        library.run(main, debug=False)
    assert len(moments) > 20


def test_finaliser_at_any_moment_of_a_wait_is_not_missed(library: Library) -> None:
    async def scenario(event: AsyncEvent, moment: Moment) -> None:
        woken: list[bool] = []

        async def wait() -> None:
            moment.begin()
            woken.append(await event.wait())
            moment.end()

        async def look() -> None:
            await library.let_others_run()
            moment.end()
            # It may have come just now.
            await library.let_others_run()
            assert woken or not moment.has_come
            event.set()

        await library.together(wait, look)
        assert woken == [True]

    at_every_moment(library, scenario)


def test_finaliser_at_any_moment_of_a_cancellation_breaks_nothing(library: Library) -> None:
    async def scenario(event: AsyncEvent, moment: Moment) -> None:
        async def wait() -> None:
            assert await event.wait() is True
            # Woken before the cancellation came; it comes now.
            await library.let_others_run()

        await library.cancelled(wait, moment.end, moment.begin)
        event.set()
        assert await event.wait() is True

    at_every_moment(library, scenario)


def test_finaliser_that_sets_the_event_as_a_wait_begins_is_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        event = create_async_event()
        loop = asyncio.get_running_loop()

        def create_future_as_the_collector_runs() -> asyncio.Future[None]:
            event.set()
            return asyncio.Future(loop=loop)

        monkeypatch.setattr(loop, "create_future", create_future_as_the_collector_runs)
        async with asyncio.timeout(5):
            assert await event.wait() is True

    asyncio.run(main())


def test_finaliser_that_sets_the_event_as_its_time_is_up_disturbs_no_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = AsyncEvent()
    complaints: list[dict[str, object]] = []

    class Future(asyncio.Future[None]):
        def done(self) -> bool:
            is_done = super().done()
            event.set()
            return is_done

    async def main() -> None:
        nonlocal event
        event = create_async_event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: complaints.append(context))
        monkeypatch.setattr(loop, "create_future", lambda: Future(loop=loop))
        await event.wait(0.001)

    asyncio.run(main())
    assert not complaints


def test_wait_on_asyncio_leaves_no_future_and_no_timer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        event = AsyncioEvent()
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []

        def call_later(
            delay: float, callback: collections.abc.Callable[[object], None], argument: object
        ) -> asyncio.TimerHandle:
            timers.append(loop.call_at(loop.time() + delay, callback, argument))
            return timers[-1]

        async def wait(timeout: float) -> None:
            await event.wait(timeout)

        async def set_it() -> None:
            await Asyncio.let_others_run()
            event.set()

        monkeypatch.setattr(loop, "call_later", call_later)
        await event.wait(0.001)
        await Asyncio.cancelled(lambda: wait(60), lambda: None)
        assert not event._futures
        await Asyncio.together(lambda: wait(60), set_it)
        assert not event._futures
        assert [timer.cancelled() for timer in timers] == [True, True, True]

    asyncio.run(main())


def test_finaliser_outside_of_any_task_leaves_trios_scheduler_alone() -> None:
    # Between two tasks trio empties its list of runnable ones: a wake-up that is
    # entered there by a finaliser could be lost, and so it takes the way of a thread.
    woken: list[bool] = []

    class Instrument(trio.abc.Instrument):
        event: AsyncEvent | None = None

        def before_io_wait(self, timeout: float) -> None:
            if self.event is not None:
                self.event.set()
                assert not self.event._event.is_set()  # type: ignore[attr-defined]
                self.event = None

    instrument = Instrument()

    async def main() -> None:
        instrument.event = event = create_async_event()
        woken.append(await event.wait())

    trio.run(main, instruments=[instrument])
    assert woken == [True]


def test_finaliser_outside_of_any_task_wakes_an_asyncio_loop_that_goes_to_sleep() -> None:
    # The loop has looked whether anybody can go on, and is about to wait for sockets.
    class Selector(selectors.DefaultSelector):
        event: AsyncEvent | None = None

        # As above.
        def select(  # type: ignore[explicit-any]
            self, timeout: float | None = None
        ) -> list[Ready]:
            if self.event is None or timeout == 0:
                return super().select(timeout)
            self.event.set()
            self.event = None
            ready = super().select(0)
            assert ready, "nothing wakes the loop"
            return ready

    selector = Selector()

    async def main() -> None:
        selector.event = event = create_async_event()
        assert await event.wait() is True

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(main())


def test_events_of_trio_as_a_guest_of_asyncio() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        of_the_host = create_async_event()
        of_the_guest: list[AsyncEvent] = []

        async def guest() -> None:
            event = create_async_event()
            assert type(event) is TrioEvent
            of_the_guest.append(event)
            of_the_host.set()
            assert await event.wait(50) is True

        trio.lowlevel.start_guest_run(
            guest,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=done.set_result,
        )
        assert type(of_the_host) is AsyncioEvent
        assert await of_the_host.wait(50) is True
        of_the_guest[0].set()
        (await done).unwrap()

    asyncio.run(main())


class Unwritten(AsyncEvent):
    pass


def test_method_that_was_left_out_says_so() -> None:
    event = Unwritten()
    with pytest.raises(NotImplementedError, match=r"^Unwritten does not implement set\(\)$"):
        event.set()
    with pytest.raises(NotImplementedError, match=r"^Unwritten does not implement wait\(\)$"):
        asyncio.run(event.wait())
