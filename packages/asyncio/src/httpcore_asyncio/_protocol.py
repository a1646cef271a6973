"""What the event loop tells of a connection, kept until somebody asks for it.

Bounded both ways: with more than `HIGH_WATER` received bytes at hand the transport
is told to read no more until some have been taken, and whatever the system does not
take at once blocks the writer. So a write that is over has left the program, and
closing, which drops what a transport holds, loses nothing.
"""

import asyncio
import collections
import contextlib
import select
import socket
import typing
import weakref

from httpcore_interface import ReadError, is_socket_readable

from ._failures import CLOSED, describe
from ._waiter import Waiter

HIGH_WATER = 256 * 1024
"""Received bytes that are kept at most, but for one more read of the transport's."""

# What is taken over from a connection that failed while sending: at most this many
# times as many bytes. The system's own buffer is smaller.
_LAST_READS = 128
_LAST_READ_SIZE = 64 * 1024


# Bytes that are received at once, and the pieces in which they are kept: what a reader
# asks for, so that most are handed out as they are.
_BUFFER_SIZE = 256 * 1024
_PIECE = 64 * 1024

# Into which all connections of a loop receive, one after the other: what has come is
# copied out before the next one has its turn. Without one, the transports of asyncio
# make room for 256 kB at each receive, which costs more than all the rest.
_buffers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = (
    weakref.WeakKeyDictionary()
)


