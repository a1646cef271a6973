"""One connection: the waiting part of it.

**When an operation is a checkpoint.** One that waits is. One that need not wait is a
checkpoint only if the one before it on this stream was none: so a request, one write
and one read, costs one pass through the scheduler and not two, and still no
task that goes on reading or writing holds up the others, or misses its cancellation,
for longer than one operation. `_due` says whether it is the next one's turn.

A checkpoint comes before anything is received or sent, never after: so a cancelled
read has lost no bytes.
"""

import ssl
import typing

from .._async_backend import AsyncNetworkStream
from .._channel import SocketChannel
from .._exceptions import ConnectTimeout, ReadTimeout, WriteTimeout
from .._timeout import seconds_to_wait
from ._library import CancelScope, Library
from ._wait import descriptor_of, wait_either

if typing.TYPE_CHECKING:
    import socket

    from _typeshed import ReadableBuffer

# Values of `_due`: the last operation was a checkpoint, or it was a read or write that was
# none.
_NOT_DUE = 0
_AFTER_READ = 1
_AFTER_WRITE = 2


class ScopedStream(AsyncNetworkStream):
    """One open connection, on a plain socket and a library's waiting for it.

    The contract is that of `AsyncNetworkStream`. `start_tls` returns this very object,
    encrypted from then on, once more if it was encrypted already.

    Args:
        sock: Connected. It belongs to the stream from now on, and does not block.

    Attributes:
        library: What it waits with. A subclass says that.
    """

    __slots__ = ("_channel", "_descriptor", "_due")

    library: typing.ClassVar[Library]

    def __init__(self, sock: "socket.socket") -> None:
        self._channel = SocketChannel(sock)
        # What is waited for, even if the socket is closed behind our back meanwhile.
        self._descriptor = sock.fileno()
        self._due = _NOT_DUE

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come, waiting only while nothing has.

        See `AsyncNetworkStream.read`. A TLS peer that closes the connection without
        saying so first has ended the stream like any other.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The connection failed, was closed on this side, or another task is
                reading.
            ValueError: `max_bytes` is less than 1.
        """
        channel = self._channel
        channel.begin_read(max_bytes)
        try:
            if not self._due:
                octets = channel.receive(max_bytes)
                if octets is not None:
                    self._due = _AFTER_READ
                    return octets
            return await self._read_later(max_bytes, timeout)
        finally:
            channel.is_reading = False

    async def _read_later(self, max_bytes: int, timeout: float | None) -> bytes:
        seconds = seconds_to_wait(timeout)
        # What was just sent is hardly answered yet: an attempt would be in vain, and the
        # wait is checkpoint enough. But what is here already, the socket will not tell.
        if self._due and (
            self._due == _AFTER_READ or seconds == 0 or self._channel.has_input()
        ):
            await self._pass()
            octets = self._channel.receive(max_bytes)
            if octets is not None:
                return octets
        if seconds is None:
            return await self._receive(max_bytes)
        if seconds:
            library = self.library
            with library.cancel_scope(deadline=library.current_time() + seconds):
                return await self._receive(max_bytes)
        self._due = _AFTER_READ
        raise ReadTimeout(f"nothing came within {timeout} seconds")

    async def _receive(self, max_bytes: int) -> bytes:
        channel = self._channel
        while True:
            try:
                if channel.has_unsent and not channel.is_writing:
                    # The peer may be waiting for an answer of the TLS layer.
                    await wait_either(self.library, channel.sock)
                else:
                    await self.library.wait_readable(descriptor_of(channel.sock))
            except self.library.wait_failures as exc:
                raise channel.read_failure(exc) from exc
            self._due = _NOT_DUE
            octets = channel.receive(max_bytes)
            if octets is not None:
                return octets

    async def write(self, buffer: "ReadableBuffer", timeout: float | None = None) -> None:
        """Sends all of `buffer`, or raises.

        See `AsyncNetworkStream.write`. After an exception every later write fails; one
        that was cancelled before it began has done nothing.

        Raises:
            WriteTimeout: The peer took nothing for `timeout` seconds.
            WriteError: The connection or an earlier write failed, the stream was closed
                on this side, or another task is writing.
        """
        channel = self._channel
        channel.begin_write()
        try:
            if self._due:
                await self._pass()
            else:
                self._due = _AFTER_WRITE
            try:
                await self._write(buffer, timeout)
            except BaseException:
                channel.is_broken = True
                raise
        finally:
            channel.is_writing = False

    async def _write(self, buffer: "ReadableBuffer", timeout: float | None) -> None:
        if type(buffer) is bytes and self._channel.send(buffer):
            return
        # Released at once, whatever happens: the owner of the buffer may want to
        # resize it while the exception is still around.
        with memoryview(buffer) as view:
            if view.nbytes:
                with view.cast("B") as octets:
                    if not self._channel.send(octets):
                        await self._send_rest(octets, timeout)

    async def _send_rest(self, octets: memoryview, timeout: float | None) -> None:
        seconds = seconds_to_wait(timeout)
        if seconds is None:
            await self._send(octets)
            return
        library = self.library
        while seconds:
            with library.cancel_scope(deadline=library.current_time() + seconds) as scope:
                if await self._send(octets, scope, seconds):
                    return
            if scope.cancelled_caught:
                break
        raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")

    async def _send(
        self, octets: memoryview, scope: CancelScope | None = None, seconds: float = 0.0
    ) -> bool:
        """Sends what is left, whenever there is room; the scope's time then begins anew.

        Returns:
            False if the scope's time was over although the peer took some: the event loop
            was held up. Then a new scope is needed.
        """
        channel = self._channel
        while True:
            try:
                if channel.needs_input:
                    await self.library.wait_readable(descriptor_of(channel.sock))
                else:
                    await self.library.wait_writable(descriptor_of(channel.sock))
            except self.library.wait_failures as exc:
                raise channel.write_failure(exc) from exc
            self._due = _NOT_DUE
            if channel.send(octets):
                return True
            if scope is not None:
                if scope.cancel_called:
                    return False
                scope.deadline = self.library.current_time() + seconds

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until a write can send something, or a read can get something.

        See `AsyncNetworkStream.wait_writable`. While another task is reading, what can
        be read is left to that one.

        Raises:
            WriteTimeout: Neither was possible in time.
            WriteError: The stream was closed on this side, or another task is writing.
        """
        channel = self._channel
        channel.begin_wait()
        try:
            seconds = seconds_to_wait(timeout)
            if seconds is None:
                return await self._wait_room()
            ready = channel.what_is_ready()
            if ready is not None:
                return ready
            if seconds:
                library = self.library
                with library.cancel_scope(deadline=library.current_time() + seconds):
                    return await self._wait_room()
            raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
        finally:
            channel.is_writing = False

    async def _wait_room(self) -> bool:
        channel = self._channel
        while (ready := channel.what_is_ready()) is None:
            try:
                await wait_either(self.library, channel.sock)
            except self.library.wait_failures as exc:
                raise channel.write_failure(exc) from exc
            self._due = _NOT_DUE
        return ready

    async def aclose(self) -> None:
        """Closes the connection, at once and for good.

        See `AsyncNetworkStream.aclose`. It does not wait for anything, is no checkpoint,
        and also works when the loop has ended. TLS's farewell, which
        waits for the peer, is left out.
        """
        self._close()

    def _close(self) -> None:
        channel = self._channel
        if channel.is_closed:
            return
        # Closed behind our back, and not waited for, the number may be another's by now.
        if channel.sock.fileno() >= 0 or channel.is_reading or channel.is_writing:
            self.library.notify_closing(self._descriptor)
        channel.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> typing.Self:
        """Performs a TLS handshake as the client, and returns the encrypted stream.

        See `AsyncNetworkStream.start_tls`. That is this very object, so that whoever
        holds it can close it, during the handshake too.

        Raises:
            ConnectTimeout: The handshake took longer than `timeout`.
            ConnectError: The handshake failed, the certificate was refused, no host can
                be called `server_hostname`, or the stream is closed or in use.
        """
        try:
            self._channel.begin_tls(ssl_context, server_hostname)
            await self._shake_hands_within(timeout)
        except BaseException:
            self._close()
            raise
        finally:
            self._channel.is_reading = self._channel.is_writing = False
        return self

    async def _shake_hands_within(self, timeout: float | None) -> None:
        seconds = seconds_to_wait(timeout)
        if seconds is None:
            await self._shake_hands()
            return
        library = self.library
        with library.cancel_scope(deadline=library.current_time() + seconds):
            await self._shake_hands()
            return
        raise ConnectTimeout(f"the TLS handshake took longer than {timeout} seconds")

    async def _shake_hands(self) -> None:
        channel = self._channel
        while not channel.shake_hands():
            try:
                if channel.has_unsent:
                    await self.library.wait_writable(descriptor_of(channel.sock))
                else:
                    await self.library.wait_readable(descriptor_of(channel.sock))
            except self.library.wait_failures as exc:
                raise channel.handshake_failure(exc) from exc
            self._due = _NOT_DUE

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection, and None where it is unknown.

        See `NetworkStream.get_extra_info` for the names.
        """
        return self._channel.get_extra_info(info)

    async def _pass(self) -> None:
        """Lets the others have their turn, and notices that this task is cancelled."""
        await self.library.checkpoint()
        self._due = _NOT_DUE
