"""What the bench has measured, as it was kept: the files of docs/performance."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal, TypedDict

OURS = "httpcore"
"""This one."""

RAW = "raw"
"""The client that ratios refer to, where none is named."""


Clock = Literal["wall", "cpu"]
"""What is counted: the time that passes, or that which the client's process computes."""


class Turn(TypedDict):
    """What one client did in one round; times in seconds."""

    version: str
    requests: int
    wall: float
    cpu: float


class Series(TypedDict):
    """What one client did in one scenario."""

    client: str
    results: list[Turn]
    left_out: str | None
    failure: str | None


class Scenario(TypedDict):
    """One scenario, and who took part."""

    scenario: str
    title: str
    series: list[Series]


class Report(TypedDict):
    """One run of the bench."""

    date: str
    python: str
    machine: str
    processor: str
    server: str
    cores: str
    busy: str | None
    scenarios: list[Scenario]


@dataclass(frozen=True, slots=True)
class Results:
    """All that was kept.

    Args:
        reports: The runs, by the name of their file.
    """

    reports: dict[str, Report]

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """Read the files of a folder."""
        paths = sorted(folder.glob("*.json"))
        return cls({path.stem: json.loads(path.read_text("utf-8")) for path in paths})

    def scenario(self, name: str) -> Scenario:
        """Return a scenario; each was run once.

        Raises:
            KeyError: There is none of that name.
        """
        for report in self.reports.values():
            for scenario in report["scenarios"]:
                if scenario["scenario"] == name:
                    return scenario
        raise KeyError(name)

    def clients(self, scenario: str) -> list[str]:
        """Return who has results, in the bench's order."""
        return [one["client"] for one in self.scenario(scenario)["series"] if one["results"]]

    def version(self, client: str) -> str:
        """Return the version of a client that was measured."""
        for report in self.reports.values():
            for scenario in report["scenarios"]:
                for one in scenario["series"]:
                    if one["client"] == client and one["results"]:
                        return one["results"][0]["version"]
        raise KeyError(client)

    def times(self, scenario: str, client: str, clock: Clock) -> list[float]:
        """Return the seconds per request of each round; none if it took no part."""
        return [
            turn[clock] / turn["requests"]
            for one in self.scenario(scenario)["series"]
            if one["client"] == client
            for turn in one["results"]
        ]

    def ratio(self, scenario: str, client: str, base: str, clock: Clock) -> float | None:
        """Return the time per request as a multiple of another's, the rounds' median."""
        return ratio(self.times(scenario, client, clock), self.times(scenario, base, clock))


def ratio(values: Sequence[float], bases: Sequence[float]) -> float | None:
    """Return the median of the rounds' own ratios; None where there is nothing to compare."""
    pairs = list(zip(values, bases, strict=False))
    return median(value / base for value, base in pairs) if pairs else None
