"""The newest of each distribution with the oldest siblings that its ranges allow.

A lower bound that should have risen fails here. Where the newest uses what no release has
yet, there is nothing to prove before that release; it could not be released either.
"""

from collections.abc import Mapping
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
    releases: Mapping[str, list[Version]],
) -> dict[str, Version]:
    """Return, by sibling, the oldest release that a distribution allows."""
    return {
        sibling.name: allowed[0]
        for sibling in distributions.values()
        if (versions := range_of(distribution.pyproject, sibling.name))
        and (allowed := [one for one in releases[sibling.name] if allows(versions, one)])
    }


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
