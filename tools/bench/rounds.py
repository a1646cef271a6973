"""One scenario: every client once in every round, in an order that rotates."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.bench.cores import Cores, pinned
from tools.bench.measure import Result, Task
from tools.bench.registry import Entry
from tools.bench.scenarios import Scenario
from tools.bench.servers import Servers

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 300.0

# What `import` measures: the statement alone, not the start of the interpreter.
_IMPORT = """\
import sys, time
cpu, wall = time.process_time(), time.perf_counter()
module = __import__(sys.argv[1], fromlist=[sys.argv[2]])
getattr(module, sys.argv[2])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
import json
python = sys.version.split()[0]
version = str(getattr(module, "__version__", python))
print(json.dumps(dict(requests=1, wall=wall, cpu=cpu, version=version, python=python)))
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


def run_scenario(
    scenario: Scenario,
    clients: Sequence[Entry],
    interpreters: Mapping[str, str],
    servers: Servers,
    cores: Cores,
    effort: Effort,
) -> list[Series]:
    """Measure clients in one scenario.

    Args:
        scenario: What they do.
        clients: Who does it.
        interpreters: The path of each client's Python, by the client's name.
        servers: Where they do it.
        cores: On which core.
        effort: How long.

    Returns:
        One series per client, in the order of `clients`. A client that failed once is
        left out of later rounds, and its series says why.
    """
    series = {entry.name: Series(entry.name) for entry in clients}
    for entry in clients:
        if entry.most_idle is not None and scenario.idle > entry.most_idle:
            reason = f"more than {entry.most_idle} idle connections take it minutes"
            series[entry.name].left_out = reason
    for number in range(effort.rounds):
        shift = number % len(clients)
        for entry in (*clients[shift:], *clients[:shift]):
            own = series[entry.name]
            if own.failure is not None or own.left_out is not None:
                continue
            try:
                with pinned(cores.client):
                    result = _run(scenario, entry, interpreters[entry.name], servers, effort)
            except RunFailedError as exc:
                own.failure = str(exc)
            else:
                own.results.append(result)
    return list(series.values())


def _run(
    scenario: Scenario, entry: Entry, python: str, servers: Servers, effort: Effort
) -> Result:
    if scenario.action == "import":
        command = [python, "-c", _IMPORT, entry.module, entry.name_used]
        # The first of the two may have to write byte code, and warms the disk's cache.
        _run_process(command, "")
        return _run_process(command, "")
    task = Task(
        module=entry.module,
        action=scenario.action,
        url={
            "get": servers.small_url,
            "download": servers.large_url,
            "upload": servers.upload_url,
        }[scenario.action],
        expected=scenario.size,
        idle_urls=servers.idle_urls[: scenario.idle],
        threads=scenario.threads,
        timeout=scenario.timeout,
        seconds=effort.seconds,
        requests=effort.requests,
    )
    command = [python, "-m", f"tools.bench.clients.{entry.script}"]
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
        )
    except subprocess.TimeoutExpired:
        raise RunFailedError(f"not done after {RUN_SECONDS:.0f} s") from None
    if done.returncode != 0:
        lines = done.stderr.strip().split("\n")
        raise RunFailedError(lines[-1] or f"exit code {done.returncode}")
    return Result(**json.loads(done.stdout.strip().split("\n")[-1]))


def is_same_python(results: Iterable[Result]) -> bool:
    """Whether all were measured on the Python that runs this."""
    own = sys.version.split()[0]
    return all(result.python == own for result in results)
