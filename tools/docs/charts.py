"""Figures of measured speed: `python -m tools.docs.charts`, after new results were kept.

What is written are bar charts, docs/performance/*.svg, and the tables on
docs/performance.md, each between two marks. All of it follows from the results alone, and a
test fails where it does not.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tools.docs.results import OURS, RAW, Clock, Results
from tools.docs.targets import format_targets

DOCS = Path(__file__).parents[2] / "docs"

_MICRO = 1e6
_BULK_MEGABYTES = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart and its table.

    Charts show the client's CPU time, which other work on the machine disturbs least;
    tables show what passed on the wall as well.

    Args:
        name: That of the file, and of the mark on the page.
        title: What is compared.
        scenarios: What is shown, by what it is called here.
        base: Whose time or speed is 1.
        is_speed: Whether more is better: the base's time as a multiple of the client's.
        longest: Beyond this a bar is cut.
    """

    name: str
    title: str
    scenarios: dict[str, str]
    base: str = RAW
    is_speed: bool = False
    longest: float = 8.0

    def value(
        self, results: Results, scenario: str, client: str, clock: Clock = "cpu"
    ) -> float | None:
        """Return what is shown of a client."""
        if self.is_speed:
            return results.ratio(scenario, self.base, client, clock)
        return results.ratio(scenario, client, self.base, clock)

    def clients(self, results: Results) -> list[str]:
        """Return whom it shows, ours last."""
        found = dict.fromkeys(
            client for scenario in self.scenarios for client in results.clients(scenario)
        )
        return sorted(found, key=lambda client: client == OURS)

    def bars(self, results: Results, scenario: str) -> list[tuple[str, float]]:
        """Return the clients that have something to show in a scenario, and what."""
        found = [(name, self.value(results, scenario, name)) for name in self.clients(results)]
        return [(name, value) for name, value in found if value is not None]


FIGURES = (
    Figure(
        "blocking",
        "CPU time per GET of 2 kB, as a multiple of the raw socket loop's (less is better)",
        {"get-2k": "one connection", "threads-20": "20 threads share a pool"},
    ),
    Figure(
        "asyncio",
        "CPU time per GET of 2 kB on asyncio, as a multiple of the raw loop's (less is better)",
        {
            "asyncio-get-1": "1 at once",
            "asyncio-get-20": "20 at once",
            "asyncio-get-200": "200 at once",
            "asyncio-get-1000": "1,000 at once",
        },
    ),
    Figure(
        "others",
        "CPU time per GET of 2 kB on asyncio, 10 at once, as a multiple of the raw loop's "
        "(less is better)",
        {"asyncio-get-10": "10 at once"},
        longest=16.0,
    ),
    Figure(
        "loops",
        "CPU time per GET of 2 kB, 20 at once, as a multiple of the same library's raw loop's "
        "(less is better)",
        {"uvloop-get-20": "uvloop", "trio-get-20": "trio", "anyio-get-20": "anyio"},
    ),
    Figure(
        "bulk",
        "100 MB per CPU time, as a share of the raw loop's (more is better)",
        {
            "download": "blocking, download",
            "upload": "blocking, upload",
            "asyncio-download": "asyncio, download",
            "asyncio-upload": "asyncio, upload",
        },
        is_speed=True,
        longest=1.2,
    ),
    Figure(
        "http2",
        "GETs of 2 kB per CPU time over HTTP/2, 20 at once on one connection, as a multiple "
        "of httpcore 1.0.9's (more is better)",
        {"http2-get-20": "threads", "asyncio-http2-get-20": "asyncio"},
        base="httpcore-1.0.9",
        is_speed=True,
    ),
)


def draw(figure: Figure, results: Results) -> str:
    """Return a figure's chart, as SVG that is legible by day and by night."""
    groups = [
        (title, figure.bars(results, scenario)) for scenario, title in figure.scenarios.items()
    ]
    shown = [value for _, bars in groups for _, value in bars]
    most = min(max(shown), figure.longest)
    height = 56 + sum(34 + 24 * len(bars) for _, bars in groups)
    description = "; ".join(
        f"{title}: " + ", ".join(f"{client} {value:.2f}" for client, value in bars)
        for title, bars in groups
    )
    size = f'viewBox="0 0 884 {height}" width="884" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_ROLE}>',
        f'<title id="title">{html.escape(figure.title)}</title>',
        f'<desc id="description">{html.escape(description)}</desc>',
        _STYLE,
        f'<rect class="back" width="884" height="{height}" rx="8"/>',
        f'<text class="title" x="20" y="30">{html.escape(figure.title)}</text>',
    ]
    top = 46
    one = _LEFT + _WIDTH / most
    lines.append(f'<path class="one" d="M{one:.1f} {top} V{height - 12}"/>')
    for title, bars in groups:
        lines.append(f'<text class="group" x="20" y="{top + 20}">{html.escape(title)}</text>')
        top += 34
        for client, value in bars:
            lines += _bar(client, value, most, top)
            top += 24
    return "\n".join([*lines, "</svg>", ""])


