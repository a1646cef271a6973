"""Who reads and who writes the frames of one connection that many requests share.

Nobody does so in the background. Of the requests that wait, one *drives*: it writes
what is to be written, reads what comes, each under its own deadline, and wakes those
whose streams have news. When it has what it came for, times out or is cancelled, it
wakes another, which goes on.

    drive(until, ...)   waits until something is true of the engine
    push()              writes what can be written without waiting

Nobody is ever inside a write that waits: first it is waited until the system takes a
piece (which may be cancelled, and breaks nothing), then the piece is written. While
there is anything to write, the driver waits for both directions at once, so that
neither side waits for the other to read.
"""

import collections
import collections.abc
import threading

from httpcore_interface import (
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    NetworkError,
    ReadTimeout,
    RemoteProtocolError,
    TimeoutException,
    WriteError,
    WriteTimeout,
)

from .._protocol.http2 import Engine, Stream
from .timeouts import Deadline

READ_SIZE = 64 * 1024
"""Bytes asked of the stream at once."""

PIECE_SIZE = 16 * 1024
"""Bytes written at once: a stream that is called writable takes so many."""

# Seconds to wait for the rest of a TLS record, before looking again whether the server
# takes something.
_MOMENT = 0.02

# Seconds for a write that should not wait at all.
_PATIENCE = 1.0

_READ, _WRITE, _WAIT, _OVER = range(4)


