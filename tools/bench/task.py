"""What the runner and a client's process tell each other.

The runner writes a task as JSON to standard input and reads a result as JSON from
standard output. Standard library only: this is imported in every environment.
"""

import importlib
import importlib.metadata
import json
import os
import platform
import ssl
import sys
from dataclasses import asdict, dataclass
from typing import Literal, NoReturn

from tools.bench.open_files import allow_open_files

Loop = Literal["asyncio", "uvloop", "trio", "anyio", "anyio-trio"]
"""What runs async code; `anyio` is anyio on asyncio, `anyio-trio` anyio on trio."""

Action = Literal["get", "download", "upload"]
"""Which of a client's methods makes the measured operation."""

_SPARE_FILES = 64


@dataclass(frozen=True, slots=True)
class Task:
    """What one client is to do, once.

    Args:
        module: What a user of the client imports, such as `httpcore`.
        action: What the measured operation is.
        url: Where the measured requests go.
        expected: Body bytes that each operation has to move.
        loop: What runs the client, which is an async one then; None: a blocking one.
        idle_urls: Origins to which one connection each is opened first and kept.
        at_once: How many threads, or tasks of the loop, do the operation at once.
        timeout: Seconds that each read and write may take; None: for ever.
        seconds: How long to measure.
        requests: How often to do the operation, whatever time that takes; None: as
            often as fits into `seconds`.
        authority: The file of who signed the server's certificate; None: no TLS.
        http2: Whether it is HTTP/2, over one connection.
    """

    module: str
    action: Action
    url: str
    expected: int
    loop: Loop | None = None
    idle_urls: tuple[str, ...] = ()
    at_once: int = 1
    timeout: float | None = None
    seconds: float = 0.5
    requests: int | None = None
    authority: str | None = None
    http2: bool = False

    @property
    def connections(self) -> int:
        """The most connections that a pool may need, and is allowed."""
        if self.http2:
            return 1
        return len(self.idle_urls) + self.at_once


def make_ssl_context(task: Task) -> ssl.SSLContext | None:
    """Return a context that trusts the server of a task; None: there is no TLS."""
    if task.authority is None:
        return None
    return ssl.create_default_context(cafile=task.authority)


@dataclass(frozen=True, slots=True)
class Timing:
    """How many requests took how long, all together.

    Args:
        requests: How many.
        wall: Seconds that went by.
        cpu: Seconds of CPU that the client's process used.
    """

    requests: int
    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of a task took.

    Args:
        requests: How many requests were measured.
        wall: Seconds that went by, over all requests.
        cpu: Seconds of CPU that the client's process used, over all requests.
        version: The version of the client.
        python: The version of its interpreter.
        loop: What ran it, with its version, such as `uvloop 0.23.0`; empty if blocking.
    """

    requests: int
    wall: float
    cpu: float
    version: str
    python: str
    loop: str = ""


def read_task() -> Task:
    """Read the task, and allow as many open files as it takes."""
    task = Task(**json.load(sys.stdin))
    allow_open_files(task.connections + _SPARE_FILES)
    return task


def print_result(module: str, timing: Timing, loop: Loop | None = None) -> NoReturn:
    """Print what a task took, and on which versions; with that the process ends.

    It ends at once: what the interpreter tidies up at its end is nobody's speed, and
    pyreqwest's threads, which still run then, crash it now and again.
    """
    result = Result(
        requests=timing.requests,
        wall=timing.wall,
        cpu=timing.cpu,
        version=_find_version(module),
        python=platform.python_version(),
        loop=_describe_loop(loop),
    )
    print(json.dumps(asdict(result)), flush=True)
    os._exit(0)


def _find_version(name: str) -> str:
    """Return the version of what a module is part of; Python's, if that is Python."""
    top = name.partition(".")[0]
    version = getattr(importlib.import_module(top), "__version__", None)
    if version is not None:
        return str(version)
    try:
        return importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:
        return platform.python_version()


def _describe_loop(loop: Loop | None) -> str:
    if loop is None or loop == "asyncio":
        return loop or ""
    parts = loop.split("-")
    return " on ".join(f"{part} {importlib.metadata.version(part)}" for part in parts)
