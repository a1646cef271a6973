"""One connection's place in the pool."""

import enum
import typing

if typing.TYPE_CHECKING:
    from .origin import OriginState

C = typing.TypeVar("C")


class SlotState(enum.Enum):
    """What a connection is doing, as far as the pool cares.

        DIALLING -> RESERVED -> ACTIVE -> IDLE -> RESERVED -> ...
                        any of them -> CLOSED

    RESERVED begins the moment a connection is assigned: from then on nobody else
    can take it or close it, however long its new owner takes to wake up.
    """

    DIALLING = "dialling"
    RESERVED = "reserved"
    ACTIVE = "active"
    IDLE = "idle"
    CLOSED = "closed"


class Slot(typing.Generic[C]):
    """One of the pool's places: a connection, or the dialling of one.

    Attributes:
        connection: Whatever the caller put here; the state never looks into it.
        capacity: How many requests the connection takes at once.
        in_use: How many it has.
        served: How many requests it was given so far.
        opened_at: When it was connected, on the caller's clock.
        idle_since: When its last request left it, likewise.
    """

    __slots__ = (
        "capacity",
        "connection",
        "idle_since",
        "in_use",
        "is_retiring",
        "opened_at",
        "origin",
        "served",
        "state",
    )

    def __init__(self, origin: "OriginState[C]") -> None:
        self.origin = origin
        self.state = SlotState.DIALLING
        self.connection: C | None = None
        self.capacity = 1
        self.in_use = 1
        self.served = 1
        self.is_retiring = False
        self.opened_at = 0.0
        self.idle_since = 0.0

    def __repr__(self) -> str:
        return f"<Slot {self.state.value} {self.in_use}/{self.capacity}>"

    @property
    def has_room(self) -> bool:
        """Whether one more request may be given to it."""
        return self.in_use < self.capacity and not self.is_retiring
