"""The order of connection attempts, and what is said when all have failed."""

import collections
import itertools
import socket

import hypothesis
import hypothesis.strategies as st
import pytest

from httpcore_interface import (
    CONNECTION_ATTEMPT_DELAY,
    ConnectError,
    describe_failures,
    interleave_families,
)

ALL_FAILED = "all 2 attempts to connect to example.com:443 failed "


def test_delay_is_the_recommended_one() -> None:
    assert CONNECTION_ATTEMPT_DELAY == 0.25


@pytest.mark.parametrize(
    ("resolved", "expected"),
    [
        ([], []),
        (["6a"], ["6a"]),
        (["4a", "4b", "4c"], ["4a", "4b", "4c"]),
        (["6a", "6b", "4a", "4b"], ["6a", "4a", "6b", "4b"]),
        (["4a", "4b", "6a", "6b"], ["4a", "6a", "4b", "6b"]),
        (["6a", "4a", "6b", "4b"], ["6a", "4a", "6b", "4b"]),
        (["6a", "6b", "6c", "4a"], ["6a", "4a", "6b", "6c"]),
        (["6a", "4a", "4b", "4c"], ["6a", "4a", "4b", "4c"]),
        (["4a", "6a", "6b", "6c"], ["4a", "6a", "6b", "6c"]),
        (["6a", "4a", "xa", "6b", "xb"], ["6a", "4a", "xa", "6b", "xb"]),
        (["6a", "6a", "4a"], ["6a", "4a", "6a"]),
    ],
)
def test_families_take_turns(resolved: list[str], expected: list[str]) -> None:
    entries = [(name[0], name) for name in resolved]
    assert [name for _, name in interleave_families(entries)] == expected


def test_what_the_resolver_returns_is_taken() -> None:
    resolved = socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
    assert interleave_families(iter(resolved)) == resolved


@hypothesis.settings(deadline=None)
@hypothesis.given(st.lists(st.tuples(st.sampled_from([4, 6, 7]), st.integers())))
def test_nothing_is_lost_and_each_family_stays_in_order(
    entries: list[tuple[int, int]],
) -> None:
    ordered = interleave_families(entries)
    assert collections.Counter(ordered) == collections.Counter(entries)
    assert ordered[:1] == entries[:1]
    for family in (4, 6, 7):
        assert [each for each in ordered if each[0] == family] == [
            each for each in entries if each[0] == family
        ]
    # While two families have addresses left, neither goes twice in a row.
    for place, (earlier, later) in enumerate(itertools.pairwise(ordered)):
        if earlier[0] == later[0]:
            assert {family for family, _ in ordered[place:]} == {earlier[0]}


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ([("127.0.0.1", OSError("refused"))], "refused"),
        ([("127.0.0.1", TimeoutError())], "TimeoutError"),
        (
            [("::1", OSError("unreachable")), ("127.0.0.1", OSError("refused"))],
            ALL_FAILED + "(::1: unreachable; 127.0.0.1: refused)",
        ),
        (
            [("::1", TimeoutError()), ("127.0.0.1", ConnectError("refused"))],
            ALL_FAILED + "(::1: TimeoutError; 127.0.0.1: refused)",
        ),
        (
            [("a", OSError(111, "Connection refused"))],
            "[Errno 111] Connection refused",
        ),
    ],
)
def test_failures_are_told(failures: list[tuple[str, Exception]], expected: str) -> None:
    assert describe_failures("example.com", 443, failures) == expected
