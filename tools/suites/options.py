"""What the command line of the suites asks for."""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.suites.projects import PROJECTS, Project, choose_projects


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for.

    Args:
        projects: Whose tests are run.
        runs: How often on each httpcore; more than once tells what differs by itself.
        cache: Where everything is downloaded, built and made.
    """

    projects: tuple[Project, ...]
    runs: int
    cache: Path


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line; leave by SystemExit where it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="suites",
        description="Run the tests of what is built on httpcore 1.x, on that and on this one.",
    )
    known = ", ".join(project.name for project in PROJECTS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {known}")
    parser.add_argument("--runs", type=_count, default=2, help="how often, on each httpcore")
    default = Path(tempfile.gettempdir()) / "httpcore-suites"
    parser.add_argument("--cache", type=Path, default=default, help=f"default: {default}")
    found = parser.parse_args(arguments)
    try:
        projects = choose_projects(found.names)
    except ValueError as exc:
        parser.error(str(exc))
    return Options(projects, found.runs, found.cache.resolve())


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text!r}")
    return int(text)
