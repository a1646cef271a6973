"""Is interrupted: `python -m programs.interrupted COLOUR URL STALLING-URL BLACKHOLE-URL`.

Prints the name of each stage when it hangs in it, and "clean" when KeyboardInterrupt has
come out of the event loop and the pool has been found in order.
"""

import collections.abc
import contextlib
import functools
import sys

import anyio

import httpcore
from programs.loops import make_backend, run_on

Stage = collections.abc.Callable[
    [httpcore.AsyncConnectionPool], collections.abc.Coroutine[object, object, object]
]

IsReached = collections.abc.Callable[[httpcore.PoolStats], bool]

COLOUR, HEALTHY, STALLING, BLACKHOLE = sys.argv[1:5]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def connect(pool: httpcore.AsyncConnectionPool) -> None:
    await pool.request("GET", BLACKHOLE)


async def head(pool: httpcore.AsyncConnectionPool) -> None:
    await pool.request("GET", STALLING + "/head")


async def body(pool: httpcore.AsyncConnectionPool) -> None:
    await pool.request("GET", STALLING + "/body")


async def queue(pool: httpcore.AsyncConnectionPool) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(head, pool)


# What each looks like when it hangs.
STAGES: dict[Stage, IsReached] = {
    connect: lambda stats: stats.dialling == 1,
    head: lambda stats: stats.active == 1,
    body: lambda stats: stats.active == 1,
    queue: lambda stats: (stats.active, stats.requests_queued) == (1, 2),
}


async def watch(pool: httpcore.AsyncConnectionPool, stage: Stage) -> None:
    """Says the stage's name once it hangs."""
    # Nothing tells it.
    while not STAGES[stage](pool.stats()):  # noqa: ASYNC110
        await anyio.sleep(0.001)
    say(stage.__name__)


async def check(pool: httpcore.AsyncConnectionPool) -> None:
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued) == (0, 0), stats
    assert pool.connections == [], pool.connections
    response = await pool.request("GET", HEALTHY)
    assert response.status == 200
    await pool.aclose()


def hang(pool: httpcore.AsyncConnectionPool, stage: Stage) -> None:
    """Runs a stage, which ends by an interrupt and in no other way."""

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch, pool, stage)
            await stage(pool)

    try:
        with contextlib.suppress(KeyboardInterrupt):
            run_on(COLOUR, run)
    except BaseExceptionGroup as group:
        if group.split(KeyboardInterrupt)[1] is not None:
            raise


def main() -> None:
    for stage in STAGES:
        pool = httpcore.AsyncConnectionPool(
            network_backend=make_backend(COLOUR), max_connections=1
        )
        hang(pool, stage)
        run_on(COLOUR, functools.partial(check, pool))
        say("clean")


if __name__ == "__main__":
    main()
