"""Streams that wait for room in the wrong way; and a good one."""

import asyncio
import time

from breaking import fails
from example_backend import ExampleStream

from httpcore_interface import WriteError, WriteTimeout


class Waiting(ExampleStream):
    """Waits for room, well, by looking now and then."""

    async def wait_writable(self, timeout: float | None = None) -> bool:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            if self.channel.is_closed:
                raise WriteError("the stream was closed on this side")
            ready = self.what_is_ready()
            if ready is not None:
                return ready
            if end is not None and time.monotonic() >= end:
                raise WriteTimeout(f"no room for {timeout} seconds")
            await asyncio.sleep(0.001)

    def what_is_ready(self) -> bool | None:
        return self.channel.what_is_ready()


@fails("test_where_there_is_room_a_write_need_not_wait", "and there is nothing to read")
class NeverHasRoom(Waiting):
    def what_is_ready(self) -> bool | None:
        return False


fails("test_a_fresh_stream_has_room", "assert False is True")(NeverHasRoom)


class AlwaysHasRoom(Waiting):
    def what_is_ready(self) -> bool | None:
        return True


for check in (
    "test_where_there_is_room_a_write_need_not_wait",
    "test_without_room_the_wait_times_out",
    "test_the_wait_ends_with_something_to_read",
    "test_what_can_be_read_already_is_not_waited_for",
    "test_a_cancelled_wait_for_room_has_changed_nothing",
):
    fails(check, "WriteTimeout: the peer took no bytes")(AlwaysHasRoom)


@fails("test_without_room_the_wait_times_out", "has not come to its end")
class NeverTimesOut(Waiting):
    async def wait_writable(self, timeout: float | None = None) -> bool:
        return await super().wait_writable(timeout if timeout in {0, 0.02} else None)


class SeesNoAnswers(Waiting):
    def what_is_ready(self) -> bool | None:
        return True if self.channel.is_writable() else None


fails("test_the_wait_ends_with_something_to_read", "has not come to its end")(SeesNoAnswers)
fails("test_what_can_be_read_already_is_not_waited_for", "WriteTimeout")(SeesNoAnswers)


@fails("test_the_wait_ends_with_room", "has not come to its end")
class SeesNoRoom(Waiting):
    was_full = False

    def what_is_ready(self) -> bool | None:
        ready = super().what_is_ready()
        self.was_full = self.was_full or ready is None
        return None if self.was_full else ready


@fails("test_closing_ends_the_wait_for_room", "did not raise WriteError")
class HasRoomWhenClosed(Waiting):
    async def wait_writable(self, timeout: float | None = None) -> bool:
        try:
            return await super().wait_writable(timeout)
        except WriteError:
            return True


@fails("test_a_cancelled_wait_for_room_has_changed_nothing", "an earlier write failed")
class BreaksWhenItsWaitIsCancelled(Waiting):
    async def wait_writable(self, timeout: float | None = None) -> bool:
        try:
            return await super().wait_writable(timeout)
        except asyncio.CancelledError:
            self.channel.is_broken = True
            raise
