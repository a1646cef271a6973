"""How the time per request grows with the number of requests at once."""

from collections.abc import Mapping, Sequence

from tools.bench.report import format_line, ratio_of_walls
from tools.bench.rounds import Series
from tools.bench.scenarios import Scenario

BASE = 20
"""Requests at once that the others are compared with: as many as keep a client busy."""


def measure_flatness(
    done: Sequence[tuple[Scenario, Sequence[Series]]],
) -> dict[str, dict[int, float]]:
    """Compare each client with itself, over scenarios of one family.

    Returns:
        By client and number at once, from `BASE` on: the time per request as a multiple
        of that at `BASE`, the median over the rounds. Empty where there is nothing to
        compare.
    """
    by_number = {scenario.at_once: series for scenario, series in done}
    bases = {one.client: one for one in by_number.pop(BASE, ())}
    flatness: dict[str, dict[int, float]] = {}
    for number, series in sorted(by_number.items()):
        for one in series:
            ratio = ratio_of_walls(one, bases[one.client]) if one.client in bases else None
            if ratio is not None and number > BASE:
                flatness.setdefault(one.client, {})[number] = ratio
    return flatness


def format_flatness(family: str, flatness: Mapping[str, Mapping[int, float]]) -> str:
    """Lay out a family's flatness: a row per client, a column per number at once."""
    numbers = sorted({number for ratios in flatness.values() for number in ratios})
    title = f"{family}: time per request, as a multiple of that of {BASE} at once"
    lines = [title, format_line("client", *(f"{number:,}" for number in numbers))]
    for client, ratios in flatness.items():
        cells = (f"{ratios[number]:.2f}" if number in ratios else "-" for number in numbers)
        lines.append(format_line(client, *cells))
    return "\n".join(lines)
