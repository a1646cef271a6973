"""mypy over every tree in turn, and pyright: `python -m tools.types [PATH ...]`.

One run over everything does not work: each package's tests have modules of the
same names. So the sources go together, and every tests directory alone.

Pyright reads the programs that use the public API as users do, which are named in
`pyrightconfig.json`: what it makes of it is what their editors show.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Group:
    """Trees that mypy reads in one run, relative to the root."""

    trees: tuple[Path, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.trees))

    def limited_to(self, paths: Sequence[Path]) -> "Group":
        """Return what of this group lies within the paths, or contains them."""
        kept = [tree for tree in self.trees if any(map(tree.is_relative_to, paths))]
        kept += [
            path
            for path in paths
            if path not in kept and any(path.is_relative_to(tree) for tree in self.trees)
        ]
        return Group(tuple(kept))


PROGRAMS = Group((Path("tests-integration/programs"),))
"""Where those programs are."""


def find_groups() -> list[Group]:
    """Return what there is to check; a directory without Python in it is left out."""
    sources = [
        *sorted(ROOT.glob("packages/*/src")),
        *sorted(ROOT.glob("packages/*/template/src")),
    ]
    alone = [
        *sorted(ROOT.glob("packages/*/tests")),
        *sorted(ROOT.glob("packages/*/template/tests")),
        ROOT / "docs" / "examples",
        ROOT / "conftest.py",
        ROOT / "tests-integration",
        ROOT / "tools",
    ]
    groups = [
        tuple(filter(_has_python, sources)),
        *((tree,) for tree in alone if _has_python(tree)),
    ]
    return [Group(tuple(tree.relative_to(ROOT) for tree in trees)) for trees in groups if trees]


def _has_python(tree: Path) -> bool:
    return tree.is_file() or next(tree.rglob("*.py"), None) is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check; return 1 if any run failed, 2 if a path is not one of ours."""
    groups = find_groups()
    paths = [_relative(text) for text in (sys.argv[1:] if arguments is None else arguments)]
    if paths:
        for path in paths:
            if not any(group.limited_to([path]).trees for group in groups):
                print(f"types: nothing to check in {path}", file=sys.stderr)
                return 2
        groups = [group.limited_to(paths) for group in groups]
    failed = [f"mypy {group}" for group in groups if group.trees and not _passes(group)]
    if (not paths or PROGRAMS.limited_to(paths).trees) and not _passes_pyright():
        failed.append("pyright")
    for name in failed:
        print(f"types: failed: {name}", file=sys.stderr)
    return 1 if failed else 0


def _relative(text: str) -> Path:
    path = Path(text).resolve()
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _passes(group: Group) -> bool:
    print(f"mypy {group}", flush=True)
    return _runs("mypy", *map(str, group.trees))


def _passes_pyright() -> bool:
    print("pyright", flush=True)
    return _runs("basedpyright", "--pythonpath", sys.executable)


def _runs(module: str, *arguments: str) -> bool:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
