"""The newest of each distribution with the oldest siblings that its ranges allow.

A lower bound that should have risen fails here. Where the newest uses what no release has
yet, there is nothing to prove before that release; it could not be released either.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tools.proof.alone import import_all, run_tests
from tools.proof.environment import Environment
from tools.proof.wheels import Wheels, read_wheels
from tools.release import build
from tools.release.distribution import Distribution
from tools.release.facts import find_unreleased
from tools.release.ranges import allows, range_of
from tools.release.repository import Repository
from tools.release.version import Version


def find_oldest(
    distribution: Distribution,
    distributions: Mapping[str, Distribution],
    releases: Mapping[str, Sequence[Version]],
    pyproject_of: Callable[[Distribution, Version | None], str],
) -> dict[str, Version]:
    """Return, by sibling, the oldest release that a distribution can be installed with.

    Args:
        distribution: Which.
        distributions: All of them, by name.
        releases: Those of each, the oldest first.
        pyproject_of: Returns the pyproject.toml of a release; of None, the present one.
    """
    wanted = {
        name: [versions]
        for name in distributions
        if (versions := range_of(distribution.pyproject, name))
    }
    while True:
        oldest = {
            name: allowed[0]
            for name, among in wanted.items()
            if (allowed := [one for one in releases[name] if _is_in_all(one, among)])
        }
        # Siblings require each other, too, and the oldest of each may not go together.
        further = [
            (name, versions)
            for sibling in wanted
            for name in wanted
            if (
                versions := range_of(
                    pyproject_of(distributions[sibling], oldest.get(sibling)), name
                )
            )
            and versions not in wanted[name]
        ]
        if not further:
            return oldest
        for name, versions in further:
            wanted[name].append(versions)


def _is_in_all(version: Version, among: Iterable[str]) -> bool:
    return all(allows(versions, version) for versions in among)


def find_oldest_by_tags(
    distribution: Distribution,
    distributions: Mapping[str, Distribution],
    repository: Repository,
) -> dict[str, Version]:
    """Return the same, of the releases that git knows."""

    def pyproject_of(sibling: Distribution, version: Version | None) -> str:
        if version is None:
            return sibling.pyproject
        return repository.read(sibling.tag_of(version), sibling.folder / "pyproject.toml")

    releases = {name: repository.releases(one) for name, one in distributions.items()}
    return find_oldest(distribution, distributions, releases, pyproject_of)


def prove_oldest(
    distribution: Distribution,
    oldest: Mapping[str, Version],
    distributions: Mapping[str, Distribution],
    wheels: Wheels,
    repository: Repository,
    folder: Path,
) -> str:
    """Install a wheel with the oldest of its siblings, import all of it, and run its tests."""
    unreleased = find_unreleased(distribution, distributions, repository)
    if unreleased:
        return f"waits for a release of {', '.join(sorted(unreleased))}"
    links = folder / "links"
    for name, version in oldest.items():
        sibling = distributions[name]
        tag = sibling.tag_of(version)
        source = repository.export(tag, sibling.folder, folder / tag)
        build.make(source, links, seconds=0)
    wheel = wheels[distribution.name]
    constraints = wheels.constraints(but=oldest) + read_wheels(links).constraints()
    environment = Environment(folder / "environment")
    environment.install([wheel.complete], constraints)
    import_all(environment, wheel)
    tests = run_tests(distribution, wheel, environment, constraints, repository.root)
    return f"{', '.join(f'{name} {version}' for name, version in oldest.items())}; {tests}"
