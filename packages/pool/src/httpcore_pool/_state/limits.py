"""How many connections a pool may have, and for how long."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What the pool's state decides by; None everywhere means "no limit".

    Args:
        connections: Connections in any state, at least 1.
        connections_per_origin: The same for one origin, at least 1.
        idle: Connections that are kept while nobody uses them; 0 keeps none.
        idle_seconds: How long one of those is kept.
        age_seconds: How long a connection is used after it was opened; an exchange
            that is under way is never interrupted for it.
    """

    connections: float = math.inf
    connections_per_origin: float = math.inf
    idle: float = math.inf
    idle_seconds: float = math.inf
    age_seconds: float = math.inf

    @classmethod
    def of(
        cls,
        *,
        max_connections: int | None,
        max_connections_per_origin: int | None,
        max_keepalive_connections: int | None,
        keepalive_expiry: float | None,
        max_connection_age: float | None,
    ) -> "Limits":
        """Reads the options of a pool's constructor.

        Raises:
            ValueError: One of them is out of range.
        """
        for name, limit, least in (
            ("max_connections", max_connections, 1),
            ("max_connections_per_origin", max_connections_per_origin, 1),
            ("max_keepalive_connections", max_keepalive_connections, 0),
            ("keepalive_expiry", keepalive_expiry, 0),
            ("max_connection_age", max_connection_age, 0),
        ):
            # "not >=" also refuses NaN, which compares with nothing.
            if limit is not None and not limit >= least:
                raise ValueError(f"{name} must be None or at least {least}, but is {limit!r}")
        return cls(
            connections=_or_inf(max_connections),
            connections_per_origin=_or_inf(max_connections_per_origin),
            idle=_or_inf(max_keepalive_connections),
            idle_seconds=_or_inf(keepalive_expiry),
            age_seconds=_or_inf(max_connection_age),
        )


def _or_inf(limit: float | None) -> float:
    return math.inf if limit is None else limit
