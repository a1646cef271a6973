"""A request's place in the queue."""

import typing

from .slot import Slot

if typing.TYPE_CHECKING:
    from .origin import OriginState

C = typing.TypeVar("C")


class Wakeable(typing.Protocol):
    """What a waiting request is woken by: a one-shot event of any colour."""

    def set(self) -> None:
        """Wakes whoever waits."""


class Ticket(typing.Generic[C]):
    """A request that waits, and what it is given in the end.

    Attributes:
        number: Its place in the order of arrival, over all origins.
        slot: What it was given: RESERVED to be used, or DIALLING to be dialled by
            its owner; None while it waits.
        is_refused: The pool was closed; there will be no slot.
        event: Set by whoever carries out the work; None until the owner, having
            found that it must wait, puts one here.
    """

    __slots__ = ("event", "is_refused", "number", "origin", "slot")

    def __init__(self, number: int, origin: "OriginState[C]") -> None:
        self.number = number
        self.origin = origin
        self.slot: Slot[C] | None = None
        self.is_refused = False
        self.event: Wakeable | None = None

    @property
    def is_settled(self) -> bool:
        """Whether waiting is over."""
        return self.slot is not None or self.is_refused
