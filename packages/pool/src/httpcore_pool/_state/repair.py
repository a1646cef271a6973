"""Writing the pool's books anew, once something broke off in them.

Signal handlers run between any two steps of Python, and may raise: Ctrl+C, and the
alarms that supervisors of worker processes use. Inside the state that leaves a number or
a table half written.
"""

import abc
import collections
import collections.abc
import typing

from .origin import OriginState
from .slot import Slot, SlotState
from .ticket import Ticket

C = typing.TypeVar("C")

_DIALLING = SlotState.DIALLING
_RESERVED = SlotState.RESERVED
_IDLE = SlotState.IDLE
_CLOSED = SlotState.CLOSED


class Repairable(abc.ABC, typing.Generic[C]):
    """The tables of `PoolState`, and how they are written anew.

    Attributes:
        slots: The places that are taken.
        doomed: Connections to close.
        granted: Tickets whose owners are to be woken.
        active: How many requests hold a slot.
        queued: How many wait for one.
        is_closed: Whether the pool takes no requests.
    """

    def __init__(self) -> None:
        self.is_closed = False
        self.slots: dict[Slot[C], None] = {}
        self._origins: dict[typing.Hashable, OriginState[C]] = {}
        # All idle slots, the one that has been idle longest first.
        self._idle: collections.OrderedDict[Slot[C], None] = collections.OrderedDict()
        # (number of the first ticket, origin) of origins that may dial; entries
        # that have become untrue are dropped when they surface.
        self._heads: list[tuple[int, OriginState[C]]] = []
        self.doomed: list[C] = []
        self.granted: list[Ticket[C]] = []
        self.active = 0
        self.queued = 0
        self._opened = self._closed = 0

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the pool."""

    @abc.abstractmethod
    def _note_room(self, slot: Slot[C]) -> None: ...

    @abc.abstractmethod
    def _fill(self, slot: Slot[C]) -> None: ...

    @abc.abstractmethod
    def _announce(self, origin: OriginState[C]) -> None: ...

    @abc.abstractmethod
    def _serve(self) -> None: ...

    def repair(self, held: collections.abc.Iterable[Slot[C] | Ticket[C]]) -> None:
        """Writes the books anew, from what is certain.

        What a request holds it knows itself; everything else follows from that, and
        from what the slots say. A connection of which nothing is certain is doomed.
        O(connections + requests).

        Args:
            held: What was given to the requests that are not over.
        """
        in_use, waiting = self._count_holders(held)
        slots = self._known_slots(in_use)
        # The order in which they came to be idle, the same moment's as it was noted.
        places = {slot: place for place, slot in enumerate(self._idle)}
        slots.sort(key=lambda slot: (slot.idle_since, places.get(slot, -1)))
        self.slots = dict.fromkeys(slots)
        self._idle.clear()
        self._heads.clear()
        self._origins = {}
        self.active = self.queued = 0
        for slot in slots:
            self._readmit(slot, in_use.get(slot, 0))
        for slot in slots:
            if slot.state is _IDLE:
                slot.origin.idle[slot] = None
                self._idle[slot] = None
        for ticket in sorted(waiting, key=lambda ticket: ticket.number):
            ticket.origin = self._origin_again(ticket.origin)
            ticket.origin.tickets[ticket] = None
            self.queued += 1
        self._closed = self._opened - sum(slot.state is not _DIALLING for slot in slots)
        if self.is_closed:
            self.close()
            return
        for slot in slots:
            if slot.origin.tickets:
                self._offer(slot)
        for origin in list(self._origins.values()):
            self._announce(origin)
        self._serve()

    def _count_holders(
        self, held: collections.abc.Iterable[Slot[C] | Ticket[C]]
    ) -> tuple[collections.Counter[Slot[C]], list[Ticket[C]]]:
        in_use: collections.Counter[Slot[C]] = collections.Counter()
        waiting: list[Ticket[C]] = []
        for got in held:
            if isinstance(got, Slot):
                in_use[got] += 1
            elif got.is_settled:
                # Its owner may not have been woken.
                self.granted.append(got)
                if got.slot is not None:
                    in_use[got.slot] += 1
            else:
                waiting.append(got)
        return in_use, waiting

    def _known_slots(self, in_use: collections.Counter[Slot[C]]) -> list[Slot[C]]:
        """Returns the slots that stay; of the others the connections are doomed."""
        doomed = {id(connection) for connection in self.doomed}
        known = []
        for slot in self.slots:
            is_doomed = id(slot.connection) in doomed
            is_needed = slot in in_use or slot.state is _IDLE
            if is_needed and slot.state is not _CLOSED and not is_doomed:
                known.append(slot)
                continue
            slot.state = _CLOSED
            if slot.connection is not None and not is_doomed:
                self.doomed.append(slot.connection)
        return known

    def _origin_again(self, origin: OriginState[C]) -> OriginState[C]:
        """Returns the one origin of a key, empty the first time."""
        known = self._origins.get(origin.key)
        if known is None:
            known = self._origins[origin.key] = OriginState(origin.key)
            known.may_share = origin.may_share
        return known

    def _readmit(self, slot: Slot[C], in_use: int) -> None:
        origin = slot.origin = self._origin_again(slot.origin)
        origin.count += 1
        slot.in_use = in_use
        self.active += in_use
        if slot.state is _DIALLING:
            origin.dialling += 1
        elif in_use:
            if slot.state is _IDLE:
                slot.state = _RESERVED
            if slot.capacity > 1:
                self._note_room(slot)

    def _offer(self, slot: Slot[C]) -> None:
        """Grants a connection that is there to those who wait for its origin."""
        if slot.state is _DIALLING:
            return
        if slot.state is _IDLE:
            del self._idle[slot]
            del slot.origin.idle[slot]
        self._fill(slot)
