"""An environment for each project and httpcore, and the wheels of these packages."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tools.proof.environment import Environment
from tools.proof.wheels import Wheels, read_wheels
from tools.release import build
from tools.release.distribution import read_distributions
from tools.suites.projects import RIVAL, Project

ROOT = Path(__file__).parents[2]

_EXTRAS = ("asyncio", "http2", "socks", "trio")


def build_wheels(cache: Path) -> Wheels:
    """Make the wheels of these packages, in a folder that has nothing older.

    Raises:
        ReleaseError: One does not build.
    """
    folder = cache / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    for distribution in read_distributions(ROOT).values():
        build.make(ROOT / distribution.folder, folder, seconds=0)
    return read_wheels(folder)


def make_rival(project: Project, cache: Path) -> Path:
    """Make the environment with httpcore 1.x; return its Python.

    Raises:
        ProofError: Something cannot be installed.
    """
    return _make(project, cache / "on-1.x", [f"httpcore[{','.join(_EXTRAS)}]=={RIVAL}"])


def make_ours(project: Project, cache: Path, wheels: Wheels) -> Path:
    """Make the environment with these packages; return its Python.

    Raises:
        ProofError: Something cannot be installed.
    """
    # What httpcore-conformance brings, httpcore does not: tests might run or be skipped for
    # that.
    wanted = [
        wheel.with_extras(*(_EXTRAS if wheel.name == "httpcore" else ()))
        for wheel in wheels.by_name.values()
        if wheel.name != "httpcore-conformance"
    ]
    return _make(project, cache / "on-this", wanted)


def _make(project: Project, folder: Path, wanted: Sequence[str]) -> Path:
    home = folder / project.name
    shutil.rmtree(home, ignore_errors=True)
    environment = Environment(home)
    environment.install([*project.requirements, *wanted], constraints="")
    return environment.python
