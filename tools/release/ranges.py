"""What members require of each other, in the text of a pyproject.toml.

A range is a lower bound and the next major version: `httpcore-pool[http2]>=0.1,<1`. The lower
bound is the oldest release that has all that is used; it rises only where more is.
"""

import re
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.release.version import Version


@dataclass(frozen=True, slots=True)
class Rise:
    """A range that changes.

    Args:
        old: The range that was.
        new: The one that takes its place.
    """

    old: str
    new: str


def short(version: Version) -> str:
    """Return a version as a bound has it: 0.2 rather than 0.2.0."""
    return str(version) if version.patch else f"{version.major}.{version.minor}"


def range_from(version: Version) -> str:
    """Return the range of a version and all that promise to be compatible with it."""
    return f">={short(version)},<{version.major + 1}"


def allows(versions: str, version: Version) -> bool:
    """Return whether a version lies within a range."""
    return Requirement(f"any{versions}").specifier.contains(str(version))


def range_of(pyproject: str, name: str) -> str | None:
    """Return the range in which a distribution is required, or None if it is not."""
    match = _required(name).search(pyproject)
    return None if match is None else match["range"]


def widened(versions: str, version: Version) -> str:
    """Return a range that ends with a version's major one, and begins where it began."""
    return re.sub(r"<\d+$", f"<{version.major + 1}", versions)


def replaced(pyproject: str, name: str, versions: str) -> str:
    """Return the text with another range wherever a distribution is required."""
    return _required(name).sub(lambda match: match["who"] + versions + '"', pyproject)


def find_faults(requirement: str, ours: dict[str, Version]) -> list[str]:
    """Return what is wrong with a requirement, if it is of one of ours.

    Args:
        requirement: As the metadata has it.
        ours: The versions of the members, by canonical name.
    """
    parsed = Requirement(requirement)
    version = ours.get(canonicalize_name(parsed.name))
    if version is None:
        return []
    operators = sorted(one.operator for one in parsed.specifier)
    if operators != ["<", ">="]:
        return [f"{requirement}: a member is required by a range such as >=0.1,<1"]
    if not parsed.specifier.contains(str(version)):
        return [f"{requirement}: leaves out {version}, which stands beside it"]
    return []


def _required(name: str) -> re.Pattern[str]:
    return re.compile(rf'(?P<who>"{re.escape(name)}(?:\[[a-z0-9,]+\])?)(?P<range>[<>=][^";]*)"')
