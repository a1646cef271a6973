"""Streams that read in the wrong way."""

import asyncio
import math
import time

from breaking import fails
from example_backend import ExampleStream

from httpcore_interface import ReadError, ReadTimeout

SIZES = "test_reads_of_every_size_return_what_was_sent"
END = "test_the_end_of_the_stream_reads_as_nothing_again_and_again"
WITHOUT_TIME = "test_without_time_read_does_not_wait"


@fails(SIZES, "<= 1\n")
class IgnoresMaxBytes(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await super().read(65536, timeout)


@fails(SIZES, "ReadTimeout: nothing came")
class DropsWhatIsTooMuch(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return (await super().read(max_bytes + 1, timeout))[:max_bytes]


@fails(SIZES, "read returned a bytearray")
class ReturnsItsBuffer(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        # Nobody would notice, but for whoever takes it for a key.
        return bytearray(await super().read(max_bytes, timeout))  # type: ignore[return-value]


@fails("test_read_does_not_wait_for_more_than_has_come", "ReadTimeout: nothing came")
class WaitsForAllThatWasAskedFor(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        octets = b""
        while len(octets) < max_bytes:
            octets += await super().read(max_bytes - len(octets), timeout)
        return octets


@fails("test_read_waits_for_what_comes_later", "OverflowError: timestamp too large")
class CountsInMilliseconds(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if timeout is not None and timeout > 1e6:
            raise OverflowError("timestamp too large")
        return await super().read(max_bytes, timeout)


class TakesTheEndForAnError(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        octets = await super().read(max_bytes, timeout)
        if not octets:
            raise ReadError("the server has disconnected")
        return octets


fails(END, "the server has disconnected")(TakesTheEndForAnError)
fails("test_the_end_of_the_stream_ends_a_read", "disconnected")(TakesTheEndForAnError)
fails("test_the_end_makes_a_stream_readable", "disconnected")(TakesTheEndForAnError)


@fails(END, "ReadError: at the end already")
class KnowsOneEndOnly(ExampleStream):
    at_end = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.at_end:
            raise ReadError("at the end already")
        octets = await super().read(max_bytes, timeout)
        self.at_end = not octets
        return octets


@fails("test_a_stream_that_the_peer_has_ended_can_be_written", "closed on this side")
class ClosesAtTheEnd(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        octets = await super().read(max_bytes, timeout)
        if not octets:
            await self.aclose()
        return octets


@fails("test_a_reset_is_a_read_error", "raised ConnectionResetError, not ReadError")
@fails("test_a_broken_record_is_a_read_error", "raised SSLError, not ReadError")
class RaisesTheCause(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await super().read(max_bytes, timeout)
        except ReadError as exc:
            raise (exc.__cause__ or exc) from None


@fails("test_a_reset_is_a_read_error", "the ReadError has no __cause__")
@fails("test_a_broken_record_is_a_read_error", "the ReadError has no __cause__")
class HidesTheCause(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await super().read(max_bytes, timeout)
        except ReadError as exc:
            raise ReadError(str(exc)) from None


@fails("test_read_times_out", "raised TimeoutError, not ReadTimeout")
class LeaksTimeouts(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        async with asyncio.timeout(timeout):
            return await super().read(max_bytes, None)


@fails("test_read_times_out", "assert (0.1 - 0.02) <= 0.0")
class CountsTwice(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await super().read(max_bytes, timeout and timeout / 2)


@fails("test_a_read_that_timed_out_may_be_tried_again", "closed on this side")
class ClosesAfterATimeout(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await super().read(max_bytes, timeout)
        except ReadTimeout:
            await self.aclose()
            raise


@fails(
    "test_a_read_that_times_out_just_when_something_comes_loses_nothing",
    "ReadTimeout: nothing came",
)
class LooksAtTheClockLast(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        began = time.monotonic()
        octets = await super().read(max_bytes, timeout)
        if timeout is not None and time.monotonic() - began > timeout > 0:
            raise ReadTimeout("that took too long")
        return octets


@fails(WITHOUT_TIME, "has not come to its end")
class TakesZeroForNone(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await super().read(max_bytes, timeout or None)


@fails(WITHOUT_TIME, "raised ValueError, not ReadTimeout")
class KnowsNoNegativeTimeouts(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if timeout is not None and timeout < 0:
            raise ValueError("Timeout value out of range")
        return await super().read(max_bytes, timeout)


@fails("test_without_time_read_returns_what_is_there", "ReadTimeout: no time")
class LooksAtTheClockFirst(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if timeout is not None and timeout <= 0:
            raise ReadTimeout("no time")
        return await super().read(max_bytes, timeout)


@fails("test_what_comes_right_behind_the_handshake_is_read", "ReadTimeout: nothing came")
class ForgetsWhatWasDecrypted(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.channel.get_extra_info("ssl_object") and math.isfinite(timeout or 0):
            await super().read(max_bytes, timeout)
        return await super().read(max_bytes, timeout)
