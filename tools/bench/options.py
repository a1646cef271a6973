"""What the command line of the bench asks for."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.bench.registry import CLIENTS, FLOOR, Entry
from tools.bench.rounds import Effort
from tools.bench.scenarios import GROUPS, MOST, NAMES, SCENARIOS, Scenario, find_scenarios


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for.

    Args:
        scenarios: What is measured; those of one family together.
        clients: Who may take part.
        effort: How long to measure.
        json_path: Where every result is written; None: nowhere.
    """

    scenarios: tuple[tuple[Scenario, ...], ...]
    clients: tuple[Entry, ...]
    effort: Effort
    json_path: Path | None


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line; leave by SystemExit where it makes no sense."""
    parser = _make_parser()
    found = parser.parse_args(arguments)
    try:
        clients = choose_clients(found.clients)
    except ValueError as exc:
        parser.error(str(exc))
    asked: list[tuple[Scenario, ...]] = found.scenarios or [SCENARIOS]
    return Options(
        scenarios=_gather([scenario for group in asked for scenario in group]),
        clients=clients,
        effort=Effort(found.rounds, found.seconds, found.requests),
        json_path=found.json,
    )


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure HTTP clients against the raw socket loop of the same run.",
    )
    names = f"{', '.join(NAMES)}; N: 1 to {MOST:,}; groups: {', '.join(GROUPS)}"
    parser.add_argument("scenarios", nargs="*", type=_scenarios, help=f"default: all; {names}")
    known = ", ".join(entry.name for entry in CLIENTS)
    parser.add_argument(
        "--clients", help=f"names with commas between; {FLOOR} is always run; all: {known}"
    )
    defaults = Effort()
    parser.add_argument("--rounds", type=_count, default=defaults.rounds)
    parser.add_argument(
        "--seconds", type=_seconds, default=defaults.seconds, help="how long a turn takes"
    )
    parser.add_argument("--requests", type=_count, help="how many a turn has, instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every result there")
    return parser


def choose_clients(names: str | None) -> tuple[Entry, ...]:
    """Return the named clients, the floor first; all of them for None.

    Raises:
        ValueError: No client has one of the names.
    """
    if names is None:
        return CLIENTS
    by_name = {entry.name: entry for entry in CLIENTS}
    chosen = {FLOOR: by_name[FLOOR]}
    for name in filter(None, names.split(",")):
        if name not in by_name:
            raise ValueError(f"no client {name!r}; there are {', '.join(by_name)}")
        chosen[name] = by_name[name]
    return tuple(chosen.values())


def _gather(scenarios: Sequence[Scenario]) -> tuple[tuple[Scenario, ...], ...]:
    """Put scenarios of a family together, where the first of them is; each only once."""
    families: dict[str, dict[Scenario, None]] = {}
    for scenario in scenarios:
        families.setdefault(scenario.family or scenario.name, {})[scenario] = None
    return tuple(map(tuple, families.values()))


def _scenarios(name: str) -> tuple[Scenario, ...]:
    try:
        return find_scenarios(name)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"seconds, more than 0, not {text!r}")
    return seconds
