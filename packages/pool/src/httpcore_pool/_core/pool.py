"""The pool: requests in, responses out, over connections that are shared.

The decisions are `_state`'s. Here they are asked for, under the lock, and
carried out, without it. One rule: whatever the state gives is noted in a lease,
inside a `try` whose `except BaseException` gives it back.
"""

import collections
import collections.abc
import functools
import threading
import time
import typing

from httpcore_interface import (
    AsyncNetworkBackend,
    ConnectError,
    ConnectionNotAvailable,
    LocalProtocolError,
    PoolTimeout,
    ReadError,
    RemoteProtocolError,
    WriteError,
)

from .._forks import watch
from .._messages import Request, Response
from .._state import Limits, PoolState, PoolStats, Slot, SlotState, Ticket, Wakeable, Work
from .._url import HTTP_PORTS, Origin
from .closing import await_or_drop, close_all
from .colour import Colour
from .connection import Speaker
from .foreign import AnyConnection, AnySpeaker, ForeignConnection
from .http11 import HTTP11Connection
from .pool_lease import PoolLease
from .speaking import Repeatable, gone, pool_closed, unsupported
from .timeouts import NO_TIMEOUTS, Deadline, Timeouts
from .trace import Tracer

# In Python 3.11 a member of an enumeration costs ten times a name of the module.
_DIALLING = SlotState.DIALLING
_ACTIVE = SlotState.ACTIVE
_CLOSED = SlotState.CLOSED

# RFC 9110, section 9.2.2: sending them twice is the same as sending them once.
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})

# How often a request goes out again that was lost with its connection.
_MOST_REPEATS = 3

# How often one does that a server of HTTP/2 says it has not processed. Of many at once,
# some meet a server that goes after every few requests again and again.
_MOST_REFUSALS = 10

# How often one goes on that a connection did not take at all. Each such connection is one
# less, but many may have broken at once.
_MOST_PASSES = 100

T = typing.TypeVar("T")

# Scheme, host, port, and what runs the connections. A plain tuple: it is hashed and
# compared for every request.
OriginKey = tuple[bytes, bytes, int, object]


