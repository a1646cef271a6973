"""What the pool knows of one origin."""

import collections
import typing

from .slot import Slot
from .ticket import Ticket

C = typing.TypeVar("C")


class OriginState(typing.Generic[C]):
    """One origin's connections and waiting requests.

    Attributes:
        key: Its name in the pool's table.
        idle: Its idle connections; the last that was used comes last.
        roomy: Its connections that are in use and take more requests.
        tickets: Its waiting requests, in order of arrival. (An OrderedDict, since
            a plain dict looks for its first key along all that were removed.)
        count: Its connections in any state.
        is_announced: Whether it stands in the queue of origins to dial.
        dialling: Those of them that are being dialled.
        may_share: Whether a connection to here can carry many requests at once;
            None while that is still to be negotiated.
    """

    __slots__ = (
        "count",
        "dialling",
        "idle",
        "is_announced",
        "key",
        "may_share",
        "roomy",
        "tickets",
    )

    def __init__(self, key: typing.Hashable) -> None:
        self.key = key
        self.idle: dict[Slot[C], None] = {}
        self.roomy: dict[Slot[C], None] = {}
        self.tickets: collections.OrderedDict[Ticket[C], None] = collections.OrderedDict()
        self.count = 0
        self.is_announced = False
        self.dialling = 0
        self.may_share: bool | None = False

    def first_ticket(self) -> Ticket[C] | None:
        """Returns the request that has waited longest, if any waits."""
        return next(iter(self.tickets), None)
