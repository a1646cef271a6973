"""What happens inside a blocking client's process: warm up, count, take the time.

Standard library only: this runs in every environment.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from tools.bench.task import Task, Timing, print_result, read_task
from tools.bench.warm_up import WarmUp

Operation = Callable[[], int]
"""Does one request and returns the number of body bytes that were moved."""

DEADLINE = 300.0
"""Seconds after which a thread that does not come back is given up."""


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


def main(factory: Callable[[Task], Client]) -> None:
    """Read a task, do it with the client that `factory` makes, print the result."""
    task = read_task()
    client = factory(task)
    timing = measure(client, task)
    client.close()
    print_result(task.module, timing)


def measure(client: Client, task: Task) -> Timing:
    """Do a task with a client.

    Raises:
        RuntimeError: An operation moved another number of bytes than expected.
    """
    idle = [client.get(url) for url in task.idle_urls]
    for operation in idle:
        operation()
    operations = [_prepare(client, task) for _ in range(task.at_once)]
    warm_up = WarmUp(task)
    while not warm_up.is_over:
        warm_up.note(_time(operations, warm_up.count, task.expected).wall)
    return _time(operations, warm_up.choose_count(), task.expected)


def _prepare(client: Client, task: Task) -> Operation:
    match task.action:
        case "get":
            return client.get(task.url)
        case "download":
            return client.download(task.url)
        case "upload":
            return client.upload(task.url, bytes(task.expected))


def _time(operations: Sequence[Operation], count: int, expected: int) -> Timing:
    if len(operations) > 1:
        return _time_threads(operations, count, expected)
    cpu, wall = time.process_time(), time.perf_counter()
    _repeat(operations[0], count, expected)
    return Timing(count, time.perf_counter() - wall, time.process_time() - cpu)


def _time_threads(operations: Sequence[Operation], count: int, expected: int) -> Timing:
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
    return Timing(count * len(operations), *times)


def _repeat(operation: Operation, count: int, expected: int) -> None:
    # No clock and no check within the loop: only requests are measured.
    moved = 0
    for _ in range(count):
        moved += operation()
    check_moved(moved, count, expected)


def check_moved(moved: int, count: int, expected: int) -> None:
    """Check how many body bytes were moved in `count` requests.

    Raises:
        RuntimeError: It was not `expected` each.
    """
    if moved != count * expected:
        raise RuntimeError(f"{moved} body bytes in {count} requests, not {count} x {expected}")