class Traffic:
    """The frames of one connection, on their way in and out.

    Args:
        stream: The open connection.
        engine: What the frames mean.
        backend: Supplies events for those who wait.

    Attributes:
        lock: Guards the engine and what is told here; held for microseconds, never
            across an await. May be entered twice: a coroutine that the garbage
            collector throws away may end inside it.
        engine: What the frames mean.
        stream: The connection.
        failure: Why it broke, if it was not the server's word that ended it.
        received: Bytes that have come.
        abandoned: Streams whose responses the garbage collector found.
        on_change: Awaited when the engine's capacity has changed.
    """

    __slots__ = (
        "_backend",
        "_capacity",
        "_is_inside",
        "_is_reading",
        "_is_writing",
        "_outgoing",
        "_waiting",
        "_written",
        "abandoned",
        "engine",
        "failure",
        "lock",
        "on_change",
        "received",
        "stream",
    )

    def __init__(
        self,
        stream: AsyncNetworkStream,
        engine: Engine,
        backend: AsyncNetworkBackend,
    ) -> None:
        self.stream = stream
        self.engine = engine
        self.lock = threading.RLock()
        # threading.Condition uses it, too; the stubs leave it out.
        self._is_inside: collections.abc.Callable[[], bool] = self.lock._is_owned  # type: ignore[attr-defined]
        self.failure: NetworkError | None = None
        self.received = 0
        self.abandoned: collections.deque[Stream] = collections.deque()
        self.on_change: collections.abc.Callable[[], collections.abc.Awaitable[None]] | None = (
            None
        )
        self._backend = backend
        self._capacity = engine.capacity
        # What was taken from the engine, and not written yet; and how much was.
        self._outgoing = memoryview(b"")
        self._written = 0
        self._is_reading = False
        self._is_writing = False
        # Those who wait while somebody else drives, the first one first: for news of
        # their streams, or until so many bytes have been written.
        self._waiting: dict[AsyncEvent, Stream | int] = {}

    # -- under the lock ----------------------------------------------------------

    @property
    def queued(self) -> int:
        """The bytes that were ever to be written: `is_written` tells when they are."""
        return self._written + len(self._outgoing) + self.engine.unsent

    def is_written(self, position: int) -> bool:
        """Returns whether everything up to a value of `queued` has been written."""
        return self._written >= position

    def give_up(self, stream: Stream) -> None:
        """Resets a stream, or leaves that to whoever comes next."""
        if self._is_inside():
            self.abandoned.append(stream)
            return
        with self.lock:
            self.engine.reset(stream)

    def settle_abandoned(self) -> None:
        """Resets the streams that nobody will read any more."""
        while self.abandoned:
            self.engine.reset(self.abandoned.popleft())

    @property
    def has_unsent(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._outgoing) or self.engine.unsent > 0

    def _next_step(self, until: collections.abc.Callable[[], bool]) -> int:
        """Decides what a caller of `drive` does next, and notes that it does."""
        if self.abandoned:
            self.settle_abandoned()
        if until() or self.engine.failure is not None:
            return _OVER
        if self.has_unsent and not self._is_writing:
            self._is_writing = True
            return _WRITE
        if self._is_reading or self._is_writing:
            return _WAIT
        self._is_reading = True
        return _READ

    def _take_piece(self) -> memoryview:
        if not self._outgoing:
            self._outgoing = memoryview(self.engine.take())
        return self._outgoing[:PIECE_SIZE]

    def _who_waits(self) -> list[tuple[AsyncEvent, Stream | int]]:
        # A copy: somebody who is thrown away meanwhile leaves.
        return list(self._waiting.items())

    # -- waiting -----------------------------------------------------------------

    async def drive(
        self,
        awaited: Stream | int,
        until: collections.abc.Callable[[], bool],
        seconds: float | None,
        expired: type[TimeoutException],
    ) -> None:
        """Waits until something is true, or the connection is over.

        Args:
            awaited: What may make it true: news of a stream, or that so many bytes
                have been written.
            until: Asked under the lock.
            seconds: How long; None is no limit.
            expired: What to raise when that is over.
        """
        deadline = Deadline(seconds)
        event: AsyncEvent | None = None
        try:
            while True:
                with self.lock:
                    step = self._next_step(until)
                    if step == _WAIT and event is not None:
                        self._waiting[event] = awaited
                if step == _OVER:
                    return
                if step == _WAIT and event is None:
                    # Made without the lock; then it is looked once more.
                    event = self._backend.create_event()
                    continue
                left = deadline.left()
                if left is not None and left <= 0 and step != _WAIT:
                    self._leave(step)
                    raise self._expired(expired, seconds)
                if step == _READ:
                    in_time = await self._read(left)
                elif step == _WRITE:
                    in_time = await self._write(left)
                else:
                    assert event is not None
                    waited_for, event = event, None
                    try:
                        in_time = await waited_for.wait(left)
                    finally:
                        with self.lock:
                            del self._waiting[waited_for]
                if not in_time and not until():
                    raise self._expired(expired, seconds)
        finally:
            self._pass_on()

    @staticmethod
    def _expired(expired: type[TimeoutException], seconds: float | None) -> TimeoutException:
        what = "took nothing" if issubclass(expired, WriteTimeout) else "sent nothing"
        return expired(f"the server {what} for this request within {seconds} seconds")

    def _leave(self, step: int) -> None:
        """Takes back what `_next_step` noted."""
        with self.lock:
            if step == _READ:
                self._is_reading = False
            else:
                self._is_writing = False

    def _pass_on(self) -> None:
        """Wakes somebody who waits, if nobody drives any more."""
        with self.lock:
            if not self._waiting or self._is_reading or self._is_writing:
                return
            event = next(iter(self._waiting))
        event.set()

    def wake_all(self) -> None:
        """Wakes all who wait."""
        with self.lock:
            events = list(self._waiting)
        for event in events:
            event.set()

    # -- reading -----------------------------------------------------------------

    async def _read(self, seconds: float | None) -> bool:
        """Reads once, and hands out what came; False if nothing did in time."""
        try:
            received = await self.stream.read(READ_SIZE, seconds)
            self._take(received)
        except ReadTimeout:
            return False
        except NetworkError as exc:
            self.note_failure(exc)
        finally:
            # Not before it was taken: what another thread reads next comes behind it.
            self._is_reading = False
        await self._tell_change()
        return True

    def _take(self, received: bytes) -> None:
        """Hands out what has come."""
        with self.lock:
            self.received += len(received)
            news: set[Stream | int] = set(self.engine.receive(received))
            is_over = self.engine.failure is not None
            events = [
                event for event, awaited in self._who_waits() if is_over or awaited in news
            ]
        for event in events:
            event.set()

    async def _tell_change(self) -> None:
        capacity = self.engine.capacity
        if capacity != self._capacity:
            self._capacity = capacity
            if self.on_change is not None:
                await self.on_change()

    async def poll(self) -> None:
        """Takes what came while nobody waited for anything."""
        while self.stream.get_extra_info("is_readable"):
            with self.lock:
                if self._is_reading or self._is_writing or self.engine.failure is not None:
                    return
                self._is_reading = True
            if not await self._read(0.0):
                break
        await self.push()

    # -- writing -----------------------------------------------------------------

    async def _write(self, seconds: float | None) -> bool:
        """Writes a piece as soon as that is possible; False if it was not in time."""
        try:
            if await self.stream.wait_writable(seconds):
                await self._write_piece(seconds)
                return True
        except WriteTimeout:
            return False
        except NetworkError as exc:
            self.note_failure(exc)
            await self._tell_change()
            return True
        finally:
            self._is_writing = False
        with self.lock:
            may_read = not self._is_reading
            self._is_reading = True
        if may_read:
            # Under TLS what is readable may be a part of a record.
            await self._read(_MOMENT if seconds is None else min(seconds, _MOMENT))
        else:
            # Let that one have its turn.
            await self._backend.sleep(0.0)
        return True

    async def _write_piece(self, seconds: float | None) -> None:
        with self.lock:
            piece = self._take_piece()
        try:
            await self.stream.write(bytes(piece), seconds)
        except BaseException as exc:
            # Nobody knows how much of it has gone out.
            self.note_failure(WriteError(f"a write was interrupted: {exc!r}"))
            raise
        with self.lock:
            self._written += len(piece)
            self._outgoing = self._outgoing[len(piece) :]
            events = [
                event
                for event, awaited in self._who_waits()
                if isinstance(awaited, int) and awaited <= self._written
            ]
        for event in events:
            event.set()

    async def push(self) -> None:
        """Writes what can be written without waiting, unless somebody else does."""
        while True:
            with self.lock:
                if not self.has_unsent or self._is_writing or self.failure is not None:
                    return
                self._is_writing = True
            try:
                if not await self.stream.wait_writable(0.0):
                    return
                await self._write_piece(_PATIENCE)
            except (NetworkError, TimeoutException):
                return
            finally:
                self._is_writing = False
                self._pass_on()

    # -- the end -----------------------------------------------------------------

    def note_failure(self, failure: NetworkError) -> None:
        """Ends all that is under way on the connection."""
        with self.lock:
            if self.failure is None:
                self.failure = failure
            self.engine.fail(RemoteProtocolError(str(failure)))
        self.wake_all()
