"""The pool's options, as the limits that its state works with."""

import math
import typing

import pytest

from httpcore_pool._state import Limits


@pytest.mark.parametrize(
    ("option", "value", "attribute", "expected"),
    [
        ("max_connections", None, "connections", math.inf),
        ("max_connections", 1, "connections", 1),
        ("max_connections_per_origin", None, "connections_per_origin", math.inf),
        ("max_connections_per_origin", 7, "connections_per_origin", 7),
        ("max_keepalive_connections", None, "idle", math.inf),
        ("max_keepalive_connections", 0, "idle", 0),
        ("keepalive_expiry", None, "idle_seconds", math.inf),
        ("keepalive_expiry", 0, "idle_seconds", 0),
        ("keepalive_expiry", 2.5, "idle_seconds", 2.5),
        ("keepalive_expiry", math.inf, "idle_seconds", math.inf),
        ("max_connection_age", None, "age_seconds", math.inf),
        ("max_connection_age", 0, "age_seconds", 0),
    ],
)
def test_options_become_limits(
    option: str, value: float | None, attribute: str, expected: float
) -> None:
    assert getattr(limits_of({option: value}), attribute) == expected


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("max_connections", 0, "max_connections must be None or at least 1, but is 0"),
        ("max_connections", -1, "max_connections must be None or at least 1, but is -1"),
        (
            "max_connections_per_origin",
            0,
            "max_connections_per_origin must be None or at least 1, but is 0",
        ),
        (
            "max_keepalive_connections",
            -1,
            "max_keepalive_connections must be None or at least 0, but is -1",
        ),
        ("keepalive_expiry", -0.5, "keepalive_expiry must be None or at least 0, but is -0.5"),
        (
            "keepalive_expiry",
            math.nan,
            "keepalive_expiry must be None or at least 0, but is nan",
        ),
        ("max_connection_age", -1, "max_connection_age must be None or at least 0, but is -1"),
    ],
)
def test_options_out_of_range_are_refused(option: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        limits_of({option: value})


def limits_of(options: dict[str, float | None]) -> Limits:
    # The tables speak of one option at a time; integers are what they hold.
    return Limits.of(
        max_connections=typing.cast("int | None", options.get("max_connections")),
        max_connections_per_origin=typing.cast(
            "int | None", options.get("max_connections_per_origin")
        ),
        max_keepalive_connections=typing.cast(
            "int | None", options.get("max_keepalive_connections")
        ),
        keepalive_expiry=options.get("keepalive_expiry"),
        max_connection_age=options.get("max_connection_age"),
    )
