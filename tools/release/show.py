"""The table of what there is to release."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.release import changelog
from tools.release.distribution import Distribution
from tools.release.repository import Repository


@dataclass(frozen=True, slots=True)
class Standing:
    """How a distribution stands.

    Args:
        distribution: Which.
        last_tag: The tag of its last release, if there is one.
        commits: Those that touch its folder since then, the newest first.
    """

    distribution: Distribution
    last_tag: str | None
    commits: tuple[str, ...]


def read_standing(distribution: Distribution, repository: Repository) -> Standing:
    """Ask git how a distribution stands."""
    releases = repository.releases(distribution)
    last_tag = distribution.tag_of(releases[-1]) if releases else None
    commits = repository.commits_since(last_tag, distribution.folder)
    return Standing(distribution, last_tag, tuple(commits))


def format_table(standings: Sequence[Standing]) -> str:
    """Return one line for each distribution, below headings."""
    rows = [("distribution", "version", "last tag", "commits since", "changelog")]
    rows += [
        (
            standing.distribution.name,
            str(standing.distribution.version),
            standing.last_tag or "none",
            str(len(standing.commits)),
            _describe_changelog(standing.distribution.changelog),
        )
        for standing in standings
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def format_commits(standing: Standing) -> str:
    """Return what changed in one distribution, a line for each commit."""
    since = standing.last_tag or "the beginning"
    lines = [f"{standing.distribution.name} since {since}:", *standing.commits]
    return "\n  ".join(lines)


def _describe_changelog(text: str) -> str:
    return "has entries" if changelog.has_entries(text) else "empty"
