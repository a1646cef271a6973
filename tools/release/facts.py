"""What a bump has to know, read from git and from the sources of the last release."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.release import api, ranges, uses
from tools.release.bump import Facts
from tools.release.distribution import Distribution
from tools.release.repository import Repository


def read_facts(
    distribution: Distribution,
    distributions: Mapping[str, Distribution],
    repository: Repository,
) -> Facts:
    """Compare a distribution with its last release, if there is one."""
    changes = read_changes(distribution, repository)
    new_names = {
        sibling.name: names
        for sibling in distributions.values()
        if ranges.range_of(sibling.pyproject, distribution.name) is not None
        and (names := _names_used(sibling, distribution, repository) & changes.added)
    }
    return Facts(
        changed_files=tuple(repository.changed_files()),
        releases=tuple(repository.releases(distribution)),
        changes=changes,
        new_names=new_names,
        unreleased=find_unreleased(distribution, distributions, repository),
    )


def read_changes(distribution: Distribution, repository: Repository) -> api.Changes:
    """Return what became of the public API since the last release; nothing without one."""
    releases = repository.releases(distribution)
    if not releases:
        return api.Changes()
    with tempfile.TemporaryDirectory() as scratch:
        tag = distribution.tag_of(releases[-1])
        old = repository.export(tag, distribution.folder, Path(scratch)) / "src"
        return api.compare(
            distribution.module, old, repository.root / distribution.folder / "src"
        )


def find_unreleased(
    distribution: Distribution,
    distributions: Mapping[str, Distribution],
    repository: Repository,
) -> dict[str, set[str]]:
    """Return, by sibling, the names imported of it that neither a release of it has nor will.

    One that has been bumped, and not been tagged yet, will have them.
    """
    found: dict[str, set[str]] = {}
    for sibling in distributions.values():
        if ranges.range_of(distribution.pyproject, sibling.name) is None:
            continue
        if sibling.version not in repository.releases(sibling):
            continue
        added = read_changes(sibling, repository).added
        names = _names_used(distribution, sibling, repository) & added
        if names:
            found[sibling.name] = names
    return found


def _names_used(
    sibling: Distribution, distribution: Distribution, repository: Repository
) -> set[str]:
    files = sorted((repository.root / sibling.folder / "src").rglob("*.py"))
    return uses.imported_names((path.read_text("utf-8") for path in files), distribution.module)
