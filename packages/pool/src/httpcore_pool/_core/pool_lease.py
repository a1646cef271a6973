"""A request's hold on a slot of the pool.

What the state gave to the request is noted here, and given back here, once, in whatever
way the request ends.
"""

import time
import typing

from .._state import Slot, SlotState, Ticket
from .closing import Closable
from .foreign import AnyConnection, ForeignConnection

if typing.TYPE_CHECKING:
    from .pool import Pool

# In Python 3.11 a member of an enumeration costs ten times a name of the module.
_DIALLING = SlotState.DIALLING


class PoolLease:
    """A request's hold on a slot, or on the hope of one. See `Lease`.

    Args:
        pool: Whose slot it is.

    Attributes:
        got: What the state gave: nothing yet, a slot, or a ticket.
        is_over: Whether it was given back; guarded by the pool's lock.
    """

    __slots__ = ("_pool", "got", "is_over")

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self.got: Slot[AnyConnection] | Ticket[AnyConnection] | None = None
        self.is_over = False

    def end(self, now: float, *, reusable: bool) -> list[Closable] | None:
        """Gives back what it holds; whoever waits for that is woken."""
        pool = self._pool
        if pool.is_interrupted():
            pool.note_abandoned(self)
            return None
        state = pool.state
        # The next lines are `Pool._change`, spelled out for haste.
        work = None
        try:
            with pool.lock:
                if pool.is_torn:
                    pool.settle_abandoned(now)
                self.settle_held(now, reusable=reusable)
                work = state.take_work() if state.doomed or state.granted else None
            if work is None:
                return None
            pool.wake(work)
        except BaseException:
            pool.note_torn(work)
            raise
        return list(work.doomed) or None

    def settle_held(self, now: float, *, reusable: bool) -> None:
        """Does so in the books, once. The caller holds the lock."""
        got, state = self.got, self._pool.state
        if self.is_over:
            return
        if type(got) is Slot:
            if got.state is _DIALLING:
                state.failed(got, now)
            else:
                state.release(got, now, reusable=reusable)
        elif type(got) is Ticket:
            state.abandon(got, now)
        # Last: what interrupts this leaves a lease that is still to be ended.
        self.is_over = True
        self._pool.leases.pop(self, None)

    @property
    def is_one_of_many(self) -> bool:
        """Whether its connection can go on without it, wherever its response is."""
        connection = self.got.connection if type(self.got) is Slot else None
        http = None if connection is None else connection.http
        # The foreign cannot be asked here, under the lock.
        if http is None or isinstance(http, ForeignConnection):
            return False
        return http.is_shared and http.is_usable

    def give_up(self) -> list[Closable] | None:
        """Gives it back after a failure; the connection may have survived that."""
        connection = self.got.connection if isinstance(self.got, Slot) else None
        reusable = connection is not None and connection.is_usable
        return self.end(time.monotonic(), reusable=reusable)

    def abandon(self) -> None:
        """Gives it back from a finaliser."""
        self._pool.note_abandoned(self)