_LEFT, _WIDTH = 150, 640
_ROLE = 'role="img" aria-labelledby="title description"'
_STYLE = """<style>
  .back { fill: #ffffff; }
  .bar { fill: #9aa3b8; }
  .ours { fill: #3f51b5; }
  .floor { fill: #cfd4e0; }
  .one { stroke: #4a5060; stroke-dasharray: 3 3; }
  text { fill: #1c2130; font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
  .title { font-weight: 600; }
  .group { fill: #4a5060; }
  .client { text-anchor: end; }
  @media (prefers-color-scheme: dark) {
    .back { fill: #1b1e27; }
    .bar { fill: #69728a; }
    .ours { fill: #8c9eff; }
    .floor { fill: #434a5c; }
    .one { stroke: #b4bac8; }
    text { fill: #eceef4; }
    .group { fill: #b4bac8; }
  }
</style>"""


def _bar(client: str, value: float, most: float, top: int) -> Iterator[str]:
    kind = {OURS: "ours", RAW: "floor"}.get(client, "bar")
    width = _WIDTH * min(value, most) / most
    yield f'<text class="client" x="{_LEFT - 8}" y="{top + 13}">{html.escape(client)}</text>'
    yield f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{width:.1f}" height="18" rx="2"/>'
    # A bar that is cut says so.
    more = "" if value <= most else " →"
    yield f'<text x="{_LEFT + width + 6:.1f}" y="{top + 13}">{value:.2f}{more}</text>'


def tabulate(figure: Figure, results: Results) -> str:
    """Return a figure's table: the ratios of CPU times and of walls, and the wall itself."""
    scenarios = figure.scenarios
    lines = [
        f"| | {' | '.join(scenarios.values())} |",
        f"|---|{'---|' * len(scenarios)}",
    ]
    for client in figure.clients(results):
        cells = [_cell(figure, results, scenario, client) for scenario in scenarios]
        lines.append(f"| {_name(results, client)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _name(results: Results, client: str) -> str:
    if client == RAW:
        return "raw loop"
    version = results.version(client)
    name = client if client.endswith(version) else f"{client} {version}"
    return f"**{name}**" if client == OURS else name


def _cell(figure: Figure, results: Results, scenario: str, client: str) -> str:
    by_cpu = figure.value(results, scenario, client)
    by_wall = figure.value(results, scenario, client, "wall")
    if by_cpu is None or by_wall is None:
        return ""
    wall = median(results.times(scenario, client, "wall"))
    is_bulk = scenario.endswith(("download", "upload"))
    shown = f"{_BULK_MEGABYTES / wall:,.0f} MB/s" if is_bulk else f"{wall * _MICRO:,.0f} us"
    return f"{by_cpu:.2f}; {by_wall:.2f} ({shown})"


def describe_runs(results: Results) -> str:
    """Return a table of the runs: when, where, and how busy that was."""
    lines = [
        "| run | when (UTC) | Python | processor | server | load before |",
        "|---|---|---|---|---|---|",
    ]
    for name, report in results.reports.items():
        load = re.search(r"[\d.]+", report["busy"] or "below 0.5")
        assert load is not None
        when = report["date"].replace("T", " ")[:16]
        facts = (when, report["python"], report["processor"], report["server"], load[0])
        lines.append(f"| {name} | {' | '.join(facts)} |")
    return "\n".join(lines)


def render(page: str, results: Results) -> str:
    """Return the page with tables that say what the results say."""
    tables = {figure.name: tabulate(figure, results) for figure in FIGURES}
    tables |= {"runs": describe_runs(results), "targets": format_targets(results)}
    for name, table in tables.items():
        begin, end = f"<!-- table: {name} -->", "<!-- end -->"
        before, found, rest = page.partition(begin)
        assert found, f"the page has no place for the table {name}"
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return page


def main() -> None:
    """Write the charts and the tables."""
    results = Results.read(DOCS / "performance")
    page = DOCS / "performance.md"
    page.write_text(render(page.read_text("utf-8"), results), "utf-8")
    for figure in FIGURES:
        chart = DOCS / "performance" / f"{figure.name}.svg"
        chart.write_text(draw(figure, results), "utf-8")


if __name__ == "__main__":
    main()
