"""The command line of the suites."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpcore
from tools.proof.claim import ProofError
from tools.proof.wheels import Wheels
from tools.release.error import ReleaseError
from tools.suites.comparison import Comparison, compare
from tools.suites.environments import build_wheels, make_ours, make_rival
from tools.suites.options import Options, parse
from tools.suites.projects import Project
from tools.suites.report import Row, format_differences, format_table
from tools.suites.runs import RunError, can_be_offline, run_tests
from tools.suites.sources import SourceError, fetch_tests


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites; return 1 if one could not be run, or differs, else 0."""
    options = parse(arguments)
    try:
        return run(options)
    except ReleaseError as exc:
        print(f"suites: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(options: Options) -> int:
    """Run what was asked for, and print the table."""
    if not can_be_offline():
        print("suites: no network can be kept from tests here", file=sys.stderr)
    options.cache.mkdir(parents=True, exist_ok=True)
    wheels = build_wheels(options.cache)
    rows = []
    failed = False
    for project in options.projects:
        print(f"suites: {project.name} {project.version}", file=sys.stderr, flush=True)
        try:
            rows.append(_run_project(project, options, wheels))
        except (ProofError, RunError, SourceError) as exc:
            # A line of the table has room for the end of what was said.
            reason = " ".join(str(exc).split())[-400:]
            print(f"suites: {project.name}: {reason}", file=sys.stderr)
            rows.append(Row(project, reason=reason))
            failed = True
    print(format_table(rows, httpcore.__version__))
    differences = format_differences(rows)
    if differences:
        print(f"\n{differences}")
    differs = any(row.comparison and row.comparison.differences for row in rows)
    return 1 if failed or differs else 0


def _run_project(project: Project, options: Options, wheels: Wheels) -> Row:
    folder = fetch_tests(project, options.cache)
    if folder is None or project.needs is None:
        assert folder is None, f"{project.name} has tests"
        return Row(project, reason="no tests in the source distribution")
    theirs = make_rival(project, options.cache)
    ours = make_ours(project, options.cache, wheels)
    return Row(project, _compare(project, options, folder, theirs, ours))


def _compare(
    project: Project, options: Options, folder: Path, theirs: Path, ours: Path
) -> Comparison:
    # In turns, so that what drifts meets both.
    runs = [
        [run_tests(project, folder, python, report) for python, report in pair]
        for pair in _pair(project, options, theirs, ours)
    ]
    return compare([before for before, _ in runs], [after for _, after in runs])


def _pair(
    project: Project, options: Options, theirs: Path, ours: Path
) -> Iterator[tuple[tuple[Path, Path], tuple[Path, Path]]]:
    reports = options.cache / "reports"
    reports.mkdir(exist_ok=True)
    for turn in range(options.runs):
        before = reports / f"{project.name}-on-1.x-{turn + 1}.xml"
        after = reports / f"{project.name}-on-this-{turn + 1}.xml"
        yield (theirs, before), (ours, after)


if __name__ == "__main__":
    sys.exit(main())
