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
    changed = tuple(repository.changed_files())
    releases = tuple(repository.releases(distribution))
    if not releases:
        return Facts(changed)
    with tempfile.TemporaryDirectory() as scratch:
        tag = distribution.tag_of(releases[-1])
        old = repository.export(tag, distribution.folder, Path(scratch)) / "src"
        new = repository.root / distribution.folder / "src"
        changes = api.compare(distribution.module, old, new)
    new_names = {
        sibling.name: names
        for sibling in distributions.values()
        if ranges.range_of(sibling.pyproject, distribution.name) is not None
        and (names := _names_used(sibling, distribution, repository.root) & changes.added)
    }
    return Facts(changed, releases, changes, new_names)


def _names_used(sibling: Distribution, distribution: Distribution, root: Path) -> set[str]:
    files = sorted((root / sibling.folder / "src").rglob("*.py"))
    return uses.imported_names((path.read_text("utf-8") for path in files), distribution.module)
