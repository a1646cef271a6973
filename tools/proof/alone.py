"""One wheel with only what it declares: every module, and then its own tests."""

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from tools.proof.environment import Environment
from tools.proof.wheels import Wheel, Wheels
from tools.release.distribution import Distribution

# A module that is imported only where its library runs already.
_FOUND_RUNNING = {"httpcore-interface": {"trio"}}

# One case of each test is enough to see what an environment lacks.
_PYTEST = (
    *("-q", "-p", "no:cacheprovider"),
    *("-m", "not slow and not exhaustive", "--sample", "one"),
)


def prove_alone(distribution: Distribution, wheels: Wheels, root: Path, folder: Path) -> str:
    """Install a wheel by itself, import all of it, and run its tests."""
    wheel = wheels[distribution.name]
    environment = Environment(folder)
    constraints = wheels.constraints()
    environment.install([wheel.with_extras()], constraints)
    missing = wheel.optional_modules | _FOUND_RUNNING.get(wheel.name, set())
    modules = import_all(environment, wheel, missing)
    tests = run_tests(distribution, wheel, environment, constraints, root)
    return f"{modules}; {tests}"


def import_all(
    environment: Environment, wheel: Wheel, missing: AbstractSet[str] = frozenset()
) -> str:
    """Import every module of a wheel; return how many there are.

    Args:
        environment: Where it is installed.
        wheel: Which.
        missing: The packages that are not there, whose modules of the wheel may fail.
    """
    return environment.run_inside("import_all", wheel.module, *sorted(missing)).strip()


def run_tests(
    distribution: Distribution,
    wheel: Wheel,
    environment: Environment,
    constraints: str,
    root: Path,
) -> str:
    """Run the tests of a distribution against what is installed; return how they went."""
    group = root / distribution.folder / "pyproject.toml"
    environment.install([wheel.complete], constraints, "--group", f"{group}:tests")
    import_all(environment, wheel)
    output = environment.run("-m", "pytest", *_PYTEST, distribution.folder.as_posix(), cwd=root)
    match = re.search(r"\d+ passed.*(?= in [\d.]+s)", output)
    return match[0] if match else output
