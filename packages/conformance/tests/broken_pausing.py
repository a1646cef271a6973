"""Backends whose pauses and events are none, and blocking ones that are not."""

import asyncio

from breaking import fails
from example_backend import ExampleBackend
from small_blocking import SmallBackend

from httpcore_interface import AsyncEvent, create_async_event


@fails("test_a_pause_takes_its_time", "assert")
class DoesNotPause(ExampleBackend):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class SameEvent(ExampleBackend):
    event: AsyncEvent | None = None

    def create_event(self) -> AsyncEvent:
        self.event = self.event or create_async_event()
        return self.event


fails("test_events_are_fresh", "assert True is False")(SameEvent)


class Wrapped(AsyncEvent):
    """Passes everything on; what is changed about it, subclasses say."""

    def __init__(self) -> None:
        self.event = create_async_event()

    def set(self) -> None:
        self.event.set()

    async def wait(self, timeout: float | None = None) -> bool:
        return await self.event.wait(timeout)


class NotFromOtherThreads(Wrapped):
    def set(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        super().set()


class OnlyOnce(Wrapped):
    async def wait(self, timeout: float | None = None) -> bool:
        result = await super().wait(timeout)
        self.event = create_async_event()
        return result


class AlwaysTrue(Wrapped):
    async def wait(self, timeout: float | None = None) -> bool:
        await super().wait(timeout)
        return True


@fails("test_an_event_wakes_whoever_waits", "has not come to its end")
class EventsOfOneThread(ExampleBackend):
    def create_event(self) -> AsyncEvent:
        return NotFromOtherThreads()


@fails("test_an_event_stays_set", "assert False is True")
class EventsThatResetThemselves(ExampleBackend):
    def create_event(self) -> AsyncEvent:
        return OnlyOnce()


@fails("test_an_event_that_is_not_set_is_waited_for_in_vain", "assert True is False")
class EventsThatAreAlwaysSet(ExampleBackend):
    def create_event(self) -> AsyncEvent:
        return AlwaysTrue()


@fails("test_interrupting_a_connect_ends_it", "has not come to its end")
class InterruptsNothing(SmallBackend):
    def interrupt_connect(self, thread: int) -> bool:
        return True


fails("test_where_there_is_no_connect_there_is_nothing_to_interrupt", "assert True is False")(
    InterruptsNothing
)
