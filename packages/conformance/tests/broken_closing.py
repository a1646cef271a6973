"""Streams that close in the wrong way."""

import asyncio
import contextlib
import socket
import ssl

from breaking import fails
from example_backend import ExampleStream

from httpcore_interface import ReadError, WriteError

STILL_OPEN = "the socket is still open"


class DoesNotClose(ExampleStream):
    async def aclose(self) -> None:
        pass


class OnlyShutsDown(ExampleStream):
    """Ends the connection, and leaves the socket to the garbage collector."""

    async def aclose(self) -> None:
        with contextlib.suppress(OSError):
            self.channel.sock.shutdown(socket.SHUT_RDWR)


fails("test_close_ends_the_connection_for_the_peer", "the peer does not notice")(DoesNotClose)
for check in (
    "test_close_frees_the_socket",
    "test_close_works_in_any_state",
    "test_close_does_not_wait_for_a_peer_that_reads_nothing",
    "test_a_cancelled_close_has_closed",
    "test_a_cancelled_close_of_a_full_stream_has_closed",
):
    fails(check, STILL_OPEN)(OnlyShutsDown)
for check in (
    "test_close_ends_a_read",
    "test_close_ends_a_write",
    "test_close_ends_a_read_and_a_write",
    "test_close_ends_a_handshake",
):
    fails(check, "has not come to its end")(DoesNotClose)
fails("test_a_closed_stream_cannot_be_encrypted", "not ConnectError")(DoesNotClose)


class ClosesBehindTheirBacks(ExampleStream):
    """Frees the socket under those who wait, and does not tell them."""

    async def aclose(self) -> None:
        self.channel.sock.close()


for check in ("test_close_ends_a_read", "test_close_ends_a_write"):
    fails(check, "has not come to its end")(ClosesBehindTheirBacks)


@fails("test_close_can_be_repeated", "RuntimeError: closed already")
class ClosesOnce(ExampleStream):
    async def aclose(self) -> None:
        if self.channel.is_closed:
            raise RuntimeError("closed already")
        await super().aclose()


@fails("test_close_works_in_any_state", "OSError")
class TellsWhatIsWrong(ExampleStream):
    async def aclose(self) -> None:
        if not self.channel.is_closed:
            try:
                self.channel.sock.shutdown(socket.SHUT_RDWR)
            finally:
                await super().aclose()


@fails("test_a_closed_stream_cannot_be_read", "returned b''")
@fails("test_close_ends_a_read", "returned b''")
class EndsWhenClosed(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await super().read(max_bytes, timeout)
        except ReadError:
            return b""


@fails("test_a_closed_stream_cannot_be_written", "did not raise WriteError")
@fails("test_close_ends_a_write", "did not raise WriteError")
class WritesIntoNothing(ExampleStream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with contextlib.suppress(WriteError):
            await super().write(buffer, timeout)


@fails("test_a_closed_stream_cannot_be_encrypted", "raised OSError, not ConnectError")
class LeaksFromAClosedStream(ExampleStream):
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> ExampleStream:
        if self.channel.is_closed:
            raise OSError(9, "Bad file descriptor")
        return await super().start_tls(ssl_context, server_hostname, timeout)


class WaitsToClose(ExampleStream):
    """Waits until the peer has closed its side, too."""

    async def aclose(self) -> None:
        if not self.channel.is_closed:
            with contextlib.suppress(OSError):
                self.channel.sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ReadError):
                while await self.read(65536, 1.5):
                    pass
            await super().aclose()


for check in (
    "test_close_does_not_wait_for_a_farewell",
    "test_close_does_not_wait_for_a_peer_that_reads_nothing",
):
    fails(check, "has not come to its end")(WaitsToClose)
fails("test_a_cancelled_close_has_closed", STILL_OPEN)(WaitsToClose)


@fails("test_a_cancelled_close_of_a_full_stream_has_closed", STILL_OPEN)
class WaitsBeforeItCloses(ExampleStream):
    async def aclose(self) -> None:
        await asyncio.sleep(0)
        await super().aclose()
