"""The command line of the bench."""

import datetime
import json
import platform
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from types import FrameType

from tools.bench.cores import Cores, choose_cores, describe_load, describe_processor
from tools.bench.flatness import format_flatness, measure_flatness
from tools.bench.options import Options, parse
from tools.bench.registry import Entry, InterpreterMissingError, find_interpreter
from tools.bench.report import format_table, to_json
from tools.bench.rounds import Effort, Series, is_same_ground, run_scenarios
from tools.bench.scenarios import Scenario
from tools.bench.servers import ServerError, Servers, running_servers

Done = list[tuple[Scenario, list[Series]]]
"""Scenarios and what was measured in them."""


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


def run(options: Options) -> int:
    """Measure, and print each scenario's table as it is done."""
    began = datetime.datetime.now(datetime.UTC)
    cores, busy = choose_cores(), describe_load()
    scenarios = [scenario for family in options.scenarios for scenario in family]
    interpreters, missing = _find_interpreters(options.clients, scenarios)
    for name, reason in missing.items():
        print(f"{name}: left out: {reason}", file=sys.stderr)
    idle = max(scenario.idle for scenario in scenarios)
    at_once = max(scenario.at_once for scenario in scenarios)
    with running_servers(cores.server, idle, at_once) as servers:
        print(f"Python {platform.python_version()}; {servers.name}; {cores.describe()}")
        print(_describe(options.effort))
        if busy is not None:
            print(busy)
        print(flush=True)
        families: list[Done] = []
        for done in _measure(options, interpreters, servers, cores):
            _print_family(done)
            families.append(done)
        server = servers.name
    if options.json_path is not None:
        report = {
            "date": began.isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "machine": platform.platform(),
            "processor": describe_processor(),
            "effort": asdict(options.effort),
            "server": server,
            "cores": cores.describe(),
            "busy": busy,
            "left_out": missing,
            "scenarios": [to_json(*pair) for done in families for pair in done],
            "flatness": {
                done[0][0].family: flatness
                for done in families
                if (flatness := measure_flatness(done))
            },
        }
        options.json_path.write_text(json.dumps(report, indent=2) + "\n")
    everything = [one for done in families for _, series in done for one in series]
    return 1 if missing or any(one.failure for one in everything) else 0


def _find_interpreters(
    clients: Iterable[Entry], scenarios: Sequence[Scenario]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the interpreters by client, and the reasons of those that have none.

    Clients that take part in none of the scenarios are left out without a word: who
    asks for async ones means no blocking clients.
    """
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for entry in clients:
        if not any(entry.find_script(scenario) for scenario in scenarios):
            continue
        try:
            found[entry.name] = find_interpreter(entry)
        except InterpreterMissingError as exc:
            missing[entry.name] = str(exc)
    return found, missing


def _measure(
    options: Options, interpreters: dict[str, str], servers: Servers, cores: Cores
) -> Iterator[Done]:
    """Measure one family after the other."""
    clients = [entry for entry in options.clients if entry.name in interpreters]
    for family in options.scenarios:
        series = run_scenarios(family, clients, interpreters, servers, cores, options.effort)
        yield list(zip(family, series, strict=True))


def _print_family(done: Done) -> None:
    for scenario, series in done:
        print(format_table(scenario, series))
        if not is_same_ground(series):
            print("  Some ran on another version of Python, or of what runs them: see --json.")
        print(flush=True)
    flatness = measure_flatness(done)
    if flatness:
        family = done[0][0].family or ""
        print(format_flatness(family, flatness), end="\n\n", flush=True)


def _describe(effort: Effort) -> str:
    turn = f"{effort.requests} requests" if effort.requests else f"{effort.seconds:g} s"
    return (
        f"{effort.rounds} rounds of {turn} each; medians of the rounds' means per request; "
        "ratios are taken round by round\n"
        "x raw: times (bulk: speed) as a multiple of the raw loop's; "
        "vs a client: throughput as a multiple of that client's"
    )


def _exit(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
