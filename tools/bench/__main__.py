"""The command line of the bench."""

import argparse
import json
import math
import platform
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tools.bench.cores import choose_cores, describe_load
from tools.bench.registry import (
    CLIENTS,
    FLOOR,
    Entry,
    InterpreterMissingError,
    find_interpreter,
)
from tools.bench.report import format_table, to_json
from tools.bench.rounds import Effort, Series, is_same_python, run_scenario
from tools.bench.scenarios import SCENARIOS, Scenario, find_scenario
from tools.bench.servers import ServerError, running_servers


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    scenarios: tuple[Scenario, ...]
    clients: tuple[Entry, ...]
    effort: Effort
    json_path: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; return 1 if a client or a server failed, else 0."""
    options = parse(arguments)
    # A terminated bench stops its servers as an interrupted one does.
    signal.signal(signal.SIGTERM, _exit)
    try:
        return run(options)
    except ServerError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line; leave by SystemExit where it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure HTTP clients against the raw socket loop of the same run.",
    )
    names = ", ".join(scenario.name for scenario in SCENARIOS)
    parser.add_argument(
        "scenarios", nargs="*", type=_scenario, help=f"all, or: {names}, idle-N"
    )
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
    found = parser.parse_args(arguments)
    try:
        clients = choose_clients(found.clients)
    except ValueError as exc:
        parser.error(str(exc))
    return Options(
        scenarios=tuple(found.scenarios) or SCENARIOS,
        clients=clients,
        effort=Effort(found.rounds, found.seconds, found.requests),
        json_path=found.json,
    )


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


def run(options: Options) -> int:
    """Measure, and print each scenario's table as it is done."""
    cores, busy = choose_cores(), describe_load()
    interpreters, missing = _find_interpreters(options.clients)
    idle = max(scenario.idle for scenario in options.scenarios)
    done: list[tuple[Scenario, list[Series]]] = []
    with running_servers(cores.server, idle) as servers:
        print(f"Python {platform.python_version()}; {servers.name}; {cores.describe()}")
        print(_describe(options.effort))
        if busy is not None:
            print(busy)
        print(flush=True)
        for name, reason in missing.items():
            print(f"{name}: left out: {reason}", file=sys.stderr)
        clients = [entry for entry in options.clients if entry.name in interpreters]
        for scenario in options.scenarios:
            series = run_scenario(
                scenario, clients, interpreters, servers, cores, options.effort
            )
            done.append((scenario, series))
            print(format_table(scenario, series), end="\n\n", flush=True)
        server = servers.name
    everything = [one for _, series in done for one in series]
    if not is_same_python(result for one in everything for result in one.results):
        print("Some clients ran on another version of Python: see --json.")
    if options.json_path is not None:
        report = {
            "python": platform.python_version(),
            "machine": platform.platform(),
            "server": server,
            "cores": cores.describe(),
            "busy": busy,
            "scenarios": [to_json(*pair) for pair in done],
        }
        options.json_path.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if missing or any(one.failure for one in everything) else 0


def _find_interpreters(clients: Iterable[Entry]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the interpreters by client, and the reasons of those that have none."""
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for entry in clients:
        try:
            found[entry.name] = find_interpreter(entry)
        except InterpreterMissingError as exc:
            missing[entry.name] = str(exc)
    return found, missing


def _describe(effort: Effort) -> str:
    turn = f"{effort.requests} requests" if effort.requests else f"{effort.seconds:g} s"
    return (
        f"{effort.rounds} rounds of {turn} each; medians of the rounds' means per request; "
        "ratios are taken round by round"
    )


def _scenario(name: str) -> Scenario:
    try:
        return find_scenario(name)
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


def _exit(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
