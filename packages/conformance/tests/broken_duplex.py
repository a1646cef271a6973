"""Streams whose directions are in each other's way."""

import asyncio

from breaking import fails
from example_backend import ExampleStream

from httpcore_interface import ReadError, WriteError, WriteTimeout


class OneAtATime(ExampleStream):
    is_busy = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.is_busy:
            raise ReadError("busy")
        self.is_busy = True
        try:
            return await super().read(max_bytes, timeout)
        finally:
            self.is_busy = False

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self.is_busy:
            raise WriteError("busy")
        self.is_busy = True
        try:
            await super().write(buffer, timeout)
        finally:
            self.is_busy = False


fails("test_a_read_gets_what_comes_while_a_write_waits", "ReadError: busy")(OneAtATime)
fails("test_a_write_goes_out_while_a_read_waits", "WriteError: busy")(OneAtATime)
fails("test_much_in_both_directions_mixes_nothing_up", "busy")(OneAtATime)


class SharesItsTimeout(ExampleStream):
    """What `settimeout` of a socket does: the last to come sets it for both."""

    timeout: float | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeout = timeout
        return await super().read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.timeout = timeout
        writing = asyncio.ensure_future(super().write(buffer, None))
        while not writing.done():
            await asyncio.wait([writing], timeout=0.01 if self.timeout is None else 0.02)
            if self.timeout is not None and not writing.done():
                writing.cancel()
                raise WriteTimeout("the timeout of a read")
        await writing


fails("test_a_read_has_its_own_timeout_beside_a_write", "ended with the read")(SharesItsTimeout)


@fails("test_a_read_has_its_own_timeout_beside_a_write", "has not come to its end")
@fails("test_a_write_has_its_own_timeout_beside_a_read", "has not come to its end")
class HasALock(ExampleStream):
    lock: asyncio.Lock | None = None

    def get_lock(self) -> asyncio.Lock:
        self.lock = self.lock or asyncio.Lock()
        return self.lock

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        async with self.get_lock():
            return await super().read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        async with self.get_lock():
            await super().write(buffer, timeout)
