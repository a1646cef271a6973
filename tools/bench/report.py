"""Medians and ratios of what was measured, as a table and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from tools.bench.registry import FLOOR
from tools.bench.rounds import Series
from tools.bench.scenarios import Scenario

_MICRO = 1e6
_MILLI = 1e3
_MEGA = 1e6


@dataclass(frozen=True, slots=True)
class Row:
    """One client in one scenario, over all rounds; times are seconds per request.

    A ratio is the median of the rounds' own ratios, not the ratio of two medians:
    what slows a whole round down is then in both of its terms.

    Args:
        client: The client's name.
        version: Its version.
        wall: Median of the rounds' means of wall time.
        least: The least of them.
        cpu: Median of the rounds' means of the client's CPU time.
        wall_ratio: Wall time as a multiple of the raw loop's; None: it was not run.
        cpu_ratio: CPU time likewise.
        rival_ratio: Throughput as a multiple of the rival's; None: that was not run.
    """

    client: str
    version: str
    wall: float
    least: float
    cpu: float
    wall_ratio: float | None
    cpu_ratio: float | None
    rival_ratio: float | None


def summarise(scenario: Scenario, series: Sequence[Series]) -> list[Row]:
    """Make a row of each client that has results."""
    floor = _find(series, FLOOR)
    rival = _find(series, scenario.rival)
    return [
        Row(
            client=one.client,
            version=one.results[0].version,
            wall=median(_walls(one)),
            least=min(_walls(one)),
            cpu=median(_cpus(one)),
            wall_ratio=ratio_of_walls(one, floor),
            cpu_ratio=_ratio(_cpus(one), _cpus(floor)),
            rival_ratio=ratio_of_walls(rival, one),
        )
        for one in series
        if one.results
    ]


def _find(series: Sequence[Series], client: str | None) -> Series:
    """Return a client's series; one without results if it was not run."""
    return next((one for one in series if one.client == client), Series(client or ""))


def ratio_of_walls(series: Series, base: Series) -> float | None:
    """Return the wall time per request as a multiple of another's, the rounds' median."""
    return _ratio(_walls(series), _walls(base))


def _walls(series: Series) -> list[float]:
    return [result.wall / result.requests for result in series.results]


def _cpus(series: Series) -> list[float]:
    return [result.cpu / result.requests for result in series.results]


def _ratio(values: Sequence[float], bases: Sequence[float]) -> float | None:
    # A client that failed midway has fewer rounds; the other's surplus is left out.
    pairs = [(value, base) for value, base in zip(values, bases, strict=False) if base]
    return median(value / base for value, base in pairs) if pairs else None


def format_table(scenario: Scenario, series: Sequence[Series]) -> str:
    """Lay out a scenario's rows; bulk transfers by speed, the others by time."""
    if scenario.is_bulk:
        heads = ["MB/s", "x raw", "best", "cpu ms", "x raw"]
    elif scenario.action == "import":
        heads = ["wall ms", "", "least", "cpu ms", ""]
    else:
        heads = ["wall us", "x raw", "least", "cpu us", "x raw"]
    rows = summarise(scenario, series)
    has_rival = any(row.rival_ratio is not None for row in rows)
    if has_rival:
        heads.append(f"vs {scenario.rival}")
    lines = [f"{scenario.name}: {scenario.title}", format_line("client", *heads)]
    for row in rows:
        name = row.client if row.client.endswith(row.version) else f"{row.client} {row.version}"
        rival = [_times(row.rival_ratio)] if has_rival else []
        lines.append(format_line(name, *_cells(scenario, row), *rival))
    lines += [f"  {one.client}: failed: {one.failure}" for one in series if one.failure]
    lines += [f"  {one.client}: left out: {one.left_out}" for one in series if one.left_out]
    return "\n".join(lines)


def _cells(scenario: Scenario, row: Row) -> list[str]:
    if scenario.is_bulk:
        speed = scenario.size / row.wall / _MEGA
        best = scenario.size / row.least / _MEGA
        # The raw loop's speed is 1.00, and a slower client's below it.
        share = 1 / row.wall_ratio if row.wall_ratio else None
        cpu = f"{row.cpu * _MILLI:.1f}"
        return [f"{speed:,.0f}", _times(share), f"{best:,.0f}", cpu, _times(row.cpu_ratio)]
    if scenario.action == "import":
        times = [f"{value * _MILLI:.1f}" for value in (row.wall, row.least, row.cpu)]
        return [times[0], "", times[1], times[2], ""]
    times = [f"{value * _MICRO:,.1f}" for value in (row.wall, row.least, row.cpu)]
    return [times[0], _times(row.wall_ratio), times[1], times[2], _times(row.cpu_ratio)]


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def format_line(name: str, *cells: str) -> str:
    """Lay out a line of a table."""
    return f"  {name:<20}" + "".join(f"{cell:>11}" for cell in cells)


def to_json(
    scenario: Scenario, series: Sequence[Series]
) -> dict[str, str | list[dict[str, object]]]:
    """Return a scenario's rows, every round's results and the failures."""
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "rows": [asdict(row) for row in summarise(scenario, series)],
        "series": [asdict(one) for one in series],
    }
