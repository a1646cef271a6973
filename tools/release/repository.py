"""What git tells of this repository."""

import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tools.release.distribution import Distribution
from tools.release.error import ReleaseError
from tools.release.version import Version


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout.

    Args:
        root: Its folder.
    """

    root: Path

    def changed_files(self) -> list[str]:
        """Return what differs from the last commit, what git does not know included."""
        return [line[3:] for line in self._lines("status", "--porcelain")]

    def tracked_files(self, folder: Path) -> list[Path]:
        """Return the files of a folder that git knows, relative to it."""
        lines = self._lines("ls-files", "--", folder.as_posix())
        return [Path(line).relative_to(folder) for line in lines]

    def releases(self, distribution: Distribution) -> list[Version]:
        """Return the versions that tags name, the oldest first."""
        tags = self._lines("tag", "--list", f"{distribution.name}-v*")
        return sorted(filter(None, map(distribution.version_of, tags)))

    def commits_since(self, tag: str | None, folder: Path) -> list[str]:
        """Return the commits that touch a folder, since a tag or ever, the newest first."""
        commits = f"{tag}..HEAD" if tag else "HEAD"
        return self._lines("log", "--no-merges", "--format=%h %s", commits, "--", str(folder))

    def is_ahead_of(self, tag: str) -> bool:
        """Return whether HEAD is another commit than the one that a tag names."""
        return self._lines("rev-parse", "HEAD") != self._lines("rev-parse", f"{tag}^{{commit}}")

    def time_of(self, folder: Path) -> int:
        """Return when a folder was last changed, in seconds since the epoch."""
        [seconds] = self._lines("log", "-1", "--format=%ct", "--", str(folder))
        return int(seconds)

    def read(self, tag: str, path: Path) -> str:
        """Return the text of a file as a tag has it."""
        return self._run("show", f"{tag}:{path.as_posix()}").decode()

    def export(self, tag: str, folder: Path, target: Path) -> Path:
        """Write a folder as a tag has it below a target; return where it is."""
        archive = self._run("archive", "--format=tar", tag, "--", folder.as_posix())
        with tarfile.open(fileobj=BytesIO(archive)) as tar:
            tar.extractall(target, filter="data")
        return target / folder

    def _lines(self, *arguments: str) -> list[str]:
        return self._run(*arguments).decode().splitlines()

    def _run(self, *arguments: str) -> bytes:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, check=False
        )
        if done.returncode != 0:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise ReleaseError(f"git {arguments[0]} failed: {' '.join(last)}")
        return done.stdout
