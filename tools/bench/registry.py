"""The clients that can be measured.

To add one: a script in `clients/` for each colour that it has, an environment
`peer-<name>` in hatch.toml unless the default one has what it needs, and an entry here.
"""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.bench.scenarios import Scenario
from tools.bench.task import Loop

CREATE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A client: which scripts drive it, and which environment it lives in.

    Args:
        name: As it stands in the tables and after `--clients`.
        module: What a user of the client imports.
        name_used: What a user takes from that module first: where names are resolved
            lazily, the module alone says nothing about the time to import it.
        env: The hatch environment; None: the one that runs the bench.
        script: The module in `tools.bench.clients` that blocks; None: it cannot.
        loops: The modules there that do not, by what they are run on.
        most_idle: Idle connections beyond which it is left out; None: never.
        most_threads: Threads at once likewise.
        most_tasks: Tasks at once likewise.
        http2: Whether it takes part in scenarios of HTTP/2, and of TLS.
        http2_upload: Whether it can send large bodies over that.
    """

    name: str
    module: str
    name_used: str
    env: str | None = None
    script: str | None = None
    loops: Mapping[Loop, str] = field(default_factory=dict)
    most_idle: int | None = None
    most_threads: int | None = None
    most_tasks: int | None = None
    http2: bool = False
    http2_upload: bool = True

    def find_script(self, scenario: Scenario) -> str | None:
        """Return the script for a scenario; None: it takes no part in it."""
        if scenario.is_encrypted and not self.http2:
            return None
        return self.script if scenario.loop is None else self.loops.get(scenario.loop)

    def find_objection(self, scenario: Scenario) -> str | None:
        """Return why it is left out of a scenario that it could take part in, or None."""
        if scenario.http2 and scenario.action == "upload" and not self.http2_upload:
            return "it copies what is left of a body for every frame, which takes minutes"
        if self.most_idle is not None and scenario.idle > self.most_idle:
            return f"more than {self.most_idle} idle connections take it minutes"
        if scenario.loop is None:
            if self.most_threads is not None and scenario.at_once > self.most_threads:
                return f"not more than {self.most_threads} thread can use one of it"
        elif self.most_tasks is not None and scenario.at_once > self.most_tasks:
            return f"more than {self.most_tasks} requests at once take it minutes"
        return None


def _on(script: str, *loops: Loop) -> dict[Loop, str]:
    return dict.fromkeys(loops, script)


_ASYNCIO: tuple[Loop, ...] = ("asyncio", "uvloop")
_ANYIO: tuple[Loop, ...] = ("anyio", "anyio-trio")

# httpcore 1.0.9 looks at all connections, and at all requests, for each of them: with
# 1,000 idle connections a request takes 300 ms, and opening them takes minutes.
CLIENTS = (
    Entry(
        "raw",
        "socket",
        "socket",
        script="raw",
        loops={
            **_on("raw_asyncio", *_ASYNCIO),
            **_on("raw_trio", "trio"),
            **_on("raw_anyio", *_ANYIO),
        },
    ),
    Entry("http.client", "http.client", "HTTPConnection", script="standard_library"),
    Entry("urllib3", "urllib3", "PoolManager", "peer-urllib3", script="urllib3_pool"),
    Entry("requests", "requests", "Session", "peer-requests", script="requests_session"),
    Entry(
        "niquests",
        "niquests",
        "Session",
        "peer-niquests",
        script="requests_session",
        loops=_on("niquests_async_session", *_ASYNCIO),
    ),
    Entry("pycurl", "pycurl", "Curl", "peer-pycurl", script="pycurl_handle", most_threads=1),
    Entry(
        "httpx",
        "httpx",
        "Client",
        "peer-httpx",
        script="httpx_client",
        loops=_on("httpx_async_client", *_ASYNCIO),
        most_idle=300,
        most_tasks=200,
        http2=True,
        http2_upload=False,
    ),
    Entry(
        "pyreqwest",
        "pyreqwest.client",
        "SyncClientBuilder",
        "peer-pyreqwest",
        script="pyreqwest_client",
        loops=_on("pyreqwest_async_client", *_ASYNCIO),
    ),
    Entry(
        "aiohttp",
        "aiohttp",
        "ClientSession",
        "peer-aiohttp",
        loops=_on("aiohttp_session", *_ASYNCIO),
    ),
    Entry(
        "httpcore-1.0.9",
        "httpcore",
        "ConnectionPool",
        "peer-httpcore1",
        script="httpcore_pool",
        loops=_on("httpcore_async_pool", "asyncio", "trio"),
        most_idle=300,
        most_tasks=200,
        http2=True,
        http2_upload=False,
    ),
    Entry(
        "httpcore2",
        "httpcore2",
        "ConnectionPool",
        "peer-httpcore2",
        script="httpcore_pool",
        loops=_on("httpcore_async_pool", "asyncio", "trio"),
    ),
    Entry(
        "httpcore",
        "httpcore",
        "ConnectionPool",
        script="httpcore_pool",
        loops=_on("httpcore_async_pool", *_ASYNCIO, "trio", *_ANYIO),
        http2=True,
    ),
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
