"""An environment for each project and httpcore, and the wheels of these packages."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.suites.projects import RIVAL, Project

ROOT = Path(__file__).parents[2]
CREATE_SECONDS = 900.0

_EXTRAS = "asyncio,http2,socks,trio"


class MissingEnvironmentError(Exception):
    """An environment could not be made; the message says why."""


def build_wheels(cache: Path) -> Path:
    """Build a wheel of each package; return the folder that has them, and nothing else."""
    folder = cache / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    for package in sorted((ROOT / "packages").iterdir()):
        if (package / "pyproject.toml").exists():
            _run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(package))
    return folder


def make_rival(project: Project, cache: Path) -> Path:
    """Make the environment with httpcore 1.x; return its Python."""
    return _make(project, cache / "on-1.x", [f"httpcore[{_EXTRAS}]=={RIVAL}"])


def make_ours(project: Project, cache: Path, wheels: Path) -> Path:
    """Make the environment with these packages; return its Python."""
    # A path leaves no choice, whatever the index has under these names.
    own = {_read_name(wheel): wheel for wheel in sorted(wheels.glob("*.whl"))}
    # What it brings, httpcore does not: tests might run or be skipped for that.
    del own["httpcore-conformance"]
    wanted = [f"{name} @ {wheel.as_uri()}" for name, wheel in own.items() if name != "httpcore"]
    wanted.append(f"httpcore[{_EXTRAS}] @ {own['httpcore'].as_uri()}")
    return _make(project, cache / "on-this", wanted)


def _read_name(wheel: Path) -> str:
    return wheel.name.partition("-")[0].replace("_", "-")


def _make(project: Project, folder: Path, wanted: Sequence[str]) -> Path:
    home = folder / project.name
    _run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(home))
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = ("uv", "pip", "install", "--quiet", "--python", str(python))
    _run(*install, *project.requirements, *wanted)
    return python


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CREATE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise MissingEnvironmentError(str(exc)) from exc
    if done.returncode != 0:
        reason = " ".join((done.stderr or done.stdout).split())[-400:]
        raise MissingEnvironmentError(f"{' '.join(command[:3])}: {reason}")
