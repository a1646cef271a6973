"""One connection. What it does with its socket short of waiting is the interface's."""

import socket
import ssl
import typing

from httpcore_interface import (
    AsyncNetworkStream,
    ConnectTimeout,
    ReadTimeout,
    SocketChannel,
    WriteTimeout,
    seconds_to_wait,
)

from ._deadline import Deadline
from ._readiness import Readiness


class ExampleStream(AsyncNetworkStream):
    """One open connection, on asyncio.

    Args:
        sock: Connected. It belongs to the stream from now on.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.channel = SocketChannel(sock)
        self.readiness = Readiness(sock)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come. See `AsyncNetworkStream.read`."""
        channel, deadline = self.channel, Deadline(timeout)
        channel.begin_read(max_bytes)
        try:
            while (octets := channel.receive(max_bytes)) is None:
                if not await self.readiness.wait(deadline.left(), writing=False):
                    raise ReadTimeout(f"nothing came within {timeout} seconds")
            return octets
        finally:
            channel.is_reading = False

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of `buffer`. See `AsyncNetworkStream.write`."""
        channel, seconds = self.channel, seconds_to_wait(timeout)
        channel.begin_write()
        try:
            with memoryview(buffer) as view:
                # An empty buffer of any shape cannot be cast.
                if view.nbytes:
                    with view.cast("B") as octets:
                        await self._send(octets, seconds)
        except BaseException:
            channel.is_broken = True
            raise
        finally:
            channel.is_writing = False

    async def _send(self, octets: memoryview, seconds: float | None) -> None:
        channel = self.channel
        while not channel.send(octets):
            writing = not channel.needs_input
            # Each wait anew: the peer has taken something since the last one.
            if not await self.readiness.wait(seconds, writing=writing):
                raise WriteTimeout(f"the peer took no bytes for {seconds} seconds")

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "ExampleStream":
        """Encrypts this very stream. See `AsyncNetworkStream.start_tls`."""
        channel = self.channel
        try:
            channel.begin_tls(ssl_context, server_hostname)
            await self._shake_hands(timeout)
        except BaseException:
            await self.aclose()
            raise
        finally:
            channel.is_reading = channel.is_writing = False
        return self

    async def _shake_hands(self, timeout: float | None) -> None:
        channel, deadline = self.channel, Deadline(timeout)
        while not channel.shake_hands():
            writing = channel.has_unsent
            if not await self.readiness.wait(deadline.left(), writing=writing):
                raise ConnectTimeout(f"the TLS handshake took longer than {timeout} seconds")

    async def aclose(self) -> None:
        """Closes the connection, without waiting for anything."""
        if not self.channel.is_closed:
            self.readiness.close()
            self.channel.close()

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact. See `AsyncNetworkStream.get_extra_info`."""
        return self.channel.get_extra_info(info)
