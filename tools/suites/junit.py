"""What pytest wrote of a run in JUnit's XML, as outcomes."""

from collections.abc import Mapping
from typing import Literal
from xml.etree import ElementTree

Outcome = Literal["passed", "failed", "skipped", "missing"]
"""What became of a test; `missing`: it was not there. An expected failure is `skipped`."""

Outcomes = Mapping[str, Outcome]
"""Outcomes by the names of tests."""

_BAD = ("failure", "error")


def read_outcomes(text: str) -> dict[str, Outcome]:
    """Return the outcomes of a run.

    A test that stands there twice, since its teardown failed too, has the worst of its
    outcomes.
    """
    found: dict[str, Outcome] = {}
    for case in ElementTree.fromstring(text).iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}".removeprefix("::")
        found[name] = _worse(found.get(name), _read(case))
    return found


def _read(case: ElementTree.Element) -> Outcome:
    children = {child.tag for child in case}
    if children.intersection(_BAD):
        return "failed"
    return "skipped" if "skipped" in children else "passed"


def _worse(one: Outcome | None, other: Outcome) -> Outcome:
    order: tuple[Outcome, ...] = ("failed", "passed", "skipped")
    return other if one is None else min(one, other, key=order.index)
