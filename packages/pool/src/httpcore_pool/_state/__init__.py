"""Who waits, who is idle, what is closed: the pool's decisions, and nothing else.

Pure: no I/O, no await, no lock, no clock (`now` is an argument, in seconds of any
monotonic clock). Whoever calls holds the pool's lock, and carries out afterwards,
without it, what `PoolState.take_work` returns.
"""

from .limits import Limits
from .pool import PoolState, Work
from .slot import Slot, SlotState
from .statistics import PoolStats
from .ticket import Ticket, Wakeable

__all__ = [
    "Limits",
    "PoolState",
    "PoolStats",
    "Slot",
    "SlotState",
    "Ticket",
    "Wakeable",
    "Work",
]
