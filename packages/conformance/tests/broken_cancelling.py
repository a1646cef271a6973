"""Streams and backends that take a cancellation in the wrong way."""

import asyncio

from breaking import Dialling, fails
from example_backend import ExampleStream

from httpcore_interface import ConnectTimeout, Dial, ReadTimeout

IS_CANCELLED = "test_a_cancellation_is_no_timeout_and_no_error"


@fails("test_a_cancelled_read_has_lost_no_bytes", "ReadTimeout: nothing came")
@fails(
    "test_a_read_that_is_cancelled_just_when_something_comes_loses_nothing",
    "ReadTimeout: nothing came",
)
class LosesWhatComesLate(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await super().read(max_bytes, timeout)
        except asyncio.CancelledError:
            self.channel.receive(max_bytes)
            raise


@fails("test_a_cancelled_read_leaves_the_stream_alone", "closed on this side")
class ClosesWhenARequestIsDropped(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await super().read(max_bytes, timeout)
        except asyncio.CancelledError:
            await self.aclose()
            raise


@fails(IS_CANCELLED, "it raised ReadTimeout")
@fails("test_a_cancelled_read_leaves_the_stream_alone", "it raised ReadTimeout")
class TakesACancellationForATimeout(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await super().read(max_bytes, timeout)
        except asyncio.CancelledError as exc:
            raise ReadTimeout("cancelled") from exc


@fails("test_a_cancelled_wait_for_a_connect_leaves_no_socket_open", "it raised ConnectTimeout")
class TakesACancelledConnectForATimeout(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        try:
            return await super().dial(dial)
        except asyncio.CancelledError as exc:
            raise ConnectTimeout("cancelled") from exc


@fails("test_a_cancelled_connect_leaves_no_socket_open", "there is another socket")
class LosesAConnectionThatWasMade(Dialling):
    lost: ExampleStream | None = None

    async def dial(self, dial: Dial) -> ExampleStream:
        stream = await super().dial(dial)
        self.lost = stream
        await asyncio.sleep(0)
        return stream


@fails("test_an_idle_stream_is_not_readable", "nor to the loop's exception handler")
class LeavesAnErrorBehind(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        def fail() -> None:
            raise OSError("nobody hears of this")

        asyncio.get_running_loop().call_soon(fail)
        return await super().dial(dial)