class Pool:
    """Shares connections among requests.

    Args:
        limits: How many connections, and for how long.
        colour: Whose callers it serves.
        make_connection: Makes a connection, not connected yet, for an origin.
        backend: Supplies events for those who wait.
        sharing_schemes: The schemes of origins whose connections may carry many
            requests at once.

    Attributes:
        state: Who waits, who is idle, what is closed.
        lock: Guards `state`, and nothing else. Held for microseconds, never across
            an await, a callback, a close or anything that a finaliser may call.
        leases: The requests that are not over.
        is_torn: Whether something broke off inside the books, so that they are to be
            written anew from what those requests hold.
        is_interrupted: Returns whether this very thread is inside the lock. That is so
            in a finaliser that the garbage collector calls, or in a signal handler,
            when it happens to interrupt the pool at its books. Whoever may be called
            there asks first, and leaves it to the next operation.
    """

    def __init__(
        self,
        limits: Limits,
        colour: Colour,
        make_connection: collections.abc.Callable[[Origin], AnyConnection],
        backend: collections.abc.Callable[[], AsyncNetworkBackend],
        sharing_schemes: frozenset[bytes] = frozenset(),
    ) -> None:
        self._limits = limits
        self._colour = colour
        self._make_connection = make_connection
        self._backend = backend
        self._sharing_schemes = sharing_schemes
        self._begin(is_closed=False)
        watch(self)

    def _begin(self, *, is_closed: bool) -> None:
        self.state: PoolState[AnyConnection] = PoolState(self._limits)
        self.state.is_closed = is_closed
        # Only to know its owner is it one that may be entered twice.
        self.lock = threading.RLock()
        # threading.Condition uses it, too; the stubs leave it out.
        self.is_interrupted: collections.abc.Callable[[], bool] = self.lock._is_owned  # type: ignore[attr-defined]
        # Slots whose responses the garbage collector found, to be settled by
        # whoever comes next; and the events of those who wait, to make one come.
        self._abandoned: collections.deque[PoolLease] = collections.deque()
        self._is_close_due = False
        self._sleepers: dict[Wakeable, None] = {}
        self.leases: dict[PoolLease, None] = {}
        self.is_torn = False
        # The event loop that the last request came from, and all that may have
        # connections here.
        self._runner: object = None
        self._runners: set[object] = {None}

    # -- a request's way ---------------------------------------------------------

    async def handle(
        self, request: Request, timeouts: Timeouts | None = None, repeats: int = 0
    ) -> Response:
        """Sends a request over a connection of the pool.

        Args:
            request: What to send.
            timeouts: How long it may take, if that has begun already.
            repeats: How often it was sent before.

        Returns:
            The response, once its head has come.

        Raises:
            UnsupportedProtocol: The URL's scheme is none of http, https, ws, wss.
            LocalProtocolError: The URL has no host.
            PoolTimeout: No connection became available in time.
            RuntimeError: The pool is closed.
            ConnectError, ConnectTimeout, and what an exchange raises.
        """
        url = request.url
        port = HTTP_PORTS.get(url.scheme)
        if port is None:
            raise unsupported(url.scheme)
        if not url.host:
            raise LocalProtocolError(f"Request URL has no host: {bytes(url)!r}")
        extensions = request.extensions
        if timeouts is None:
            timeouts = Timeouts.of(extensions) if "timeout" in extensions else NO_TIMEOUTS
        tracer = self._colour.tracer(extensions)
        runner = self._colour.runner()
        if runner is not self._runner:
            await self._change_runner(runner)
        key = (url.scheme, url.host, port if url.port is None else url.port, runner)
        if self.is_interrupted():
            raise RuntimeError("a finaliser or signal handler has interrupted the pool itself")
        # Made first: from the moment of the claim on, it gives back what was given.
        lease = PoolLease(self)
        state = self.state
        try:
            now = time.monotonic()
            # The next lines are `_change`, spelled out for haste.
            work = None
            try:
                with self.lock:
                    if self._abandoned or self._is_close_due or self.is_torn:
                        self.settle_abandoned(now)
                    self.leases[lease] = None
                    may_share = url.scheme in self._sharing_schemes
                    got = lease.got = state.claim(key, now, may_share=may_share)
                    work = state.take_work() if state.doomed or state.granted else None
                if work is not None:
                    self.wake(work)
            except BaseException:
                self.note_torn(work)
                raise
            if work is not None or type(got) is Ticket:
                got = lease.got = await self._await_slot(got, work, timeouts)
            assert type(got) is Slot
            slot = got
            if slot.state is _DIALLING:
                http = await self._dial(slot, key, request, timeouts, tracer)
            else:
                if slot.connection is None:
                    # The pool was closed before this could dial.
                    raise pool_closed()  # noqa: TRY301 - to be given back below
                assert slot.connection.http is not None
                http = slot.connection.http
                # The first questions cost no await, and the answer is nearly always no.
                if (
                    not http.is_busy
                    and http.stream.get_extra_info("is_readable")
                    and await http.has_hung_up()
                ):
                    if http.is_shared:
                        # Others may have been given it as well.
                        raise gone()  # noqa: TRY301 - to be given back below
                    http = await self._redial(
                        slot, key, request, timeouts, tracer, is_retry=False
                    )
            slot.state = _ACTIVE
            served = http.served
            is_retry = True
            try:
                return await http.handle(request, timeouts, tracer, lease)
            except ConnectionNotAvailable:
                if http.served > served:
                    # Not the connection's, but the body's or a callback's.
                    raise
                # Somebody closed it since we looked: nothing was sent.
                is_retry = False
            except (ReadError, WriteError, RemoteProtocolError):
                if not isinstance(http, HTTP11Connection):
                    raise
                if served == 0 or http.is_answered or http.is_aborted:
                    raise
                if not http.is_repeatable or request.method not in _IDEMPOTENT:
                    raise
            # The server had closed the connection while it was idle, and the
            # request was too late to be noticed: it goes out once more.
            http = await self._redial(slot, key, request, timeouts, tracer, is_retry=is_retry)
            slot.state = _ACTIVE
            try:
                return await http.handle(request, timeouts, tracer, lease)
            except ConnectionNotAvailable as exc:
                if http.served > 0:
                    raise
                raise ConnectError("the connection was closed before it was used") from exc
        except Repeatable as exc:
            doomed = lease.give_up()
            if doomed:
                await close_all(doomed)
            is_allowed = exc.is_unprocessed or request.method in _IDEMPOTENT
            most = _MOST_REFUSALS if exc.is_unprocessed else _MOST_REPEATS
            if exc.is_untaken:
                most = _MOST_PASSES
            if not is_allowed or (exc.was_tried and repeats >= most):
                raise exc.failure from exc.failure.__cause__
            # What was dead when it was looked at is one less, however many there are.
            repeats += exc.was_tried
        except BaseException:
            doomed = lease.give_up()
            if doomed:
                await close_all(doomed)
            raise
        return await self.handle(request, timeouts, repeats)

    async def _await_slot(
        self,
        got: Slot[AnyConnection] | Ticket[AnyConnection],
        work: Work[AnyConnection] | None,
        timeouts: Timeouts,
    ) -> Slot[AnyConnection]:
        """Does what a claim left to do, and waits if it has to."""
        if work is not None and work.doomed:
            await close_all(work.doomed)
        if isinstance(got, Ticket):
            await self._wait(got, timeouts)
        slot = got.slot if isinstance(got, Ticket) else got
        assert slot is not None
        return slot

    async def _wait(self, ticket: Ticket[AnyConnection], timeouts: Timeouts) -> None:
        """Waits until a ticket is granted.

        Raises:
            PoolTimeout: It was not, in time.
            ConnectError: The pool was closed.
        """
        limit = timeouts.for_pool()
        deadline = Deadline(limit)
        while not self._is_settled(ticket):
            event = self._backend().create_event()
            self._sleepers[event] = None
            try:
                ticket.event = event
                # Whatever was granted before there was an event is seen here.
                is_settled, doomed = self._change(lambda _: ticket.is_settled)
                if doomed:
                    await close_all(doomed)
                if is_settled:
                    break
                # Woken without a slot (see `note_abandoned`), it looks again.
                if await event.wait(deadline.left()) or self._is_settled(ticket):
                    continue
            finally:
                del self._sleepers[event]
                if self._abandoned:
                    # It may have been this one who was to see to that.
                    self._rouse_one()
            raise PoolTimeout(
                f"no connection became available within {limit} seconds: {self.describe()}"
            )
        if ticket.is_refused:
            raise ConnectError("the connection pool was closed while the request waited")

    def _is_settled(self, ticket: Ticket[AnyConnection]) -> bool:
        with self.lock:
            return ticket.is_settled

    async def _dial(
        self,
        slot: Slot[AnyConnection],
        key: OriginKey,
        request: Request,
        timeouts: Timeouts,
        tracer: Tracer | None,
    ) -> AnySpeaker:
        """Establishes the connection of a slot."""
        connection = self._make_connection(Origin(*key[:3]))
        # From here on `close()` and `connections` see it.
        slot.connection = connection
        if slot.state is _CLOSED:
            raise pool_closed()
        try:
            http = await connection.connect(request, timeouts, tracer)
            capacity = http.capacity
            if isinstance(http, ForeignConnection):
                http.take_place(slot, functools.partial(self._note_room, slot))
            elif not isinstance(http, HTTP11Connection):
                http.traffic.on_change = functools.partial(self._note_capacity, slot, http)
            now = time.monotonic()
            is_open, doomed = self._change(
                lambda state: state.connected(slot, now, capacity=capacity)
            )
        except BaseException:
            # The books do not know it yet.
            if connection.http is not None:
                await await_or_drop(connection.aclose())
            raise
        if doomed:
            await close_all(doomed)
        if not is_open:
            await connection.aclose()
            raise pool_closed()
        return http

    async def _note_capacity(self, slot: Slot[AnyConnection], http: Speaker) -> None:
        """Notes that a server takes more requests at once than before, or fewer."""
        capacity = http.capacity
        if http.is_usable:
            _, doomed = self._change(lambda state: state.set_capacity(slot, capacity))
        else:
            _, doomed = self._change(lambda state: state.retire(slot))
        if doomed:
            await close_all(doomed)

    async def _note_room(self, slot: Slot[AnyConnection], has_room: bool) -> None:
        """Notes whether a foreign connection takes one more request than it has."""
        if has_room:
            _, doomed = self._change(lambda state: state.widen(slot))
        else:
            _, doomed = self._change(lambda state: state.narrow(slot))
        if doomed:
            await close_all(doomed)

    async def _redial(
        self,
        slot: Slot[AnyConnection],
        key: OriginKey,
        request: Request,
        timeouts: Timeouts,
        tracer: Tracer | None,
        *,
        is_retry: bool,
    ) -> AnySpeaker:
        """Replaces the dead connection of a slot by a new one."""
        dead = slot.connection
        assert dead is not None
        now = time.monotonic()
        is_open, doomed = self._change(lambda state: state.redial(slot, now, is_retry=is_retry))
        await close_all([dead, *doomed])
        if not is_open:
            raise pool_closed()
        return await self._dial(slot, key, request, timeouts, tracer)

    def note_abandoned(self, lease: PoolLease) -> None:
        """Notes, in a finaliser, that nobody will end a response."""
        self._abandoned.append(lease)
        # If nobody waits, the next request settles it. If somebody does, there may
        # never be a next one.
        self._rouse_one()

    def _rouse_one(self) -> None:
        for event in list(self._sleepers):
            event.set()
            break

    def settle_abandoned(self, now: float) -> None:
        """Does what was left to whoever comes next. The caller holds the lock."""
        if self.is_torn:
            self._settle_torn()
        while self._abandoned:
            lease = self._abandoned[0]
            lease.settle_held(now, reusable=lease.is_one_of_many)
            self._abandoned.popleft()
        if self._is_close_due:
            self._is_close_due = False
            self.state.close()

    def _settle_torn(self) -> None:
        """Writes the books anew, from what the requests hold that are not over."""
        for lease in list(self.leases):
            if lease.is_over:
                del self.leases[lease]
        self.state.repair([lease.got for lease in self.leases if lease.got is not None])
        self.is_torn = False

    def note_torn(self, work: Work[AnyConnection] | None) -> None:
        """Notes that something broke off inside the books: a signal handler has raised.

        Args:
            work: What was being carried out, perhaps.
        """
        if work is not None:
            self.state.doomed.extend(work.doomed)
        self.is_torn = True
        self._rouse_one()

    def _change(
        self, change: collections.abc.Callable[[PoolState[AnyConnection]], T]
    ) -> tuple[T, list[AnyConnection]]:
        """Changes the books, and wakes those who were granted what they waited for.

        Returns:
            What the change returned, and the connections that the caller has to close.
        """
        work = None
        try:
            with self.lock:
                self.settle_abandoned(time.monotonic())
                result = change(self.state)
                work = self.state.take_work()
            if work is not None:
                self.wake(work)
        except BaseException:
            self.note_torn(work)
            raise
        return result, [] if work is None else work.doomed

    def _settle_unawaited(self) -> None:
        # Where somebody waits, one who waits was roused to do it: whoever is given
        # a place has to be woken, and who asks for numbers cannot.
        if self.is_interrupted():
            return
        with self.lock:
            if not self.state.queued:
                self.settle_abandoned(time.monotonic())

    # -- loops and processes -----------------------------------------------------

    async def _change_runner(self, runner: object) -> None:
        """Notes that requests come from another event loop, and drops those that ended.

        A loop's connections are its own: they are part of its origins' keys. So two
        loops may share a pool, in two threads.
        """
        self._runner = runner
        self._runners.add(runner)
        dead = {other for other in tuple(self._runners) if self._colour.has_ended(other)}
        if not dead or self.is_interrupted():
            return
        self._runners -= dead

        def is_dead(key: collections.abc.Hashable) -> bool:
            return isinstance(key, tuple) and key[3] in dead

        _, doomed = self._change(lambda state: state.drop(is_dead))
        if doomed:
            await close_all(doomed)

    def begin_anew(self) -> None:
        """Forgets everything but the options, in a child of the process."""
        connections = [slot.connection for slot in list(self.state.slots)]
        self._begin(is_closed=self.state.is_closed)
        for connection in connections:
            if connection is not None:
                connection.let_go()

    # -- work --------------------------------------------------------------------

    @staticmethod
    def wake(work: Work[AnyConnection]) -> None:
        """Wakes those who were granted what they waited for."""
        for ticket in work.granted:
            if ticket.event is not None:
                ticket.event.set()

    async def aclose(self) -> None:
        """Closes every connection, and ends every request that waits or is under way."""
        if self.is_interrupted():
            self._is_close_due = True
            self._rouse_one()
            return
        _, doomed = self._change(lambda state: state.close())
        await close_all(doomed)

    def reopen(self) -> None:
        """Lets a closed pool be used again."""
        with self.lock:
            self.state.reopen()

    # -- what is asked about it --------------------------------------------------

    @property
    def connections(self) -> list[AnyConnection]:
        """The connections there are, in any state."""
        with self.lock:
            slots = list(self.state.slots)
        return [slot.connection for slot in slots if slot.connection is not None]

    @property
    def requests(self) -> tuple[int, int]:
        """How many requests are under way, and how many wait."""
        if self._abandoned:
            self._settle_unawaited()
        return self.state.active, self.state.queued

    def stats(self) -> PoolStats:
        """Returns a snapshot of the pool's numbers."""
        self._settle_unawaited()
        with self.lock:
            return self.state.stats()

    def describe(self) -> str:
        """Says how busy the pool is, for people."""
        stats = self.stats()
        open_ = stats.dialling + stats.reserved + stats.active
        return (
            f"Requests: {stats.requests_active} active, {stats.requests_queued} queued | "
            f"Connections: {open_} active, {stats.idle} idle"
        )