class StreamProtocol(asyncio.BufferedProtocol):
    """The receiving end of one connection's events.

    Args:
        loop: The loop that it lives on.
        sock: The connected socket that the transport is made of.

    Attributes:
        transport: What sends, and what is told to pause.
        readable: Where a reader waits.
        writable: Where a writer waits.
        activity: Where somebody waits for anything to happen; None until it is needed.
        is_blocked: Whether the transport holds bytes that the system did not take.
        is_at_eof: Whether the peer has ended its side.
        is_closed: Whether this side has closed the connection.
        is_lost: Whether the connection is gone.
        failure: Why it is gone; None if it was closed.
    """

    __slots__ = (
        "_buffer",
        "_chunks",
        "_departures",
        "_is_over",
        "_is_paused",
        "_offset",
        "_poll",
        "_size",
        "activity",
        "failure",
        "is_at_eof",
        "is_blocked",
        "is_closed",
        "is_lost",
        "loop",
        "readable",
        "sock",
        "transport",
        "writable",
    )

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self.loop = loop
        self.sock = sock
        self.readable = Waiter(loop)
        self.writable = Waiter(loop)
        self.activity: Waiter | None = None
        self.is_blocked = False
        self.is_at_eof = False
        self.is_closed = False
        self.is_lost = False
        self.failure: Exception | None = None
        if loop not in _buffers:
            _buffers[loop] = memoryview(bytearray(_BUFFER_SIZE))
        self._buffer = _buffers[loop]
        self._chunks: collections.deque[bytes] = collections.deque()
        # How much of the first chunk has been taken, and how much is left of all.
        self._offset = 0
        self._size = 0
        self._is_paused = False
        self._poll: select.poll | None = None
        # Whether there will be no more bytes, for whatever reason.
        self._is_over = False
        self._departures: list[asyncio.Future[None]] = []

    # -- what the transport calls ------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the transport."""
        self.transport = typing.cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Returns where to receive into."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Keeps what has come."""
        for start in range(0, nbytes, _PIECE):
            self._chunks.append(bytes(self._buffer[start : min(start + _PIECE, nbytes)]))
        self._size += nbytes
        if self._size > HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()
        self.readable.wake()
        if self.activity is not None:
            self.wake_activity()

    def eof_received(self) -> bool:
        """Notes that the peer has ended its side.

        Returns:
            True: the transport stays open for writing.
        """
        self.is_at_eof = self._is_over = True
        self._wake_all()
        return True

    def pause_writing(self) -> None:
        """Notes that the system takes no more."""
        self.is_blocked = True

    def resume_writing(self) -> None:
        """Notes that the system has taken everything."""
        self.is_blocked = False
        self.writable.wake()
        self.wake_activity()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notes that the connection is gone."""
        if exc is not None and not self.is_closed and not self.is_at_eof:
            self._take_over(exc)
        self.is_lost = self._is_over = True
        self.failure = exc
        self._wake_all()
        self.readable.close()
        self.writable.close()
        if self.activity is not None:
            self.activity.close()
        for departure in self._departures:
            if not departure.done():
                departure.set_result(None)

    def _take_over(self, exc: Exception) -> None:
        """Receives what the system still holds of a connection that has failed.

        A server that refuses an upload answers and closes. The transport notices when
        it sends, and would drop the answer.
        """
        with contextlib.suppress(OSError):
            for _ in range(_LAST_READS):
                octets = self.sock.recv(_LAST_READ_SIZE)
                if not octets:
                    # After a reset that the transport was told of, the system says so
                    # as well: only a write that finds nobody tells of a real end.
                    self.is_at_eof = isinstance(exc, BrokenPipeError)
                    return
                self._chunks.append(octets)
                self._size += len(octets)

    def _wake_all(self) -> None:
        self.readable.wake()
        self.writable.wake()
        self.wake_activity()

    def wake_activity(self) -> None:
        """Wakes the task, if there is one, that waits for anything to happen."""
        if self.activity is not None:
            self.activity.wake()

    # -- what the stream asks ----------------------------------------------------

    def take(self, max_bytes: int) -> bytes | None:
        """Returns the next of the received bytes.

        Returns:
            None if there are none, `b""` if there will be none.

        Raises:
            ReadError: There will be none because the connection failed, or was closed
                on this side.
        """
        if not self._chunks:
            return self._end() if self._is_over else None
        chunk = self._chunks[0]
        offset = self._offset
        if len(chunk) - offset <= max_bytes:
            self._chunks.popleft()
            if offset:
                chunk = chunk[offset:]
                self._offset = 0
        else:
            chunk = chunk[offset : offset + max_bytes]
            self._offset += max_bytes
        self._size -= len(chunk)
        if self._is_paused and self._size <= HIGH_WATER // 2:
            self._is_paused = False
            if not self.is_lost:
                self.transport.resume_reading()
        return chunk

    def _end(self) -> bytes:
        if self.is_closed:
            raise ReadError(CLOSED)
        if self.is_at_eof or self.failure is None:
            return b""
        raise ReadError(describe(self.failure)) from self.failure

    @property
    def has_news(self) -> bool:
        """Whether `take` would return something else than None."""
        return self._is_over or bool(self._chunks)

    def has_arrived(self) -> bool:
        """Returns whether the system has something that the loop has not yet asked for."""
        try:
            if self._poll is None:
                self._poll = select.poll()
                self._poll.register(self.sock, select.POLLIN)
            return bool(self._poll.poll(0))
        # AttributeError: no poll on this platform. RuntimeError: two threads ask at once.
        except (AttributeError, OSError, RuntimeError, ValueError):
            return is_socket_readable(self.sock)

    def send(self, piece: memoryview) -> None:
        """Sends bytes, and has the transport send what the system does not take at once.

        What a transport may have to keep must be bytes of its own. So the system is
        asked first, and only the rest is copied.
        """
        sent = 0
        if not self.transport.get_write_buffer_size():
            # Whatever is wrong with the socket, the transport finds it once more.
            with contextlib.suppress(OSError):
                sent = self.sock.send(piece)
        if sent < len(piece):
            self.transport.write(bytes(piece[sent:]))

    # -- closing -----------------------------------------------------------------

    def close(self) -> None:
        """Closes the connection for good, whatever becomes of the caller.

        The socket is gone when the loop has run once. A loop that does not run is not
        waited for.
        """
        if self.is_closed:
            return
        self.is_closed = self._is_over = True
        if asyncio._get_running_loop() is self.loop:
            self._abort()
            return
        if self.loop.is_running():
            # In its own thread, where a read may be under way at this very moment.
            # RuntimeError: it has been closed since we asked.
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._abort)
                return
        self._chunks.clear()
        if not self.is_lost:
            self._free()

    def _abort(self) -> None:
        self._chunks.clear()
        if not self.is_lost:
            self.transport.abort()

    def _free(self) -> None:
        """Frees the socket of a loop that will not do it."""
        # RuntimeError: the loop is closed, and takes no calls.
        with contextlib.suppress(RuntimeError):
            self.transport.abort()
        if self.loop.is_closed():
            # What the loop would have called, on every loop of asyncio's: it frees
            # the socket, and the transport forgets it. uvloop, which has nothing of
            # the name, has closed all its transports with itself.
            finish = getattr(self.transport, "_call_connection_lost", None)
            if finish is not None:
                finish(None)
        self.sock.close()

    async def wait_lost(self) -> None:
        """Waits until the transport has closed its socket."""
        if not self.is_lost and asyncio._get_running_loop() is self.loop:
            departure = self.loop.create_future()
            self._departures.append(departure)
            await departure
