"""What a bump changes: decided here, from what others have read.

A sibling's lower bound rises to the new version where the sibling imports a public name that
the last release did not have, and where it is asked for: a name can be seen, the use of a new
parameter cannot. A range that the new version has left ends later, and begins where it did.
Whichever changes, the sibling's own changelog says so, since its users get it with its next
release.
"""

import datetime
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tools.release import changelog, ranges
from tools.release.api import Changes
from tools.release.distribution import Distribution, with_version
from tools.release.error import ReleaseError
from tools.release.version import Part, Version, is_enough


@dataclass(frozen=True, slots=True)
class Facts:
    """What a bump has to know beside the distributions.

    Args:
        changed_files: What differs from the last commit.
        releases: The versions that were tagged, the oldest first.
        changes: What became of the public API since the last of them.
        new_names: By sibling, the names it imports that the last of them did not have.
        unreleased: By sibling, the names imported of it that no release of it has.
    """

    changed_files: tuple[str, ...] = ()
    releases: tuple[Version, ...] = ()
    changes: Changes = field(default_factory=Changes)
    new_names: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    unreleased: Mapping[str, AbstractSet[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written.

    Args:
        version: The new version.
        files: The new texts, by their paths relative to the root.
        remarks: What is worth knowing, a line each.
    """

    version: Version
    files: Mapping[Path, str]
    remarks: tuple[str, ...]


def plan(
    distributions: Mapping[str, Distribution],
    distribution: Distribution,
    part: Part | Literal["first"],
    facts: Facts,
    today: datetime.date,
    raised: AbstractSet[str] = frozenset(),
) -> Plan:
    """Decide what a bump writes.

    Args:
        distributions: All of them, by name.
        distribution: The one that is bumped.
        part: How far; "first" keeps the version, which has not been released yet.
        facts: What else has to be known.
        today: The day of the release.
        raised: Names of siblings whose lower bound rises in any case.

    Raises:
        ReleaseError: It must not be.
    """
    hold_to_commits(facts.changed_files)
    version = _next_version(distribution, part, facts)
    try:
        text = changelog.released(distribution.changelog, version, today)
    except ReleaseError as exc:
        raise ReleaseError(f"{distribution.name}: {exc}") from exc
    if part != "first":
        _hold_to_semver(distribution, part, facts.changes)
    for name, names in facts.unreleased.items():
        raise ReleaseError(
            f"{distribution.name} uses what no release of {name} has "
            f"({few(sorted(names))}): bump {distributions[name]} before"
        )
    files = {
        distribution.init_path: with_version(distribution.init, version),
        distribution.folder / "CHANGELOG.md": text,
    }
    remarks = [f"{distribution.name} {version}"]
    for sibling in distributions.values():
        if sibling.name == distribution.name:
            continue
        rise = _find_rise(sibling, distribution, version, facts, raised)
        if rise is not None:
            new, reason = rise
            files |= _rewritten(sibling, distribution, new)
            remarks.append(f"{sibling.name} requires {distribution.name}{new}: {reason}")
    remarks += [f"breaks {breakage}" for breakage in facts.changes.breaks]
    remarks += _let_in(distributions, distribution, version, facts)
    return Plan(version, files, tuple(remarks))


def hold_to_commits(changed_files: Sequence[str]) -> None:
    """Refuse what no commit has.

    Raises:
        ReleaseError: Files differ from the last commit.
    """
    if changed_files:
        raise ReleaseError(f"not all is committed: {few(changed_files)}")


def _next_version(
    distribution: Distribution, part: Part | Literal["first"], facts: Facts
) -> Version:
    name, version = distribution.name, distribution.version
    last = facts.releases[-1] if facts.releases else None
    if part == "first":
        if last is not None:
            raise ReleaseError(f"{name} has a release already: {distribution.tag_of(last)}")
        return version
    if last is None:
        raise ReleaseError(
            f"{name} has no release yet: `bump {distribution} first` makes it {version}"
        )
    if last != version:
        raise ReleaseError(
            f"the last tag {distribution.tag_of(last)} is not the version of {name}, "
            f"which is {version}: release that first"
        )
    bumped = version.bumped(part)
    # A tag of an older line may have been made after all.
    if bumped in facts.releases:
        raise ReleaseError(f"the tag {distribution.tag_of(bumped)} exists already")
    return bumped


def _hold_to_semver(distribution: Distribution, part: Part, changes: Changes) -> None:
    least = distribution.version.least_part(
        breaks=bool(changes.breaks), adds=bool(changes.added)
    )
    if is_enough(part, least):
        return
    if changes.breaks:
        done = f"breaks what {distribution.version} had ({few(changes.breaks)})"
    else:
        done = f"adds to what {distribution.version} had ({few(sorted(changes.added))})"
    raise ReleaseError(f"{distribution.name} {done}: that takes `bump {distribution} {least}`")


def _find_rise(
    sibling: Distribution,
    distribution: Distribution,
    version: Version,
    facts: Facts,
    raised: AbstractSet[str],
) -> tuple[str, str] | None:
    """Return the new range in which a sibling requires a distribution, and why; or None."""
    old = ranges.range_of(sibling.pyproject, distribution.name)
    if old is None:
        if sibling.name in raised:
            raise ReleaseError(f"{sibling.name} does not require {distribution.name}")
        return None
    names = facts.new_names.get(sibling.name, frozenset())
    if names:
        return ranges.range_from(version), f"it uses {few(sorted(names))}"
    if sibling.name in raised:
        return ranges.range_from(version), "as asked"
    if not ranges.allows(old, version):
        return ranges.widened(old, version), f"{old} leaves it out"
    return None


def _rewritten(
    sibling: Distribution, distribution: Distribution, versions: str
) -> dict[Path, str]:
    line = f"It requires `{distribution.name}{versions}`."
    return {
        sibling.folder / "pyproject.toml": ranges.replaced(
            sibling.pyproject, distribution.name, versions
        ),
        sibling.folder / "CHANGELOG.md": changelog.with_change(sibling.changelog, line),
    }


def _let_in(
    distributions: Mapping[str, Distribution],
    distribution: Distribution,
    version: Version,
    facts: Facts,
) -> list[str]:
    """Return whose range takes a version that breaks something, as before 1.0 it may."""
    if not facts.changes.breaks:
        return []
    return [
        f"{sibling.name} takes {version} as it stands: see that what broke is not used there"
        for sibling in distributions.values()
        if (versions := ranges.range_of(sibling.pyproject, distribution.name))
        and ranges.allows(versions, version)
    ]


def few(items: Sequence[str]) -> str:
    """Return the first of many, and how many there are besides."""
    rest = len(items) - 3
    return ", ".join(items[:3]) + (f" and {rest} more" if rest > 0 else "")
