"""One scenario, or a few: every client once in every round, in an order that rotates."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.bench.cores import Cores, pinned
from tools.bench.registry import Entry
from tools.bench.scenarios import Scenario
from tools.bench.servers import Servers
from tools.bench.task import Result, Task

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 300.0

# What `import` measures: the statement alone, not the start of the interpreter.
_IMPORT = """\
import sys, time
cpu, wall = time.process_time(), time.perf_counter()
module = __import__(sys.argv[1], fromlist=[sys.argv[2]])
getattr(module, sys.argv[2])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
from tools.bench.task import Timing, print_result
print_result(sys.argv[1], Timing(1, wall, cpu))
"""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure.

    Args:
        rounds: How often each client takes its turn.
        seconds: How long a turn takes, warm-up aside.
        requests: How many requests a turn has instead; None: as many as fit.
    """

    rounds: int = 5
    seconds: float = 0.3
    requests: int | None = None


@dataclass(slots=True)
class Series:
    """The results of one client in one scenario, one per round.

    `failure` says why there are none or not all of them, `left_out` why the client
    was not even asked.
    """

    client: str
    results: list[Result] = field(default_factory=list)
    failure: str | None = None
    left_out: str | None = None


class RunFailedError(Exception):
    """A client's process failed; the message is the last line it wrote."""


def run_scenarios(
    scenarios: Sequence[Scenario],
    clients: Sequence[Entry],
    interpreters: Mapping[str, str],
    servers: Servers,
    cores: Cores,
    effort: Effort,
) -> list[list[Series]]:
    """Measure clients in scenarios, all of these in every round.

    Args:
        scenarios: What they do.
        clients: Who does it.
        interpreters: The path of each client's Python, by the client's name.
        servers: Where they do it.
        cores: On which core.
        effort: How long.

    Returns:
        For each scenario one series per client that takes part in it, in the order of
        `clients`. A client that failed once is left out of later rounds, and its series
        says why.
    """
    turns = [_take_turns(scenario, clients) for scenario in scenarios]
    for number in range(effort.rounds):
        for scenario, taking_turns in zip(scenarios, turns, strict=True):
            shift = number % max(1, len(taking_turns))
            for entry, script, own in (*taking_turns[shift:], *taking_turns[:shift]):
                if own.failure is not None or own.left_out is not None:
                    continue
                try:
                    with pinned(cores.client):
                        python = interpreters[entry.name]
                        result = _run(scenario, entry, script, python, servers, effort)
                except RunFailedError as exc:
                    own.failure = str(exc)
                else:
                    own.results.append(result)
    return [[own for _, _, own in taking_turns] for taking_turns in turns]


def _take_turns(
    scenario: Scenario, clients: Sequence[Entry]
) -> list[tuple[Entry, str, Series]]:
    """Return those who take part, with their scripts and what becomes their results."""
    return [
        (entry, script, Series(entry.name, left_out=entry.find_objection(scenario)))
        for entry in clients
        if (script := entry.find_script(scenario)) is not None
    ]


def _run(
    scenario: Scenario,
    entry: Entry,
    script: str,
    python: str,
    servers: Servers,
    effort: Effort,
) -> Result:
    if scenario.action == "import":
        command = [python, "-c", _IMPORT, entry.module, entry.name_used]
        # The first of the two may have to write byte code, and warms the disk's cache.
        _run_process(command, "")
        return _run_process(command, "")
    encrypted = servers.http2 if scenario.is_encrypted else None
    if scenario.is_encrypted and encrypted is None:
        raise RunFailedError("without nginx nothing here speaks TLS or HTTP/2")
    urls = encrypted or servers
    task = Task(
        module=entry.module,
        action=scenario.action,
        url={
            "get": urls.small_url,
            "download": urls.large_url,
            "upload": urls.upload_url,
        }[scenario.action],
        expected=scenario.size,
        loop=scenario.loop,
        idle_urls=servers.idle_urls[: scenario.idle],
        at_once=scenario.at_once,
        timeout=scenario.timeout,
        seconds=effort.seconds,
        requests=effort.requests,
        authority=None if encrypted is None else encrypted.authority,
        http2=scenario.http2,
    )
    command = [python, "-m", f"tools.bench.clients.{script}"]
    return _run_process(command, json.dumps(asdict(task)))


def _run_process(command: list[str], text: str) -> Result:
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
            cwd=ROOT,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise RunFailedError(f"not done after {RUN_SECONDS:.0f} s") from None
    if done.returncode != 0:
        lines = done.stderr.strip().split("\n")
        raise RunFailedError(lines[-1] or f"exit code {done.returncode}")
    return Result(**json.loads(done.stdout.strip().split("\n")[-1]))


def _environment() -> dict[str, str]:
    """Return this process's environment without proxies, which some clients look for."""
    return {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }


def is_same_ground(series: Iterable[Series]) -> bool:
    """Whether all ran on the Python that runs this, and on one version of their loop."""
    results = [result for one in series for result in one.results]
    own = sys.version.split()[0]
    pythons = {own, *(result.python for result in results)}
    return len(pythons) == 1 and len({result.loop for result in results}) <= 1
