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

A write that is cancelled all the same has done nothing, or every later one fails: so
the next writer simply writes the piece again. Once a write has failed, the connection
is *cut*: nothing more is written, and it is read for as long as anything comes, since
the server may have said why before it went. All who wait are told at once: whose
requests had not left by then, for those nothing will come.

A server that says nothing may be gone, and nothing tells: a driver that was asked to
(`keepalive_ping`) sends a PING, and if nothing comes then either, ends the connection.
That is minded by those who wait anyway: nobody does so on a connection that is idle.
"""

import collections
import collections.abc
import threading
import time

from httpcore_interface import (
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    NetworkError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    TimeoutException,
    WriteError,
    WriteTimeout,
)

from .._protocol.http2 import Engine, Silence, Stream, Verdict
from .closing import await_or_drop
from .patience import Departure, HeadPatience, Patience, Progress, WritePatience

READ_SIZE = 64 * 1024
"""Bytes asked of the stream at once."""

PIECE_SIZE = 16 * 1024
"""Bytes written at once: a stream that is called writable takes so many."""

_LITTLE = 1024
"""Bytes that are not written at once if there may soon be more."""

# Seconds to wait for the rest of a TLS record, before looking again whether the server
# takes something.
_MOMENT = 0.02

# Seconds for a write that should not wait at all; and for what may still come where
# nothing can be written any more.
_PATIENCE = 1.0

# What nobody expects of a stream: a signal's handler may raise it when the system has done
# its work, and bytes are lost. A cancellation is none of them, and loses nothing.
_INTERRUPTIONS = (Exception, KeyboardInterrupt, SystemExit)

_READ, _WRITE, _WAIT, _OVER = range(4)


class Traffic:
    """The frames of one connection, on their way in and out.

    Args:
        stream: The open connection.
        engine: What the frames mean.
        backend: Supplies events for those who wait.
        keepalive_ping: Seconds of silence after which whoever drives has the server
            asked whether it is there, and after as many more gives it up. None: never.
        takes_turns: See `Colour`.

    Attributes:
        lock: Guards the engine and what is told here; held for microseconds, never
            across an await. May be entered twice: a coroutine that the garbage
            collector throws away may end inside it.
        engine: What the frames mean.
        stream: The connection.
        failure: Why it broke, if it was not the server's word that ended it.
        cut: Why nothing more can be written; None while something can.
        received: Bytes that have come.
        progress: How the writing goes.
        abandoned: Streams whose responses the garbage collector found.
        on_change: Awaited when the engine's capacity has changed.
    """

    __slots__ = (
        "_backend",
        "_capacity",
        "_departures",
        "_is_inside",
        "_outgoing",
        "_reader",
        "_silence",
        "_takes_turns",
        "_waiting",
        "_waiting_for",
        "_waiting_to",
        "_writer",
        "_written",
        "abandoned",
        "cut",
        "engine",
        "failure",
        "lock",
        "on_change",
        "progress",
        "received",
        "stream",
    )

    def __init__(
        self,
        stream: AsyncNetworkStream,
        engine: Engine,
        backend: AsyncNetworkBackend,
        keepalive_ping: float | None = None,
        *,
        takes_turns: bool,
    ) -> None:
        self.stream = stream
        self.engine = engine
        self._renew_lock()
        self.failure: NetworkError | None = None
        self.cut: WriteError | None = None
        self.received = 0
        self.progress = Progress()
        self.abandoned: collections.deque[Stream] = collections.deque()
        self.on_change: collections.abc.Callable[[], collections.abc.Awaitable[None]] | None = (
            None
        )
        self._backend = backend
        self._takes_turns = takes_turns
        self._capacity = engine.capacity
        # What was taken from the engine, and not written yet; and how much was.
        self._outgoing = memoryview(b"")
        self._written = 0
        # Who reads and who writes now. Names, so that each gives back his own and no
        # other's, wherever he is interrupted.
        self._reader: object | None = None
        self._writer: object | None = None
        self._silence: Silence | None = None
        if keepalive_ping is not None:
            self._silence = Silence(keepalive_ping, time.monotonic())
        # Those who wait while somebody else drives, the first one first: for news of
        # their streams, and some until so many bytes have been written.
        self._waiting: dict[AsyncEvent, tuple[Stream | None, int | None]] = {}
        # The same by what they wait for, so that news costs no look at all of them.
        self._waiting_for: dict[Stream | None, dict[AsyncEvent, None]] = {}
        self._waiting_to: dict[AsyncEvent, int] = {}
        # What is queued of requests that wait for their heads, in order.
        self._departures: collections.deque[Departure] = collections.deque()

    def _renew_lock(self) -> None:
        self.lock = threading.RLock()
        # threading.Condition uses it, too; the stubs leave it out.
        self._is_inside: collections.abc.Callable[[], bool] = self.lock._is_owned  # type: ignore[attr-defined]

    # -- under the lock ----------------------------------------------------------

    @property
    def queued(self) -> int:
        """The bytes that were ever to be written: `is_written` tells when they are."""
        return self.engine.queued

    def is_written(self, position: int) -> bool:
        """Returns whether everything up to a value of `queued` has been written."""
        return self._written >= position

    def send(self, stream: Stream, octets: bytes | memoryview, *, ends: bool) -> int:
        """Queues a part of a body. See `Engine.send`."""
        try:
            return self.engine.send(stream, octets, ends=ends)
        except BaseException as exc:
            self.note_torn(exc)
            raise

    def note_torn(self, exc: BaseException) -> None:
        """Notes that something broke off among what is queued: a signal handler has raised.

        Half a frame may be there, or a field in the table here that never leaves for the
        server's: whatever followed would be taken for something else. Who has left the
        lock again tells the others; see `tell_cut`.
        """
        self._cut_off(f"cut off: {exc!r}")

    def _cut_off(self, reason: str) -> None:
        """Notes that nothing more can be written."""
        if self.cut is None:
            self.cut = WriteError(reason)
        self._drop_unsent(reason)

    def _drop_unsent(self, reason: str) -> None:
        """Ends the requests of which nothing was tried to be written: nothing will be."""
        tried = self._written + len(self._outgoing[:PIECE_SIZE])
        self.engine.drop_from(tried, reason)

    def give_up(self, stream: Stream) -> None:
        """Resets a stream, or leaves that to whoever comes next."""
        if self._is_inside():
            self.abandoned.append(stream)
            return
        with self.lock:
            self.engine.reset(stream)

    def end(self, stream: Stream) -> None:
        """Ends our side of a stream, if the server has ended its own."""
        if stream.has_ended and not stream.is_forgotten and not self._is_inside():
            with self.lock:
                self.send(stream, b"", ends=True)

    def ask(self) -> None:
        """Makes the server say something, if it is there."""
        if not self._is_inside():
            with self.lock:
                self.engine.ping()

    def settle_abandoned(self) -> None:
        """Resets the streams that nobody will read any more."""
        while self.abandoned:
            self.engine.reset(self.abandoned.popleft())

    @property
    def has_unsent(self) -> bool:
        """Whether there is anything to write, and it can be."""
        return self.cut is None and (bool(self._outgoing) or self.engine.unsent > 0)

    @property
    def is_amid_write(self) -> bool:
        """Whether something is being written, or was to be and has not gone out."""
        return bool(self._outgoing)

    @property
    def capacity(self) -> int:
        """How many requests the connection takes at once."""
        return self.engine.capacity if self.cut is None else 0

    @property
    def is_driven(self) -> bool:
        """Whether somebody reads or writes."""
        return self._reader is not None or self._writer is not None

    def _next_step(self, until: collections.abc.Callable[[], bool], who: object) -> int:
        """Decides what a caller of `drive` does next, and notes that it does."""
        if self.abandoned:
            self.settle_abandoned()
        if until() or self.engine.failure is not None:
            return _OVER
        if self.has_unsent and self._writer is None:
            self._writer = who
            return _WRITE
        if self.is_driven:
            return _WAIT
        self._reader = who
        return _READ

    @property
    def _may_gather(self) -> bool:
        """Whether it is worth a turn of the event loop to write less often."""
        if not self._takes_turns or len(self.engine.streams) < 2:
            return False
        return not self._outgoing and self.engine.unsent < _LITTLE

    def _take_piece(self) -> memoryview:
        if not self._outgoing:
            self._outgoing = memoryview(self.engine.take())
        return self._outgoing[:PIECE_SIZE]

    def depart(self) -> Departure:
        """Notes that somebody waits for what is queued to leave, but need not be woken."""
        departure = Departure(self.queued, self.progress)
        self._departures.append(departure)
        return departure

    def _note_waiting(
        self, event: AsyncEvent, stream: Stream | None, position: int | None
    ) -> None:
        self._waiting[event] = (stream, position)
        self._waiting_for.setdefault(stream, {})[event] = None
        if position is not None:
            self._waiting_to[event] = position

    def _forget_waiting(self, event: AsyncEvent) -> None:
        if event not in self._waiting:
            return
        stream, position = self._waiting.pop(event)
        events = self._waiting_for[stream]
        del events[event]
        if not events:
            del self._waiting_for[stream]
        if position is not None:
            del self._waiting_to[event]

    # -- waiting -----------------------------------------------------------------

    async def drive(
        self,
        stream: Stream | None,
        until: collections.abc.Callable[[], bool],
        seconds: float | None,
        expired: type[TimeoutException],
        position: int | None = None,
    ) -> None:
        """Waits until something is true, or the connection is over.

        Args:
            stream: Whose news may make it true; None if it is the server's first word.
            until: Asked under the lock.
            seconds: How long; None is no limit.
            expired: What to raise when that is over.
            position: The bytes whose being written may make it true as well.
        """
        await self.drive_patiently(stream, until, Patience(seconds, expired), position)

    async def drive_patiently(
        self,
        stream: Stream | None,
        until: collections.abc.Callable[[], bool],
        patience: Patience | HeadPatience | WritePatience,
        position: int | None = None,
    ) -> None:
        """Does so for as long as somebody's patience lasts. See `drive`."""
        event: AsyncEvent | None = None
        try:
            while True:
                with self.lock:
                    step = self._next_step(until, patience)
                    if step == _WAIT and event is not None:
                        self._note_waiting(event, stream, position)
                if step == _OVER:
                    return
                if step == _WAIT and event is None:
                    # Made without the lock; then it is looked once more.
                    event = self._backend.create_event()
                    continue
                left = wait = patience.left()
                if left is not None and left <= 0 and step != _WAIT:
                    raise patience.error()
                if self._silence is not None and step != _WAIT:
                    wait = self._silence.within(left, time.monotonic())
                if step == _READ:
                    in_time = await self._read(wait)
                elif step == _WRITE:
                    in_time = await self._write(wait, left, patience)
                else:
                    assert event is not None
                    in_time = await self._wait(event, left)
                    event = None
                if in_time or until():
                    continue
                if wait != left:
                    await self._mind_silence()
                elif (left := patience.left()) is not None and left <= 0:
                    raise patience.error()
        finally:
            if event is not None:
                # It was noted, and then not waited for: a signal handler has raised.
                with self.lock:
                    self._forget_waiting(event)
            self._pass_on(patience)

    async def _wait(self, event: AsyncEvent, seconds: float | None) -> bool:
        """Waits while others drive; False if nobody woke this one in time."""
        # Who reads from a connection that was cut may do so for ever.
        is_impatient = self.cut is not None and (seconds is None or seconds > _PATIENCE)
        received = self.received
        try:
            if await event.wait(_PATIENCE if is_impatient else seconds):
                return True
        finally:
            with self.lock:
                self._forget_waiting(event)
        if not is_impatient:
            return False
        if self.received > received:
            return True
        assert self.cut is not None
        self.note_failure(self.cut)
        await self.stream.aclose()
        return True

    def _end_reading(self) -> None:
        # Under the lock: somebody else may be about to begin.
        with self.lock:
            self._reader = None

    def _end_writing(self) -> None:
        with self.lock:
            self._writer = None

    def _pass_on(self, who: object) -> None:
        """Wakes somebody who waits, if there is something to do that nobody does."""
        with self.lock:
            if self._reader is who:
                self._reader = None
            if self._writer is who:
                self._writer = None
            is_read, is_written = self._reader is not None, self._writer is not None
            if is_written or (is_read and not self.has_unsent) or not self._waiting:
                return
            event = next(iter(self._waiting))
        event.set()

    def tell_cut(self) -> None:
        """Wakes all who wait, if nothing can be written any more."""
        if self.cut is not None:
            self.wake_all()

    def wake_all(self) -> None:
        """Wakes all who wait."""
        with self.lock:
            events = list(self._waiting)
        for event in events:
            event.set()

    # -- reading -----------------------------------------------------------------

    async def _read(self, seconds: float | None) -> bool:
        """Reads once, and hands out what came; False if nothing did in time."""
        if self.cut is not None and (seconds is None or seconds > _PATIENCE):
            seconds = _PATIENCE
        try:
            received = await self.stream.read(READ_SIZE, seconds)
            self._take(received)
        except ReadTimeout:
            if self.cut is None:
                return False
            self.note_failure(self.cut)
        except NetworkError as exc:
            self.note_failure(exc)
        except _INTERRUPTIONS as exc:
            self.note_failure(ReadError(f"a read was interrupted: {exc!r}"))
            raise
        finally:
            # Not before it was taken: what another thread reads next comes behind it.
            self._end_reading()
        await self._tell_change()
        return True

    def _take(self, received: bytes) -> None:
        """Hands out what has come."""
        with self.lock:
            self.received += len(received)
            now = time.monotonic()
            if self._silence is not None:
                self._silence.end(now)
            knew_settings = self.engine.has_settings
            news = self.engine.receive(received, now)
            is_over = self.engine.failure is not None
            if is_over and self.failure is None:
                self.failure = self.cut
            if is_over or knew_settings is not self.engine.has_settings:
                events = list(self._waiting)
            else:
                # Copied: the garbage collector may throw one of them away at any moment.
                events = [
                    event
                    for stream in news
                    if stream in self._waiting_for
                    for event in list(self._waiting_for[stream])
                ]
        for event in events:
            event.set()

    async def _tell_change(self) -> None:
        capacity = self.capacity
        if capacity != self._capacity:
            self._capacity = capacity
            if self.on_change is not None:
                await self.on_change()

    async def look(self) -> None:
        """Takes what has come, if anything has: for those who only write."""
        if self.stream.get_extra_info("is_readable"):
            await self.poll()

    async def poll(self) -> None:
        """Takes what came while nobody waited for anything."""
        who = object()
        try:
            while self.stream.get_extra_info("is_readable"):
                with self.lock:
                    if self.is_driven or self.engine.failure is not None:
                        return
                    self._reader = who
                if not await self._read(0.0):
                    break
        finally:
            # Somebody may have wanted to read meanwhile.
            self._pass_on(who)
        await self.push()

    # -- writing -----------------------------------------------------------------

    async def _write(self, wait: float | None, seconds: float | None, who: object) -> bool:
        """Writes a piece as soon as that is possible; False if it was not in time.

        Args:
            wait: Seconds until it has to be.
            seconds: Until the piece has to be written.
            who: Who writes.
        """
        try:
            if self._may_gather:
                # Who is awake already, and about to ask for something, goes along.
                await self._backend.sleep(0.0)
            if await self.stream.wait_writable(wait):
                await self._write_piece(seconds)
                return True
        except WriteTimeout:
            return False
        except NetworkError as exc:
            if self.cut is None:
                self.note_failure(exc)
            await self._tell_change()
            return True
        finally:
            self._end_writing()
        with self.lock:
            may_read = self._reader is None
            if may_read:
                self._reader = who
        if may_read:
            # Under TLS what is readable may be a part of a record.
            await self._read(_MOMENT if wait is None else min(wait, _MOMENT))
        else:
            # Let that one have its turn.
            await self._backend.sleep(0.0)
        return True

    async def _write_piece(self, seconds: float | None) -> None:
        try:
            with self.lock:
                if self.cut is not None or self.failure is not None:
                    # While this one waited until it could write.
                    return
                piece = self._take_piece()
            await self.stream.write(bytes(piece), seconds)
            with self.lock:
                self._written += len(piece)
                self._outgoing = self._outgoing[len(piece) :]
        except _INTERRUPTIONS as exc:
            # Nobody knows how much of it has gone out.
            is_told = isinstance(exc, WriteError)
            with self.lock:
                self._cut_off(str(exc) if is_told else f"cut off: {exc!r}")
            self.wake_all()
            raise
        with self.lock:
            now = self.progress.moved_at = time.monotonic()
            if self._silence is not None:
                self._silence.note_written(now, self._written)
            self._note_departures(now)
            events = [
                event
                for event, position in list(self._waiting_to.items())
                if position <= self._written
            ]
        for event in events:
            event.set()

    def _note_departures(self, now: float) -> None:
        departures = self._departures
        while departures and departures[0].position <= self._written:
            departures.popleft().left_at = now

    async def push(self) -> None:
        """Writes what can be written without waiting, unless somebody else does."""
        who = object()
        while True:
            try:
                with self.lock:
                    is_over = self._writer is not None or self.failure is not None
                    if is_over or not self.has_unsent:
                        return
                    self._writer = who
                if not await self.stream.wait_writable(0.0):
                    return
                await self._write_piece(_PATIENCE)
            except (NetworkError, TimeoutException):
                await self._tell_change()
                return
            finally:
                self._pass_on(who)

    # -- a server that says nothing ----------------------------------------------

    async def _mind_silence(self) -> None:
        """Has the server asked whether it is there, or gives it up."""
        silence = self._silence
        assert silence is not None
        now = time.monotonic()
        with self.lock:
            verdict = silence.judge(now)
            if verdict is Verdict.ASK:
                self.engine.ping()
                silence.ask(now, self.queued)
        if verdict is Verdict.GIVE_UP:
            reason = "the server does not answer: it has sent nothing"
            self.note_failure(
                ReadError(f"{reason} for {silence.seconds} seconds after a PING, nor before it")
            )
            await await_or_drop(self.stream.aclose())
            await self._tell_change()

    # -- the end -----------------------------------------------------------------

    def note_failure(self, failure: NetworkError) -> None:
        """Ends all that is under way on the connection."""
        # Not what was raised: its traceback holds the frames of who drove, and they a
        # response that the garbage collector would then never find.
        kept = type(failure)(str(failure))
        with self.lock:
            if self.failure is None:
                self.failure = self.cut or kept
            self._drop_unsent(str(self.failure))
            self.engine.fail(RemoteProtocolError(str(self.failure)))
        self.wake_all()

    def let_go(self) -> None:
        """Ends all of it in a child of the process, where nothing of it may be sent.

        Whoever held the lock, or read and wrote for all, is in the parent alone.
        """
        self._renew_lock()
        reason = "the connection belongs to the parent of this process"
        self.cut = WriteError(reason)
        self.failure = ReadError(reason)
        self.engine.fail(RemoteProtocolError(reason))
