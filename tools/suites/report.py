"""Comparisons as Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.suites.comparison import Comparison, count
from tools.suites.junit import Outcome, Outcomes
from tools.suites.projects import RIVAL, Project

_SHOWN: tuple[Outcome, ...] = ("passed", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Row:
    """A project, and what became of its tests.

    Args:
        project: Which.
        comparison: Of its runs; None: there are none.
        reason: Why there are none.
    """

    project: Project
    comparison: Comparison | None = None
    reason: str = ""


def format_table(rows: Sequence[Row], version: str) -> str:
    """Lay out a line for each project: how many passed, failed and were skipped."""
    heads = ("project", "version", f"on httpcore {RIVAL}", f"on {version}", "differ")
    return "\n".join(
        [_format_line(*heads), _format_line(*["---"] * len(heads)), *map(_format_row, rows)]
    )


def format_differences(rows: Sequence[Row]) -> str:
    """List what differs, and what does by itself, by name; empty where nothing does."""
    return "\n".join(line for row in rows for line in _describe(row))


def _format_row(row: Row) -> str:
    project = row.project
    if row.comparison is None:
        return _format_line(project.name, project.version, row.reason, "", "")
    found = row.comparison
    counts = (_format_counts(found.before), _format_counts(found.after))
    return _format_line(project.name, project.version, *counts, str(len(found.differences)))


def _format_counts(outcomes: Outcomes) -> str:
    counts = {outcome: count(outcomes, outcome) for outcome in _SHOWN}
    return ", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number)


def _format_line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _describe(row: Row) -> Iterator[str]:
    if row.comparison is not None:
        for one in row.comparison.differences:
            yield f"- {row.project.name}: `{one.test}`: {one.before}, now {one.after}"
        for test in row.comparison.unsteady:
            yield f"- {row.project.name}: `{test}`: not always the same"
    for name, reason in row.project.left_out.items():
        yield f"- {row.project.name}: `{name}` left out: {reason}"
