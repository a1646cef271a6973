"""The pool's state: every decision about connections and waiting requests.

A request *claims*. It is given an idle connection, or the right to dial, or a
ticket with which it waits:

    claim  -> RESERVED slot     use its connection
           -> DIALLING slot     dial, then connected() or failed()
           -> Ticket            wait until it is granted one of the above

    release, failed, connected, abandon, set_capacity, close:
           whatever becomes free goes to the request that has waited longest.

Invariants, between any two calls:

- there are never more than `Limits.connections` slots, nor more of an origin
  than `Limits.connections_per_origin`;
- a request waits only while nothing that it could use is idle or has room, and
  while it may not dial;
- tickets are granted in the order of their numbers, among those that can use
  what became free.

A slot that is not in `slots` is gone, whatever its state says: the step from
RESERVED to ACTIVE is the caller's to write, without the lock, and may come late.

Every call on a request's way is O(1) amortised. (The heap `_heads` holds one entry
for each origin that somebody waits for: with one origin, or no waiting, it is
trivial.)
"""

import collections
import collections.abc
import heapq
import typing

from .limits import Limits
from .origin import OriginState
from .repair import Repairable
from .slot import Slot, SlotState
from .statistics import PoolStats
from .ticket import Ticket

C = typing.TypeVar("C")

# In Python 3.11 a member of an enumeration costs ten times a name of the module.
_DIALLING = SlotState.DIALLING
_RESERVED = SlotState.RESERVED
_ACTIVE = SlotState.ACTIVE
_IDLE = SlotState.IDLE
_CLOSED = SlotState.CLOSED

# Origins whose negotiated protocol is remembered after their last connection
# has gone. Large enough for a crawler's working set, small beside its pages.
_REMEMBERED_ORIGINS = 1024


class Work(typing.NamedTuple, typing.Generic[C]):
    """What is left to do once the lock has been released."""

    doomed: list[C]
    """Connections to close."""
    granted: list[Ticket[C]]
    """Tickets whose owners are to be woken."""


