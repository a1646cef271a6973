"""One connection: reading, writing, encrypting and closing it.

Three things make the rest simple. All tasks of a loop share one thread, so whatever
is done between two awaits is done at once. What has come is in the memory of the
protocol, and reading is taking from there: an await only waits, moves no bytes, and
may be cancelled. And TLS, however many layers of it, works between buffers in memory:
what has come passes through it while it is taken, and what is written passes through
it before the transport gets it, in one go.
"""

import asyncio
import contextlib
import ssl
import typing

from httpcore_interface import (
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
    NetworkError,
    ReadError,
    ReadTimeout,
    TLSLayer,
    WriteError,
    WriteTimeout,
    seconds_to_wait,
)

from ._deadline import NEVER, deadline_after
from ._failures import BROKEN, CLOSED, FOREIGN, describe
from ._protocol import StreamProtocol
from ._waiter import Waiter
from ._writable import is_socket_writable, watch_writable

if typing.TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Bytes that the transport is given at once: it may copy what the system does not take.
_PIECE = 256 * 1024

# Bytes of ciphertext that TLS is given at once: whatever the transport has read at once.
_CHUNK = 1024 * 1024

# A write that waits looks this many times in its timeout whether the peer takes
# something, so that it notices within as large a part of the timeout when it stops.
_LOOKS = 5

# How many times the loop has to go round before what the system has is here: it asks
# the system after it has looked for who can go on, and tells of a failure in the round
# after that.
_ROUNDS = 3


