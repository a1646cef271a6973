"""Streams that write in the wrong way."""

import asyncio

from breaking import fails
from example_backend import ExampleStream

from httpcore_interface import WriteError, WriteTimeout

LARGE = "test_write_sends_all_of_a_large_buffer_to_a_slow_reader"
MUCH = 256 * 1024


@fails("test_writes_arrive_in_order", "the peer got 0 of 66 bytes")
class KeepsSmallWrites(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if len(buffer) > 10:
            await super().write(buffer, timeout)


@fails("test_writes_arrive_in_order", "OverflowError: timestamp too large")
@fails("test_a_write_without_a_deadline_waits", "OverflowError: timestamp too large")
class CountsInMilliseconds(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if timeout is not None and timeout > 1e6:
            raise OverflowError("timestamp too large")
        await super().write(buffer, timeout)


@fails(LARGE, "and then TimeoutError")
class SendsOnce(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.channel.begin_write()
        self.channel.send(buffer)
        self.channel.is_writing = False


@fails(LARGE, "other bytes have arrived")
class SendsTheBeginningAgain(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), MUCH):
            size = min(MUCH, len(buffer) - start)
            await super().write(buffer[:size], timeout)


@fails("test_any_buffer_can_be_written", "TypeError: bytes, please")
@fails("test_any_buffer_can_be_encrypted", "TypeError: bytes, please")
class TakesBytesOnly(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not isinstance(buffer, bytes):
            raise TypeError("bytes, please")
        await super().write(buffer, timeout)


@fails("test_any_buffer_can_be_written", "and then TimeoutError")
class CountsItemsForBytes(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await super().write(bytes(memoryview(buffer).cast("B")[: len(buffer)]), timeout)


@fails("test_nothing_can_be_written", "ValueError: nothing to write")
class RefusesNothing(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            raise ValueError("nothing to write")
        await super().write(buffer, timeout)


@fails("test_a_large_buffer_is_not_copied_as_a_whole", "bytes to write 16777216")
class Copies(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await super().write(b"" + bytes(bytearray(buffer)), timeout)


@fails("test_write_times_out_when_the_peer_takes_nothing", "has not come to its end")
@fails("test_without_time_write_sends_only_what_fits", "has not come to its end")
class WaitsForEver(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await super().write(buffer, None)


class LeaksTimeouts(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await super().write(buffer, timeout)
        except WriteTimeout:
            raise TimeoutError from None


for check in (
    "test_write_times_out_when_the_peer_takes_nothing",
    "test_without_time_write_sends_only_what_fits",
    "test_after_a_failed_write_the_stream_can_be_read",
    "test_after_a_failed_write_the_stream_refuses_to_write",
):
    fails(check, "raised TimeoutError, not WriteTimeout")(LeaksTimeouts)


@fails("test_the_timeout_begins_anew_whenever_the_peer_takes_some", "WriteTimeout: too long")
class HasOneDeadlineForAWrite(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            async with asyncio.timeout(timeout):
                await super().write(buffer, None)
        except TimeoutError as exc:
            raise WriteTimeout("too long") from exc


@fails("test_after_a_failed_write_the_stream_can_be_read", "closed on this side")
class ClosesAfterAFailure(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await super().write(buffer, timeout)
        except WriteTimeout:
            await self.aclose()
            raise


@fails("test_after_a_failed_write_the_stream_refuses_to_write", "not WriteError")
@fails("test_after_a_cancelled_write_the_stream_refuses_to_write", "did not raise WriteError")
class WritesOn(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.channel.is_broken = False
        await super().write(buffer, timeout)


class RaisesTheCause(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await super().write(buffer, timeout)
        except WriteError as exc:
            raise (exc.__cause__ or exc) from None


fails("test_a_reset_is_a_write_error", "not WriteError")(RaisesTheCause)
fails("test_a_peer_that_is_gone_is_a_write_error", "not WriteError")(RaisesTheCause)


@fails("test_a_reset_is_a_write_error", "the WriteError has no __cause__")
class HidesTheCause(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await super().write(buffer, timeout)
        except WriteError as exc:
            raise WriteError(str(exc)) from None