class PoolState(Repairable[C]):
    """The decisions of one pool. See the module's docstring.

    Args:
        limits: What to decide by.

    Of `doomed` and `granted`, which `take_work` hands over, both are empty mostly: whoever
    is in a hurry looks first.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits
        # What may be kept for no time at all is not kept.
        self._most_idle = limits.idle if limits.idle_seconds > 0 else 0
        self._shares: collections.OrderedDict[typing.Hashable, bool] = collections.OrderedDict()
        self._numbers = 0
        self._reused = self._retried = 0

    # -- a request's way in -----------------------------------------------------

    def claim(
        self, key: typing.Hashable, now: float, *, may_share: bool = False
    ) -> Slot[C] | Ticket[C]:
        """Finds a connection for one request.

        Args:
            key: The origin: requests with equal keys may share a connection.
            now: The time, in seconds.
            may_share: Whether a new connection may turn out to carry many requests
                at once (HTTP/2 is enabled and can be negotiated).

        Returns:
            A RESERVED slot to use, a DIALLING one to dial, or a ticket to wait with.

        Raises:
            RuntimeError: The pool is closed.
        """
        if self.is_closed:
            raise RuntimeError("the connection pool is closed")
        origin = self._origins.get(key)
        if origin is None:
            origin = self._add_origin(key, may_share)
        slot = self._take_open(origin, now) if origin.idle or origin.roomy else None
        if self._idle:
            self._drop_expired(now)
        if slot is None:
            if not self._may_dial(origin) or not self._make_room():
                return self._enqueue(origin)
            slot = self._add_slot(origin)
        self.active += 1
        return slot

    def _add_origin(self, key: typing.Hashable, may_share: bool) -> OriginState[C]:
        origin = self._origins[key] = OriginState(key)
        if may_share:
            origin.may_share = self._shares.get(key)
        return origin

    def _take_open(self, origin: OriginState[C], now: float) -> Slot[C] | None:
        """Reserves a connection that is there, if one has room."""
        while origin.roomy:
            # Taken out, and put back by the next line if there is room for one more:
            # to look for a dict's first key is to pass all that were removed.
            slot, _ = origin.roomy.popitem()
            if now - slot.opened_at < self.limits.age_seconds:
                self._add_request(slot)
                return slot
            slot.is_retiring = True
        while origin.idle:
            slot, _ = origin.idle.popitem()
            del self._idle[slot]
            if (
                now - slot.opened_at < self.limits.age_seconds
                and now - slot.idle_since < self.limits.idle_seconds
            ):
                self._add_request(slot)
                return slot
            self._remove(slot)
        return None

    def _add_request(self, slot: Slot[C]) -> None:
        if slot.in_use == 0:
            slot.state = _RESERVED
        slot.in_use += 1
        slot.served += 1
        self._reused += 1
        if slot.capacity > 1:
            self._note_room(slot)

    def _note_room(self, slot: Slot[C]) -> None:
        """Keeps `roomy` true for a slot that is in use."""
        if slot.has_room and slot.in_use:
            slot.origin.roomy[slot] = None
        else:
            slot.origin.roomy.pop(slot, None)

    def _may_dial(self, origin: OriginState[C]) -> bool:
        """Whether the origin's own rules allow one more connection."""
        if origin.count >= self.limits.connections_per_origin:
            return False
        # Not known yet (None) or known to be so (True), the others had better wait for
        # what is being dialled: one connection may do for all of them.
        return origin.may_share is False or origin.dialling == 0

    def _make_room(self) -> bool:
        """Makes sure of a free place, if need be by closing an idle connection."""
        if len(self.slots) < self.limits.connections:
            return True
        if not self._idle:
            return False
        self._evict(next(iter(self._idle)))
        return True

    def _add_slot(self, origin: OriginState[C]) -> Slot[C]:
        slot: Slot[C] = Slot(origin)
        self.slots[slot] = None
        self._origins[origin.key] = origin
        origin.count += 1
        self._begin_dial(slot)
        return slot

    def _begin_dial(self, slot: Slot[C]) -> None:
        slot.state = _DIALLING
        slot.origin.dialling += 1

    def _enqueue(self, origin: OriginState[C]) -> Ticket[C]:
        ticket = Ticket(self._numbers, origin)
        self._numbers += 1
        self.queued += 1
        self._origins[origin.key] = origin
        origin.tickets[ticket] = None
        self._announce(origin)
        return ticket

    def abandon(self, ticket: Ticket[C], now: float) -> None:
        """Gives up a ticket, and passes on what it had been given meanwhile."""
        slot = ticket.slot
        if slot is None:
            if not ticket.is_refused:
                self._remove_ticket(ticket)
        elif slot.state is _DIALLING:
            self.failed(slot, now)
        else:
            self.release(slot, now, reusable=True)

    # -- dialling ----------------------------------------------------------------

    def connected(self, slot: Slot[C], now: float, *, capacity: int = 1) -> bool:
        """Notes that a dial succeeded; the dialler's own request holds the slot.

        Args:
            slot: A DIALLING slot, its connection set.
            now: The time, in seconds.
            capacity: How many requests the connection takes at once.

        Returns:
            False if the pool was closed meanwhile: the caller closes the connection.
        """
        if slot not in self.slots:
            return False
        origin = slot.origin
        slot.state = _RESERVED
        slot.opened_at = now
        slot.capacity = capacity
        self._opened += 1
        if capacity > 1 or origin.may_share is not False:
            self._remember(origin, capacity > 1)
        origin.dialling -= 1
        self._fill(slot)
        self._announce(origin)
        self._serve()
        return True

    def _remember(self, origin: OriginState[C], shares: bool) -> None:
        origin.may_share = shares
        self._shares[origin.key] = shares
        self._shares.move_to_end(origin.key)
        if len(self._shares) > _REMEMBERED_ORIGINS:
            self._shares.popitem(last=False)

    def failed(self, slot: Slot[C], now: float) -> None:
        """Notes that a dial failed or was given up; its place goes to the next."""
        if slot not in self.slots:
            return
        self.active -= slot.in_use
        self._discard(slot)
        self._serve()

    def redial(self, slot: Slot[C], now: float, *, is_retry: bool = True) -> bool:
        """Turns a slot whose connection proved dead into one to dial.

        The request keeps its place: it neither queues again nor overtakes.

        Args:
            slot: A slot that the caller's request holds, and no other. Closing the
                connection that it had is the caller's business.
            now: The time, in seconds.
            is_retry: Whether the request had been sent, and is sent once more.

        Returns:
            False if the pool was closed meanwhile.
        """
        if slot not in self.slots:
            return False
        slot.connection = None
        slot.served = 1
        slot.is_retiring = False
        slot.origin.roomy.pop(slot, None)
        self._closed += 1
        self._retried += is_retry
        self._begin_dial(slot)
        return True

    # -- a request's way out -----------------------------------------------------

    def release(self, slot: Slot[C], now: float, *, reusable: bool) -> None:
        """Takes a slot back from one request.

        Args:
            slot: What the request held.
            now: The time, in seconds.
            reusable: Whether its connection can take another request.
        """
        if slot not in self.slots:
            return
        self.active -= 1
        slot.in_use -= 1
        if not reusable or now - slot.opened_at >= self.limits.age_seconds:
            slot.is_retiring = True
        if slot.is_retiring:
            slot.origin.roomy.pop(slot, None)
            if slot.in_use == 0:
                self._remove(slot)
                self._serve()
        elif self.queued:
            self._pass_on(slot, now)
        elif slot.in_use == 0:
            self._make_idle(slot, now)
        else:
            self._note_room(slot)

    def _pass_on(self, slot: Slot[C], now: float) -> None:
        """Gives a slot that has room to the request that has waited longest."""
        own = slot.origin.first_ticket()
        other = self._next_to_dial()
        if (
            slot.in_use == 0
            and other is not None
            and (own is None or other.number < own.number)
        ):
            # It wants another origin: this connection makes place for it.
            self._remove(slot)
            self._serve()
            return
        self._fill(slot)
        if slot.in_use == 0:
            self._make_idle(slot, now)

    def _fill(self, slot: Slot[C]) -> None:
        """Grants a slot to the requests that wait for its origin, while it has room."""
        origin = slot.origin
        while slot.has_room and (ticket := origin.first_ticket()) is not None:
            self._add_request(slot)
            self._grant(ticket, slot)
        if slot.capacity > 1:
            self._note_room(slot)

    def _make_idle(self, slot: Slot[C], now: float) -> None:
        if slot.capacity < 1:
            # The peer takes no requests at all, perhaps for ever: nobody could use it.
            self._remove(slot)
            self._serve()
            return
        slot.state = _IDLE
        slot.idle_since = now
        origin = slot.origin
        if origin.roomy:
            origin.roomy.pop(slot, None)
        if self._idle:
            self._drop_expired(now)
        origin.idle[slot] = None
        self._idle[slot] = None
        if len(self._idle) > self._most_idle:
            self._evict(next(iter(self._idle)))

    def set_capacity(self, slot: Slot[C], capacity: int) -> None:
        """Notes that the peer takes more, or fewer, requests at once than before.

        Fewer than are under way is no contradiction: they finish, and nothing new
        is given to the connection until there is room. A connection that takes none
        at all is not kept idle.
        """
        if slot not in self.slots:
            return
        slot.capacity = capacity
        if slot.state in (_RESERVED, _ACTIVE):
            self._fill(slot)
            self._note_room(slot)
        elif slot.state is _IDLE and capacity < 1:
            self._evict(slot)

    def widen(self, slot: Slot[C]) -> None:
        """Notes that a connection takes one more request than it has, for all it says."""
        self.set_capacity(slot, slot.in_use + 1)

    def narrow(self, slot: Slot[C]) -> None:
        """Notes that a connection has refused one of the requests that it was given."""
        self.set_capacity(slot, max(slot.in_use - 1, 1))

    def retire(self, slot: Slot[C]) -> None:
        """Notes that a connection takes no more requests; it ends with its last."""
        slot.is_retiring = True
        slot.origin.roomy.pop(slot, None)
        if slot.state is _IDLE:
            self._evict(slot)
            self._serve()

    # -- removal -----------------------------------------------------------------

    def _drop_expired(self, now: float) -> None:
        # The oldest stand first, so this looks at one that stays, at most.
        while self._idle:
            slot = next(iter(self._idle))
            if now - slot.idle_since < self.limits.idle_seconds:
                break
            self._evict(slot)

    def _evict(self, slot: Slot[C]) -> None:
        """Removes an idle slot."""
        del self._idle[slot]
        del slot.origin.idle[slot]
        self._remove(slot)

    def _remove(self, slot: Slot[C]) -> None:
        """Removes a slot whose connection was established, and dooms that."""
        if slot.connection is not None:
            self.doomed.append(slot.connection)
        self._closed += 1
        self._discard(slot)

    def _discard(self, slot: Slot[C]) -> None:
        origin = slot.origin
        if slot.state is _DIALLING:
            origin.dialling -= 1
        slot.state = _CLOSED
        del self.slots[slot]
        origin.count -= 1
        origin.roomy.pop(slot, None)
        if origin.tickets:
            self._announce(origin)
        elif origin.count == 0:
            del self._origins[origin.key]

    def close(self) -> None:
        """Closes the pool: every connection is doomed, every ticket refused."""
        self.is_closed = True
        for slot in self.slots:
            # What is being dialled as well, if the dialler has put it there already:
            # closing it is what ends the dial.
            if slot.connection is not None:
                self.doomed.append(slot.connection)
            if slot.state is not _DIALLING:
                self._closed += 1
            slot.state = _CLOSED
        for origin in self._origins.values():
            for ticket in origin.tickets:
                ticket.is_refused = True
                self.granted.append(ticket)
        self.slots.clear()
        self._origins.clear()
        self._idle.clear()
        self._heads.clear()
        self.active = self.queued = 0

    def reopen(self) -> None:
        """Lets a closed pool be used again."""
        self.is_closed = False

    def drop(self, is_gone: collections.abc.Callable[[typing.Hashable], bool]) -> None:
        """Drops all that belongs to some origins, as if each had closed by itself.

        Args:
            is_gone: Tells the key of such an origin.
        """
        for origin in [origin for key, origin in self._origins.items() if is_gone(key)]:
            for ticket in list(origin.tickets):
                ticket.is_refused = True
                self.granted.append(ticket)
                self._remove_ticket(ticket)
            for slot in [slot for slot in self.slots if slot.origin is origin]:
                self.active -= slot.in_use
                self._idle.pop(slot, None)
                origin.idle.pop(slot, None)
                self._closed += slot.state is not _DIALLING
                if slot.connection is not None:
                    self.doomed.append(slot.connection)
                self._discard(slot)
        for key in [key for key in self._shares if is_gone(key)]:
            del self._shares[key]
        self._serve()

    # -- the queue ---------------------------------------------------------------

    def _announce(self, origin: OriginState[C]) -> None:
        """Enters an origin among those that somebody wants to dial.

        An origin has one entry at most. Its number may fall behind, as tickets
        leave, but never runs ahead: it is put right when the entry surfaces.
        """
        ticket = origin.first_ticket()
        if ticket is None or origin.is_announced or not self._may_dial(origin):
            return
        if len(self._heads) > 2 * len(self._origins) + 16:
            self._sweep()
        origin.is_announced = True
        heapq.heappush(self._heads, (ticket.number, origin))

    def _sweep(self) -> None:
        """Drops the entries of origins that nobody waits for any more.

        Done before they outnumber the rest, and when nobody waits at all: else a
        burst of requests that gave up would be kept until the next one waits.
        """
        kept = []
        for head in self._heads:
            if head[1].tickets:
                kept.append(head)
            else:
                head[1].is_announced = False
        heapq.heapify(kept)
        self._heads = kept

    def _next_to_dial(self) -> Ticket[C] | None:
        """Returns the ticket that has waited longest of those that may dial."""
        while self._heads:
            number, origin = self._heads[0]
            ticket = origin.first_ticket()
            if ticket is None or not self._may_dial(origin):
                heapq.heappop(self._heads)
                origin.is_announced = False
            elif ticket.number != number:
                heapq.heapreplace(self._heads, (ticket.number, origin))
            else:
                return ticket
        return None

    def _serve(self) -> None:
        """Lets those who have waited longest dial, while there are places."""
        while self.queued and (ticket := self._next_to_dial()) is not None:
            if not self._make_room():
                return
            self._grant(ticket, self._add_slot(ticket.origin))

    def _grant(self, ticket: Ticket[C], slot: Slot[C]) -> None:
        ticket.slot = slot
        self.active += 1
        self.granted.append(ticket)
        self._remove_ticket(ticket)

    def _remove_ticket(self, ticket: Ticket[C]) -> None:
        origin = ticket.origin
        del origin.tickets[ticket]
        self.queued -= 1
        if not origin.tickets and origin.count == 0:
            del self._origins[origin.key]
        if not self.queued:
            self._sweep()

    # -- what the caller carries out ---------------------------------------------

    def take_work(self) -> Work[C] | None:
        """Hands over, once, the connections to close and the tickets to wake."""
        if not self.doomed and not self.granted:
            return None
        work = Work(self.doomed, self.granted)
        self.doomed = []
        self.granted = []
        return work

    def stats(self) -> PoolStats:
        """Counts. O(connections): for people and monitors, not for every request."""
        states = collections.Counter(slot.state for slot in self.slots)
        return PoolStats(
            dialling=states[_DIALLING],
            reserved=states[_RESERVED],
            active=states[_ACTIVE],
            idle=states[_IDLE],
            requests_active=self.active,
            requests_queued=self.queued,
            opened=self._opened,
            reused=self._reused,
            closed=self._closed,
            retried=self._retried,
        )
