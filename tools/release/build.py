"""The two archives of a distribution, made and checked: the wheel from the sdist."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.release import archives
from tools.release.distribution import Distribution
from tools.release.error import ReleaseError
from tools.release.repository import Repository

CHECKSUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Built:
    """What was made of a distribution.

    Args:
        sdist: Its source distribution.
        wheel: Its wheel.
    """

    sdist: Path
    wheel: Path


def make(folder: Path, target: Path, seconds: int) -> Built:
    """Make the sdist of a folder, and of that the wheel; what was there of it is replaced.

    Args:
        folder: With a pyproject.toml.
        target: Where both go.
        seconds: The time that the files in them bear, since the epoch.

    Raises:
        ReleaseError: The build failed.
    """
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(seconds)}
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        command = [find_uv(), "build", "--quiet", str(folder), "--out-dir", scratch]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ReleaseError(f"{folder.name} does not build:\n{done.stderr.strip()}")
        [sdist] = Path(scratch).glob("*.tar.gz")
        [wheel] = Path(scratch).glob("*.whl")
        project = wheel.name.partition("-")[0]
        for old in [*target.glob(f"{project}-*.whl"), *target.glob(f"{project}-*.tar.gz")]:
            old.unlink()
        return Built(_moved(sdist, target), _moved(wheel, target))


def check(
    built: Built,
    distribution: Distribution,
    distributions: Mapping[str, Distribution],
    repository: Repository,
) -> list[str]:
    """Return what is wrong with what was made, a line each."""
    tracked = repository.tracked_files(distribution.folder)
    ours = {name: one.version for name, one in distributions.items()}
    with tarfile.open(built.sdist) as sdist:
        names = [member.name for member in sdist.getmembers() if not member.isdir()]
    faults = [
        f"{built.sdist.name} {fault}"
        for fault in archives.sdist_faults(names, distribution, tracked)
    ]
    faults += [
        f"{built.wheel.name} {fault}"
        for fault in archives.wheel_faults(
            zipfile.ZipFile(built.wheel).namelist(), distribution, tracked
        )
    ]
    faults += [
        f"{built.wheel.name}: {fault}"
        for fault in archives.metadata_faults(read_metadata(built.wheel), distribution, ours)
    ]
    return faults


def check_rendering(files: Iterable[Path]) -> list[str]:
    """Return what twine says against the archives, such as a description that is not shown."""
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


def read_metadata(wheel: Path) -> str:
    """Return the text of a wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return archive.read(name).decode()


def write_checksums(target: Path) -> dict[str, str]:
    """Write the digests of all archives in a folder; return them by file name."""
    files = [*target.glob("*.whl"), *target.glob("*.tar.gz")]
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (target / CHECKSUMS).write_text(archives.checksums(sums), "utf-8")
    return sums


def find_uv() -> str:
    """Return the program uv: that of hatch, or one in the path."""
    found = os.environ.get("HATCH_UV") or shutil.which("uv")
    if not found:
        raise ReleaseError("there is no uv here, which builds and installs: pip install uv")
    return found


def _moved(path: Path, target: Path) -> Path:
    return Path(shutil.move(path, target / path.name))
