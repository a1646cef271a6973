"""What happens inside a client's process: warm up, count, take the time.

The runner writes a task as JSON to standard input and reads a result as JSON
from standard output. Standard library only: this runs in every environment.
"""

import importlib
import json
import platform
import resource
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

Operation = Callable[[], int]
"""Does one request and returns the number of body bytes that were moved."""

DEADLINE = 300.0
"""Seconds after which a thread that does not come back is given up."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one client is to do, once.

    Args:
        module: What a user of the client imports, such as `httpcore`.
        action: Which of the client's methods makes the measured operation.
        url: Where the measured requests go.
        expected: Body bytes that each operation has to move.
        idle_urls: Origins to which one connection each is opened first and kept.
        threads: How many threads do the operation at once.
        timeout: Seconds that each read and write may take; None: for ever.
        seconds: How long to measure.
        requests: How often to do the operation, whatever time that takes; None: as
            often as fits into `seconds`.
    """

    module: str
    action: Literal["get", "download", "upload"]
    url: str
    expected: int
    idle_urls: tuple[str, ...] = ()
    threads: int = 1
    timeout: float | None = None
    seconds: float = 0.5
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of a task took.

    Args:
        requests: How many requests were measured.
        wall: Seconds that went by, over all requests.
        cpu: Seconds of CPU that the client's process used, over all requests.
        version: The version of the client.
        python: The version of its interpreter.
    """

    requests: int
    wall: float
    cpu: float
    version: str
    python: str


class Client(Protocol):
    """What a script in `clients/` has to offer.

    Each method prepares an operation for one thread. A client with a pool returns
    calls on that one pool; a client without one opens a connection for each.
    """

    def get(self, url: str) -> Operation:
        """Prepare a GET whose response is held in memory, whole."""

    def download(self, url: str) -> Operation:
        """Prepare a GET whose response is read piece by piece, and dropped."""

    def upload(self, url: str, body: bytes) -> Operation:
        """Prepare a POST of `body`; the operation returns the number in the answer."""

    def close(self) -> None:
        """Close every connection."""


def measure(client: Client, task: Task) -> tuple[int, float, float]:
    """Do a task with a client.

    Returns:
        The number of requests, seconds of wall, seconds of CPU.

    Raises:
        RuntimeError: An operation moved another number of bytes than expected.
    """
    idle = [client.get(url) for url in task.idle_urls]
    for operation in idle:
        operation()
    operations = [_prepare(client, task) for _ in range(task.threads)]
    estimate = _warm_up(operations, task)
    total = task.requests or max(1, round(task.seconds / estimate))
    count = max(1, total // task.threads)
    wall, cpu = _time(operations, count, task.expected)
    return count * task.threads, wall, cpu


def _prepare(client: Client, task: Task) -> Operation:
    match task.action:
        case "get":
            return client.get(task.url)
        case "download":
            return client.download(task.url)
        case "upload":
            return client.upload(task.url, bytes(task.expected))


def _warm_up(operations: Sequence[Operation], task: Task) -> float:
    """Work for a fifth of the time, with all threads; return seconds per request.

    By then the connections are open and the interpreter has specialised its code.
    """
    most = task.requests or sys.maxsize
    began = time.perf_counter()
    count, done = 1, 0
    while True:
        wall, _ = _time(operations, count, task.expected)
        done += count * len(operations)
        if time.perf_counter() - began >= task.seconds / 5 or done >= most:
            return wall / (count * len(operations))
        count *= 2


def _time(operations: Sequence[Operation], count: int, expected: int) -> tuple[float, float]:
    if len(operations) == 1:
        cpu, wall = time.process_time(), time.perf_counter()
        _repeat(operations[0], count, expected)
        return time.perf_counter() - wall, time.process_time() - cpu
    return _time_threads(operations, count, expected)


def _time_threads(
    operations: Sequence[Operation], count: int, expected: int
) -> tuple[float, float]:
    barrier = threading.Barrier(len(operations) + 1)
    failures: list[BaseException] = []

    def work(operation: Operation) -> None:
        try:
            barrier.wait(DEADLINE)
            _repeat(operation, count, expected)
        except BaseException as exc:
            failures.append(exc)

    threads = [
        threading.Thread(target=work, args=(operation,), daemon=True)
        for operation in operations
    ]
    for thread in threads:
        thread.start()
    barrier.wait(DEADLINE)
    cpu, wall = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.join(DEADLINE)
    times = time.perf_counter() - wall, time.process_time() - cpu
    if failures:
        raise failures[0]
    if any(thread.is_alive() for thread in threads):
        raise RuntimeError(f"a thread did not come back within {DEADLINE:.0f} s")
    return times


def _repeat(operation: Operation, count: int, expected: int) -> None:
    # No clock and no check within the loop: only requests are measured.
    moved = 0
    for _ in range(count):
        moved += operation()
    if moved != count * expected:
        raise RuntimeError(f"{moved} body bytes in {count} requests, not {count} x {expected}")


def main(factory: Callable[[Task], Client]) -> None:
    """Read a task, do it with the client that `factory` makes, print the result."""
    task = Task(**json.load(sys.stdin))
    _allow_open_files(len(task.idle_urls) + task.threads + 64)
    client = factory(task)
    requests, wall, cpu = measure(client, task)
    client.close()
    # Modules without a version are those of the standard library.
    python = platform.python_version()
    version = getattr(importlib.import_module(task.module), "__version__", python)
    print(json.dumps(asdict(Result(requests, wall, cpu, str(version), python))))


def _allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
