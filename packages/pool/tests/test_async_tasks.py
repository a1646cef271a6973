"""One pool, many tasks, of which some are cancelled: at any moment, all at once, or at random.

Whoever is cancelled passes on what it had, and whoever waited for that is served.
"""

import functools
import random

import pytest
from driving import HOST, URL_A, URL_B, URL_TLS, Driver, plain_context, reply
from driving_async import AsyncDriver
from event_loops import Loop
from jobs import Job, Jobs, Outcome
from script_steps import End, Give, Received, Serve, Step, TakeRequest
from scripted import Network

from httpcore_interface import ConnectError, NetworkError, PoolTimeout, ProtocolError
from httpcore_pool import AsyncConnectionPool, Request

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.colours("asyncio", "trio", reason="threads cannot be cancelled"),
]


def echo(request: Received) -> bytes:
    return reply(request.target)


REQUEST = Request("GET", URL_A, headers=[(b"Host", HOST)])
UNFINISHED = reply(b"0123456789")[:-5]


class Party:
    """A pool, and the tasks that use it."""

    def __init__(self, driver: Driver, *, is_native: bool) -> None:
        assert isinstance(driver, AsyncDriver)
        self.loop: Loop = driver.loop
        self.is_native = is_native
        self._driver = driver

    def pool(self, max_connections: int) -> AsyncConnectionPool:
        pool = self._driver.pool(
            max_connections=max_connections, retries=1, ssl_context=plain_context()
        ).face
        assert isinstance(pool, AsyncConnectionPool)
        return pool

    def jobs(self) -> Jobs:
        return Jobs(is_native=self.is_native)

    async def turns(self, count: int) -> None:
        """Lets the tasks go on for so many turns."""
        for _ in range(count):
            await self.loop.checkpoint()


@pytest.fixture(params=["native", "anyio"])
def party(request: pytest.FixtureRequest, driver: Driver, network: Network) -> Party:
    network.serve(echo)
    return Party(driver, is_native=request.param == "native")


async def body_of(pool: AsyncConnectionPool, url: str) -> bytes:
    return (await pool.request("GET", url)).content


def assert_whole(network: Network, pool: AsyncConnectionPool) -> None:
    assert not network.complaints
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued) == (0, 0), repr(pool)
    assert stats.dialling + stats.reserved + stats.active == 0, repr(pool)
    assert len(network.open_connections) == stats.idle == len(pool.connections)


async def until_queued(party: Party, pool: AsyncConnectionPool, count: int) -> None:
    for _ in range(200):
        if pool.stats().requests_queued == count:
            return
        await party.loop.checkpoint()
    raise AssertionError(repr(pool))


# -- one that waits ------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["granted-cancelled", "cancelled-granted"])
@pytest.mark.parametrize("is_reusable", [True, False])
def test_waiter_that_is_cancelled_as_it_is_served_passes_its_place_on(
    party: Party, network: Network, order: str, is_reusable: bool
) -> None:
    """Between the event being set and the task waking: the window of the old leaks."""
    if not is_reusable:
        network.answer(UNFINISHED)
    pool = party.pool(1)

    async def main() -> None:
        async with party.jobs() as jobs, pool.stream("GET", URL_A) as holding:
            second = jobs.start(lambda: body_of(pool, URL_A + "2"))
            await until_queued(party, pool, 1)
            third = jobs.start(lambda: body_of(pool, URL_A + "3"))
            await until_queued(party, pool, 2)
            if order == "cancelled-granted":
                second.cancel()
            if is_reusable:
                # All of it has come: nothing is awaited on the way.
                assert await holding.aread() == b"/"
            else:
                await holding.aclose()
            if order == "granted-cancelled":
                second.cancel()
        assert second.outcome is Outcome.CANCELLED
        assert third.outcome == b"/3"

    party.loop.run(main)
    assert_whole(network, pool)
    served = [request.target for each in network.connections for request in each.requests]
    assert served == [b"/", b"/3"]


def test_waiters_that_are_cancelled_are_forgotten(party: Party, network: Network) -> None:
    pool = party.pool(1)

    async def main() -> None:
        async with party.jobs() as jobs, pool.stream("GET", URL_A):
            waiting = [
                jobs.start(functools.partial(body_of, pool, f"{URL_A}{number}"))
                for number in range(6)
            ]
            await until_queued(party, pool, 6)
            for job in waiting[::2]:
                job.cancel()
            await until_queued(party, pool, 3)
        assert [job.outcome for job in waiting[::2]] == [Outcome.CANCELLED] * 3
        assert [job.outcome for job in waiting[1::2]] != [Outcome.CANCELLED] * 3
        assert {job.outcome for job in waiting[1::2]} == {b"/1", b"/3", b"/5"}

    party.loop.run(main)
    assert_whole(network, pool)


