"""The clients that can be measured.

To add one: a script in `clients/`, an environment `peer-<name>` in hatch.toml
unless the default one has what it needs, and an entry here.
"""

import subprocess
import sys
from dataclasses import dataclass

CREATE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A client: which script drives it, and which environment it lives in.

    Args:
        name: As it stands in the tables and after `--clients`.
        script: The module in `tools.bench.clients`.
        module: What a user of the client imports.
        name_used: What a user takes from that module first: where names are resolved
            lazily, the module alone says nothing about the time to import it.
        env: The hatch environment; None: the one that runs the bench.
        most_idle: Idle connections beyond which it is left out; None: never.
    """

    name: str
    script: str
    module: str
    name_used: str
    env: str | None = None
    most_idle: int | None = None


# httpcore 1.0.9 looks at all connections for each of them: with 1,000 a request
# takes 300 ms, and opening them takes minutes.
CLIENTS = (
    Entry("raw", "raw", "socket", "socket"),
    Entry("http.client", "standard_library", "http.client", "HTTPConnection"),
    Entry(
        "httpcore-1.0.9",
        "httpcore_pool",
        "httpcore",
        "ConnectionPool",
        "peer-httpcore1",
        most_idle=300,
    ),
    Entry("httpcore2", "httpcore_pool", "httpcore2", "ConnectionPool", "peer-httpcore2"),
    Entry("httpcore", "httpcore_pool", "httpcore", "ConnectionPool"),
)

FLOOR = "raw"
"""The client that ratios refer to."""


class InterpreterMissingError(Exception):
    """The environment of a client could not be made; the message says why."""


def find_interpreter(entry: Entry) -> str:
    """Return the path of a client's Python, and make its environment if it is missing.

    Raises:
        InterpreterMissingError: hatch is not there, or failed to make the environment.
    """
    if entry.env is None:
        return sys.executable
    # `run` creates the environment and brings its requirements up to date.
    code = "import sys; print(sys.executable)"
    command = ["hatch", "-e", entry.env, "run", "python", "-c", code]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CREATE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise InterpreterMissingError(f"no environment {entry.env}: {exc}") from exc
    lines = done.stdout.split("\n")
    paths = [line.strip() for line in lines if line.strip()]
    if done.returncode != 0 or not paths:
        reason = " ".join((done.stderr or done.stdout).split())[-200:]
        raise InterpreterMissingError(f"no environment {entry.env}: {reason}")
    return paths[-1]
