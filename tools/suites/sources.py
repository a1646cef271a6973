"""Source distributions, of which only what the tests need is unpacked."""

import shutil
import subprocess
import tarfile
from pathlib import Path

from tools.suites.projects import Project

DOWNLOAD_SECONDS = 600.0

_KEPT = ("tests", "docs", "README.md", "pyproject.toml", "setup.cfg", "pytest.ini", "tox.ini")
"""What is unpacked: the tests, and what pytest or they read. Not the package: the
installed one is what they have to find."""


class SourceError(Exception):
    """A source distribution could not be had; the message says why."""


def fetch_tests(project: Project, cache: Path) -> Path | None:
    """Return where a project's tests are; None if its source distribution has none.

    Raises:
        SourceError: The index does not have it, or cannot be reached.
    """
    archive = _find_archive(project, cache / "sources") or _download(project, cache / "sources")
    folder = cache / "tests" / f"{project.name}-{project.version}"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            _, _, path = member.name.partition("/")
            if path.partition("/")[0] in _KEPT:
                member.name = path
                opened.extract(member, folder, filter="data")
    return folder if (folder / "tests").is_dir() else None


def _download(project: Project, folder: Path) -> Path:
    command = [
        *("uv", "tool", "run", "pip", "download", "--quiet", "--no-deps"),
        *("--no-binary", project.name, "--dest", str(folder)),
        f"{project.name}=={project.version}",
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise SourceError(f"no source distribution: {exc}") from exc
    archive = _find_archive(project, folder)
    if archive is None:
        reason = " ".join((done.stderr or done.stdout).split())[-200:]
        raise SourceError(f"no source distribution: {reason}")
    return archive


def _find_archive(project: Project, folder: Path) -> Path | None:
    names = {project.name, project.name.replace("-", "_")}
    paths = [folder / f"{name}-{project.version}.tar.gz" for name in names]
    return next((path for path in paths if path.exists()), None)
