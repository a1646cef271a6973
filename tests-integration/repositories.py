"""Copies of this repository's packages in repositories of their own, with releases."""

import os
import pathlib
import shutil
import subprocess

from tools.release import changelog
from tools.release.__main__ import main
from tools.release.distribution import Distribution, find, read_distributions

ROOT = pathlib.Path(__file__).parents[1]

# What releases are made of, and what the tests of distributions need.
COPIED = ("packages", "conftest.py", "pytest.ini")

# Whoever runs the tests has settings and a name of their own.
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_NAME": "nobody" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "nobody@example.com" for who in ("AUTHOR", "COMMITTER")},
}


class Copy:
    """A repository to release from."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def __getitem__(self, name: str) -> Distribution:
        return find(read_distributions(self.root), name)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=os.environ | _ENVIRONMENT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def commit(self, title: str = "Change something") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", title)

    def release(self, *arguments: str) -> int:
        return main(arguments, self.root)

    def read(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text
        (self.root / path).write_text(text.replace(old, new), "utf-8")

    def note(self, name: str, line: str = "Something is new.") -> None:
        """Adds a line to a changelog."""
        path = self.root / self[name].folder / "CHANGELOG.md"
        path.write_text(changelog.with_change(path.read_text("utf-8"), line), "utf-8")

    def clone(self, root: pathlib.Path) -> "Copy":
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns("dist"))
        return Copy(root)


def copy_repository(root: pathlib.Path) -> Copy:
    """Copies what git knows of what is here, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *COPIED],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for line in listed.stdout.splitlines():
        if (ROOT / line).exists():
            (root / line).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / line, root / line)
    (root / ".gitignore").write_text("dist/\n", "utf-8")
    copy = Copy(root)
    copy.git("init", "--quiet")
    copy.commit("Begin")
    return copy