def test_waiters_end_when_the_pool_is_closed(party: Party, network: Network) -> None:
    pool = party.pool(1)

    async def main() -> None:
        async with party.jobs() as jobs:
            response = await pool.handle_async_request(REQUEST)
            waiting = [jobs.start(lambda: body_of(pool, URL_A)) for _ in range(3)]
            await until_queued(party, pool, 3)
            await pool.aclose()
            await response.aclose()
        for job in waiting:
            assert isinstance(job.outcome, ConnectError)

    party.loop.run(main)
    assert_whole(network, pool)


# -- one that has a place ------------------------------------------------------------------


@pytest.mark.parametrize("url", [URL_A, URL_TLS])
@pytest.mark.parametrize("turns", range(14))
def test_place_of_a_cancelled_request_goes_to_who_waits(
    party: Party, network: Network, url: str, turns: int
) -> None:
    """Whatever it was doing: connecting, shaking hands, writing, reading, closing."""
    pool = party.pool(1)

    async def main() -> None:
        async with party.jobs() as jobs:
            first = jobs.start(lambda: body_of(pool, url))
            await party.turns(turns)
            others = [jobs.start(lambda: body_of(pool, URL_A + "2")) for _ in range(3)]
            first.cancel()
        assert first.outcome in (Outcome.CANCELLED, b"/")
        assert [job.outcome for job in others] == [b"/2"] * 3

    party.loop.run(main)
    assert_whole(network, pool)


@pytest.mark.parametrize("turns", range(30))
def test_pool_is_whole_after_all_were_cancelled_at_once(
    party: Party, network: Network, turns: int
) -> None:
    pool = party.pool(3)

    async def main() -> None:
        async with party.jobs() as jobs:
            started = [
                jobs.start(functools.partial(body_of, pool, (URL_A, URL_B)[number % 2]))
                for number in range(12)
            ]
            await party.turns(turns)
            for job in started:
                job.cancel()
        assert {job.outcome for job in started} <= {Outcome.CANCELLED, b"/"}
        assert_whole(network, pool)
        assert await body_of(pool, URL_A + "after") == b"/after"

    party.loop.run(main)
    assert_whole(network, pool)


async def left_early(pool: AsyncConnectionPool, url: str) -> bytes:
    async with pool.stream("GET", url) as response:
        return response.headers[0][0]


async def read_in_part(pool: AsyncConnectionPool, url: str) -> bytes:
    async with pool.stream("GET", url) as response:
        async for chunk in response.aiter_stream():
            return chunk
    raise AssertionError


async def uploaded(pool: AsyncConnectionPool, url: str) -> bytes:
    return (await pool.request("PUT", url, content=bytes(200_000))).content


async def impatient(pool: AsyncConnectionPool, url: str) -> bytes:
    timeout = {"timeout": {"pool": 0}}
    return (await pool.request("GET", url, extensions=timeout)).content


WORK = [body_of, body_of, left_early, read_in_part, uploaded, impatient]


@pytest.mark.parametrize("seed", range(12))
def test_pool_survives_tasks_that_are_cancelled_at_random(
    party: Party, network: Network, seed: int
) -> None:
    chance = random.Random(seed)

    def script() -> list[Step]:
        # Some connections end behind an answer, or in the middle of one.
        return chance.choice(
            [
                [Serve(echo)],
                [Serve(echo)],
                [TakeRequest(), Give(reply(b"/")), End()],
                [TakeRequest(), Give(UNFINISHED), End()],
            ]
        )

    network.otherwise = script
    pool = party.pool(3)
    jobs_done: list[Job[bytes]] = []

    async def main() -> None:
        async with party.jobs() as jobs:
            for _ in range(60):
                work, url = chance.choice(WORK), chance.choice([URL_A, URL_B])
                jobs_done.append(jobs.start(functools.partial(work, pool, url)))
                await party.turns(chance.randrange(4))
                if chance.random() < 0.5:
                    chance.choice(jobs_done).cancel()
        network.serve(echo)

    party.loop.run(main)
    for job in jobs_done:
        if isinstance(job.outcome, Exception):
            # What the scripts and timeouts are good for, and nothing else.
            assert isinstance(job.outcome, NetworkError | PoolTimeout | ProtocolError)
    party.loop.run(lambda: body_of(pool, URL_A))
    assert_whole(network, pool)
    for connection in network.connections:
        # Of those that were cancelled at once, nothing was played.
        connection.steps.clear()


# -- the pool itself -----------------------------------------------------------------------


@pytest.mark.parametrize("turns", range(6))
def test_closing_that_is_cancelled_has_closed(
    party: Party, network: Network, turns: int
) -> None:
    pool = party.pool(3)

    async def main() -> None:
        for url in (URL_A, URL_B, URL_TLS):
            await pool.request("GET", url)
        async with party.jobs() as jobs:
            closing = jobs.start(pool.aclose)
            await party.turns(turns)
            closing.cancel()

    party.loop.run(main)
    if turns:
        assert not network.open_connections
        assert_whole(network, pool)
