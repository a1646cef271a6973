"""What happens inside an async client's process: warm up, count, take the time.

Each task of the loop repeats the operation, one request after the other; so there
are as many requests at once as tasks, all the time.

Standard library only, but for what the task says is to run it.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from tools.bench.loops import run, run_together
from tools.bench.measure import check_moved
from tools.bench.task import Loop, Task, Timing, print_result, read_task
from tools.bench.warm_up import WarmUp

AsyncOperation = Callable[[], Awaitable[int]]
"""Does one request and returns the number of body bytes that were moved."""


class AsyncClient(Protocol):
    """What a script for an async client in `clients/` has to offer.

    Each method prepares an operation for one task. A client with a pool returns
    calls on that one pool; a client without one opens a connection for each.
    """

    async def get(self, url: str) -> AsyncOperation:
        """Prepare a GET whose response is held in memory, whole."""

    async def download(self, url: str) -> AsyncOperation:
        """Prepare a GET whose response is read piece by piece, and dropped."""

    async def upload(self, url: str, body: bytes) -> AsyncOperation:
        """Prepare a POST of `body`; the operation returns the number in the answer."""

    async def aclose(self) -> None:
        """Close every connection."""


def main(factory: Callable[[Task], AsyncClient]) -> None:
    """Read a task, do it with the client that `factory` makes, print the result.

    The client is made while the loop runs.
    """
    task = read_task()
    loop = task.loop
    if loop is None:
        raise ValueError("the task says not what is to run an async client")

    async def work() -> Timing:
        client = factory(task)
        try:
            return await measure(client, task, loop)
        finally:
            # After a failure too: some complain otherwise, and hide what it was.
            await client.aclose()

    print_result(task.module, run(loop, work), loop)


async def measure(client: AsyncClient, task: Task, loop: Loop) -> Timing:
    """Do a task with a client.

    Raises:
        RuntimeError: An operation moved another number of bytes than expected.
    """
    operations = [await _prepare(client, task) for _ in range(task.at_once)]
    warm_up = WarmUp(task)
    while not warm_up.is_over:
        timing = await _time(loop, operations, warm_up.count, task.expected)
        warm_up.note(timing.wall)
    return await _time(loop, operations, warm_up.choose_count(), task.expected)


async def _prepare(client: AsyncClient, task: Task) -> AsyncOperation:
    match task.action:
        case "get":
            return await client.get(task.url)
        case "download":
            return await client.download(task.url)
        case "upload":
            return await client.upload(task.url, bytes(task.expected))


class _Watch:
    """Runs from the first task's first step to the last task's last.

    So neither making the tasks nor tidying up after them is in the time.
    """

    __slots__ = ("_began", "_ended")

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None
        self._ended = (0.0, 0.0)

    def start(self) -> None:
        if self._began is None:
            self._began = time.process_time(), time.perf_counter()

    def stop(self) -> None:
        self._ended = time.process_time(), time.perf_counter()

    def read(self, requests: int) -> Timing:
        assert self._began is not None
        (cpu_before, wall_before), (cpu, wall) = self._began, self._ended
        return Timing(requests, wall - wall_before, cpu - cpu_before)


async def _time(
    loop: Loop, operations: Sequence[AsyncOperation], count: int, expected: int
) -> Timing:
    watch = _Watch()

    async def work(operation: AsyncOperation) -> None:
        watch.start()
        # No clock and no check within the loop: only requests are measured.
        moved = 0
        for _ in range(count):
            moved += await operation()
        watch.stop()
        check_moved(moved, count, expected)

    if len(operations) == 1:
        await work(operations[0])
    else:
        await run_together(loop, work, operations)
    return watch.read(count * len(operations))