class AsyncioStream(AsyncNetworkStream):
    """One open connection, on a transport of asyncio's.

    The contract is that of `AsyncNetworkStream`. `start_tls` returns this very object,
    encrypted from then on. One task at a time may read it, and one write it.

    Args:
        protocol: Connected.
    """

    __slots__ = ("_is_broken", "_is_writing", "_layer", "_protocol")

    def __init__(self, protocol: StreamProtocol) -> None:
        self._protocol = protocol
        # The uppermost one, which has the others below it.
        self._layer: TLSLayer | None = None
        # Whether a task waits in a write.
        self._is_writing = False
        # A write failed or was cancelled: nobody knows how much the peer has got.
        self._is_broken = False

    # -- reading -----------------------------------------------------------------

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Reads what has come, waiting only while nothing has.

        See `NetworkStream.read`. Cancelling it loses no bytes. A TLS peer that closes
        the connection without saying so first has ended the stream like any other.

        Raises:
            ReadTimeout: Nothing came in time.
            ReadError: The connection failed, was closed on this side, or is being read
                by another task.
            ValueError: `max_bytes` is less than 1.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, but has to be at least 1")
        protocol, layer = self._protocol, self._layer
        octets = protocol.take(max_bytes) if layer is None else self._take(max_bytes)
        if octets is not None:
            return octets
        waiter = protocol.readable
        if waiter.future is not None or asyncio._get_running_loop() is not protocol.loop:
            raise self._read_refusal()
        deadline = NEVER if timeout is None else deadline_after(timeout, protocol.loop)
        is_in_time = timeout is None or timeout > 0
        while is_in_time:
            future = waiter.start(deadline)
            try:
                is_in_time = await future
            finally:
                waiter.stop()
            octets = self._take(max_bytes)
            if octets is not None:
                return octets
        await _let_loop_run()
        octets = self._take(max_bytes)
        if octets is None:
            raise ReadTimeout(f"nothing came within {timeout} seconds")
        return octets

    def _read_refusal(self) -> ReadError:
        """Returns the reason why a task may not wait for something to read."""
        if asyncio._get_running_loop() is not self._protocol.loop:
            return ReadError(FOREIGN)
        return ReadError("another task is reading this stream")

    def _take(self, max_bytes: int) -> bytes | None:
        """Returns what has come; None if nothing has."""
        if self._layer is None:
            return self._protocol.take(max_bytes)
        if self._protocol.is_closed:
            raise ReadError(CLOSED)
        try:
            return self._take_decrypted(self._layer, max_bytes)
        except ssl.SSLError as exc:
            raise ReadError(describe(exc)) from exc

    def _take_decrypted(self, layer: TLSLayer, max_bytes: int) -> bytes | None:
        try:
            octets = layer.decrypt(max_bytes) if layer.has_input() else None
            while octets is None:
                ciphertext = self._protocol.take(_CHUNK)
                if ciphertext is None:
                    break
                layer.receive(ciphertext)
                octets = layer.decrypt(max_bytes)
            return octets
        finally:
            # The peer may be waiting for an answer of the TLS layer.
            self._send_ciphertext(layer)

    # -- writing -----------------------------------------------------------------

    async def write(self, buffer: "ReadableBuffer", timeout: float | None = None) -> None:
        """Sends all of `buffer`, or raises.

        See `NetworkStream.write`. After an exception, and when it was cancelled, every
        later write fails.

        Raises:
            WriteTimeout: The peer took nothing for `timeout` seconds.
            WriteError: The connection or an earlier write failed, the stream was
                closed on this side, or is being written by another task.
        """
        protocol = self._protocol
        if (
            protocol.is_closed
            or protocol.is_lost
            or self._is_broken
            or self._is_writing
            or asyncio._get_running_loop() is not protocol.loop
        ):
            raise self._refusal()
        is_sent = False
        if type(buffer) is bytes and len(buffer) <= _PIECE and self._layer is None:
            is_sent = True
            protocol.transport.write(buffer)
            if not protocol.is_blocked and not protocol.transport.is_closing():
                return
        self._is_writing = True
        try:
            if is_sent:
                await self._flush(timeout)
            else:
                await self._write_pieces(buffer, timeout)
        except BaseException:
            self._is_broken = True
            raise
        finally:
            self._is_writing = False

    async def _write_pieces(self, buffer: "ReadableBuffer", timeout: float | None) -> None:
        # The view is released at once, whatever happens: the owner of the buffer may
        # want to resize it while an exception is still around.
        with memoryview(buffer) as view:
            if not view.nbytes:
                return
            with view.cast("B") as octets:
                for start in range(0, len(octets), _PIECE):
                    with octets[start : start + _PIECE] as piece:
                        if self._layer is not None:
                            await self._encrypt(self._layer, piece, timeout)
                        else:
                            self._protocol.send(piece)
                    await self._flush(timeout)

    async def _flush(self, timeout: float | None) -> None:
        """Waits until the system has taken everything.

        Each time that the peer takes some of it, the wait begins anew.
        """
        protocol = self._protocol
        loop = protocol.loop
        seconds = seconds_to_wait(timeout)
        deadline = deadline_after(timeout, loop)
        left = protocol.transport.get_write_buffer_size()
        while self._is_held_up():
            if seconds is None:
                await _wait(protocol.writable, NEVER)
                continue
            if loop.time() < deadline:
                await _wait(protocol.writable, min(deadline, loop.time() + seconds / _LOOKS))
            else:
                await _let_loop_run()
            before, left = left, protocol.transport.get_write_buffer_size()
            if left < before:
                deadline = loop.time() + seconds
            elif loop.time() >= deadline and self._is_held_up():
                raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
        if protocol.transport.is_closing():
            # The system has refused, and the transport says why when it is gone.
            await protocol.wait_lost()
        if protocol.is_closed or protocol.is_lost:
            raise self._loss()

    def _is_held_up(self) -> bool:
        protocol = self._protocol
        return protocol.is_blocked and not protocol.is_lost and not protocol.is_closed

    def _refusal(self) -> WriteError:
        """Returns the reason why nothing can be written."""
        if self._protocol.is_closed:
            return WriteError(CLOSED)
        if self._is_broken:
            return WriteError(BROKEN)
        if self._is_writing:
            return WriteError("another task is writing this stream")
        if self._protocol.is_lost:
            return self._loss()
        return WriteError(FOREIGN)

    def _loss(self) -> WriteError:
        """Returns the error of a connection that is gone."""
        failure = self._protocol.failure
        if self._protocol.is_closed:
            error = WriteError(CLOSED)
        else:
            error = WriteError(describe(failure) if failure else "the connection is gone")
        error.__cause__ = failure
        return error

    async def wait_writable(self, timeout: float | None = None) -> bool:
        """Waits until a write can send something, or a read can get something.

        See `NetworkStream.wait_writable`.

        Raises:
            WriteTimeout: Neither was possible in time.
            WriteError: The stream was closed on this side, or another task writes it.
        """
        if self._is_writing or asyncio._get_running_loop() is not self._protocol.loop:
            raise self._refusal()
        self._is_writing = True
        try:
            return await self._wait_writable(timeout)
        finally:
            self._is_writing = False

    async def _wait_writable(self, timeout: float | None) -> bool:
        protocol = self._protocol
        deadline = deadline_after(timeout, protocol.loop)
        is_in_time = timeout is None or timeout > 0
        if not is_in_time:
            await _let_loop_run()
        while True:
            if protocol.is_closed:
                raise WriteError(CLOSED)
            is_writable = self._is_writable()
            if is_writable or self._has_news():
                return is_writable
            if not is_in_time:
                raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
            # The transport asks only while it holds something itself.
            with watch_writable(protocol.loop, protocol.sock, protocol.wake_activity):
                is_in_time = await self._wait_activity(deadline)

    def _is_writable(self) -> bool:
        protocol = self._protocol
        if protocol.is_lost:
            # A write fails at once.
            return True
        return not protocol.is_blocked and is_socket_writable(protocol.sock)

    async def _wait_activity(self, deadline: float) -> bool:
        """Waits until something happens to the connection.

        Returns:
            False if the deadline came first.
        """
        protocol = self._protocol
        if protocol.activity is None:
            protocol.activity = Waiter(protocol.loop)
        return await _wait(protocol.activity, deadline)

    # -- encrypting --------------------------------------------------------------

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "AsyncioStream":
        """Performs a TLS handshake as the client, and returns the encrypted stream.

        See `NetworkStream.start_tls`. That is this very object, so that whoever holds
        it can close it, during the handshake too. Another call encrypts once more,
        inside.

        Raises:
            ConnectTimeout: The handshake took longer than `timeout`.
            ConnectError: The handshake failed, the certificate was refused, no host
                can be called `server_hostname`, or the stream was closed.
        """
        try:
            self._layer = TLSLayer(ssl_context, server_hostname, self._layer)
            await self._shake_hands(self._layer, timeout)
        except (NetworkError, OSError, ValueError) as exc:
            was_closed = self._protocol.is_closed
            await self.aclose()
            if was_closed:
                raise ConnectError(CLOSED) from exc
            raise ConnectError(f"the TLS handshake failed: {describe(exc)}") from exc
        except BaseException:
            await self.aclose()
            raise
        return self

    async def _shake_hands(self, layer: TLSLayer, timeout: float | None) -> None:
        """Performs a handshake.

        Raises:
            ConnectTimeout: It took longer than `timeout`.
            NetworkError: The connection failed.
            OSError: The handshake failed.
        """
        protocol = self._protocol
        if (
            protocol.readable.future is not None
            or asyncio._get_running_loop() is not protocol.loop
        ):
            raise self._read_refusal()
        deadline = deadline_after(timeout, protocol.loop)
        is_in_time = timeout is None or timeout > 0
        while not self._go_on(layer):
            if not is_in_time:
                raise ConnectTimeout(f"the TLS handshake took longer than {timeout} seconds")
            is_in_time = await _wait(protocol.readable, deadline)

    def _go_on(self, layer: TLSLayer) -> bool:
        """Goes on with a handshake; False if it needs more to come."""
        while True:
            try:
                is_over = layer.shake_hands()
            finally:
                # After a failure it is the alert that tells the peer why.
                self._send_ciphertext(layer)
            if is_over:
                return True
            ciphertext = self._protocol.take(_CHUNK)
            if ciphertext is None:
                return False
            layer.receive(ciphertext)

    async def _encrypt(self, layer: TLSLayer, piece: memoryview, timeout: float | None) -> None:
        """Gives the transport a piece, encrypted."""
        deadline = deadline_after(timeout, self._protocol.loop)
        sent = 0
        try:
            while sent < len(piece):
                with piece[sent:] as rest:
                    count = layer.encrypt(rest)
                self._send_ciphertext(layer)
                sent += count
                if not count:
                    # TLS 1.2: the server wants to agree anew first.
                    await self._hear(layer, deadline, timeout)
        except (ssl.SSLError, ReadError) as exc:
            raise WriteError(describe(exc)) from exc

    async def _hear(self, layer: TLSLayer, deadline: float, timeout: float | None) -> None:
        """Waits until the peer has sent something, and gives it to the TLS layer."""
        while (ciphertext := self._protocol.take(_CHUNK)) is None:
            if not await self._wait_activity(deadline):
                raise WriteTimeout(f"the peer took no bytes for {timeout} seconds")
        layer.receive(ciphertext)

    def _send_ciphertext(self, layer: TLSLayer) -> None:
        """Gives the transport what TLS has to say."""
        protocol = self._protocol
        ciphertext = layer.take_ciphertext()
        # A transport that is gone is a mistake to write to; others are told by what
        # they do next.
        if ciphertext and not protocol.is_lost and not protocol.is_closed:
            protocol.transport.write(ciphertext)

    # -- closing -----------------------------------------------------------------

    async def aclose(self) -> None:
        """Closes the connection, at once and for good.

        See `NetworkStream.close`. Cancelled, it has closed. TLS's farewell, which waits
        for the peer, is left out.
        """
        self._protocol.close()
        await self._protocol.wait_lost()

    # What comes back depends on the name that is asked for.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        """Returns a fact about the connection, and None where it is unknown.

        See `NetworkStream.get_extra_info` for the names.
        """
        if info == "is_readable":
            return self._is_readable()
        protocol = self._protocol
        if protocol.is_closed:
            return None
        if info == "is_writable":
            return self._is_writable()
        if info == "ssl_object":
            return None if self._layer is None else self._layer.ssl_object
        if info == "socket":
            return protocol.sock
        # OSError: the connection is gone.
        with contextlib.suppress(OSError):
            if info == "client_addr":
                return protocol.sock.getsockname()
            if info == "server_addr":
                return protocol.sock.getpeername()
        return None

    def _is_readable(self) -> bool:
        protocol = self._protocol
        if protocol.has_news if self._layer is None else self._has_news():
            return True
        running = asyncio._get_running_loop()
        if running is not protocol.loop and (running is not None or protocol.loop.is_closed()):
            # A read fails at once.
            return True
        # The loop may not have run since something came.
        return protocol.has_arrived()

    def _has_news(self) -> bool:
        """Whether something has come, or nothing will."""
        protocol, layer = self._protocol, self._layer
        if layer is None or protocol.is_closed:
            return protocol.has_news
        try:
            # Half a record, or one in which TLS talks to itself, is nothing to read.
            while not (layer.has_input() and layer.is_readable()):
                ciphertext = protocol.take(_CHUNK)
                if ciphertext is None:
                    return False
                layer.receive(ciphertext)
        except (ssl.SSLError, ReadError):
            # Raised again by the next read.
            return True
        return True


async def _wait(waiter: Waiter, deadline: float) -> bool:
    """Waits until woken; False if the deadline came first."""
    future = waiter.start(deadline)
    try:
        return await future
    finally:
        waiter.stop()


async def _let_loop_run() -> None:
    """Lets what the system has come here, which is not waiting."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
