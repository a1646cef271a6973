"""The numbers of a pool at one moment."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class PoolStats:
    """A snapshot of a pool, taken at one moment.

    The first six count what is there now, the rest what happened since the pool
    was made.

    Attributes:
        dialling: Connections that are being established.
        reserved: Connections assigned to a request that has not begun to send.
        active: Connections with a request under way.
        idle: Connections that wait for a request.
        requests_active: Requests that have a connection, or are dialling theirs.
        requests_queued: Requests that wait for one.
        opened: Connections that were established.
        reused: Requests that were given a connection that was there already.
        closed: Connections that were established and are closed again.
        retried: Requests that were sent once more, since the connection that they
            were given turned out to be dead.
    """

    dialling: int
    reserved: int
    active: int
    idle: int
    requests_active: int
    requests_queued: int
    opened: int
    reused: int
    closed: int
    retried: int
