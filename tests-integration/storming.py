"""What goes on in a storm: its requests, who sends them, and what has to be left of it.

Through eight connections. The seed is part of each failure; to see one again, put it in
the place of the random one.
"""

import collections
import collections.abc
import gc
import random
import ssl
import typing

import anyio
import fresh_loops
from cancel_ways import WAYS
from colours import ASYNC_COLOURS
from open_sockets import open_sockets
from peers.certificates import Authority
from peers.deadlines import wait_until
from peers.scripted import Conversation, ScriptedPeer
from peers.starting import StartPeer
from peers.workers import run_together
from storms import PIECE, Plan, StormServer

import httpcore

CONNECTIONS = 8
TASKS = 24
# What a request may come to, if it comes to no response.
FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError)
AnyPool = httpcore.ConnectionPool | httpcore.AsyncConnectionPool


class Server(typing.Protocol):
    """A script that answers requests as their fates have it."""

    is_over: bool

    def __call__(self, conn: Conversation) -> None: ...


MakeServer = collections.abc.Callable[[int, ssl.SSLContext | None], Server]


class Storm:
    """The requests of a storm, and the two servers that get them.

    Args:
        size: How many requests.
        start_peer: Starts the servers.
        authority: For the one with TLS.
        make_server: Makes a server of the storm with a seed, encrypted or not.
        is_http2: Whether they speak HTTP/2, and nothing else.
    """

    def __init__(
        self,
        size: int,
        start_peer: StartPeer,
        authority: Authority,
        make_server: MakeServer = StormServer,
        *,
        is_http2: bool = False,
    ) -> None:
        self.seed = random.SystemRandom().randrange(1_000_000)
        self.is_http2 = is_http2
        self._numbers = iter(range(size))
        self._server = make_server(self.seed, None)
        self.plain = start_peer(self._server)
        context = authority.server_context()
        if is_http2:
            context.set_alpn_protocols(["h2"])
        self.encrypted = start_peer(make_server(self.seed, context))
        self.ssl_context = authority.client_context()
        self.successes = 0
        self.failures: collections.Counter[str] = collections.Counter()
        self._before = 0

    def begin(self) -> None:
        """Counts the sockets that have nothing to do with it, such as the event loop's."""
        self._before = len(open_sockets())

    def plans(self) -> collections.abc.Iterator[Plan]:
        """Yields what is left of the requests; shared by all who send them."""
        for number in self._numbers:
            yield Plan(self.seed, number)

    def url(self, plan: Plan) -> str:
        peer: ScriptedPeer = self.encrypted if plan.is_encrypted else self.plain
        return peer.url(plan.target, scheme="https" if plan.is_encrypted else "http")

    def note(self, plan: Plan, status: int, content: bytes) -> None:
        plan.check(status, content)
        self.successes += 1

    def note_failure(self, plan: Plan, exc: Exception) -> None:
        if not isinstance(exc, FAILURES):
            raise AssertionError(f"{plan}: {exc!r}") from exc
        self.failures[type(exc).__name__] += 1

    def is_over(self, pool: AnyPool) -> bool:
        """Whether no other sockets are open than those of idle connections.

        The servers have closed their ends of some, which nobody has looked at since.
        """
        theirs, idle = self.plain.open_ends + self.encrypted.open_ends, pool.stats().idle
        return theirs <= idle and len(open_sockets()) == self._before + theirs + idle

    def check(self, pool: AnyPool) -> None:
        """Makes sure that nothing of the storm is left."""
        stats, seed = pool.stats(), str(self)
        assert (stats.requests_active, stats.requests_queued) == (0, 0), seed
        assert (stats.dialling, stats.reserved, stats.active) == (0, 0, 0), seed
        assert stats.opened - stats.closed == stats.idle == len(pool.connections), seed
        assert stats.idle <= 6, seed
        assert self.successes > 0, seed
        assert self.failures, seed

    def __str__(self) -> str:
        return f"seed {self.seed}"

    def last_url(self) -> str:
        """A request that the server has nothing against, on whatever connection."""
        self._server.is_over = True
        return self.plain.url("/-1")


def storm_with_tasks(storm: Storm, name: str) -> None:
    """Sends them from many tasks, in a colour."""
    colour = ASYNC_COLOURS[name]
    ways = WAYS[colour.library]

    async def send(pool: httpcore.AsyncConnectionPool, plan: Plan) -> None:
        url, extensions = storm.url(plan), {"timeout": plan.timeouts}
        content = pieces(plan) if plan.pieces else None
        method = "POST" if plan.pieces else "GET"
        try:
            if plan.manner == "abandoned":
                request = httpcore.Request(
                    method, url, headers=HOST, content=None, extensions=extensions
                )
                await pool.handle_async_request(request)
                return
            async with pool.stream(
                method, url, content=content, extensions=extensions
            ) as response:
                if plan.manner == "whole":
                    storm.note(plan, response.status, await response.aread())
        except FAILURES as exc:
            storm.note_failure(plan, exc)

    async def send_all(pool: httpcore.AsyncConnectionPool) -> None:
        for plan in storm.plans():
            await send_one(pool, plan)

    async def send_one(pool: httpcore.AsyncConnectionPool, plan: Plan) -> None:
        seconds = plan.cancelled_after
        try:
            if seconds is None:
                await send(pool, plan)
                return
            way = ways[plan.choose(ways)]
            if await way(lambda: send(pool, plan), lambda: anyio.sleep(seconds)):
                storm.failures["cancelled"] += 1
        except Exception as exc:
            raise AssertionError(str(plan)) from exc

    async def main() -> None:
        storm.begin()
        async with httpcore.AsyncConnectionPool(
            ssl_context=storm.ssl_context,
            network_backend=colour.make_backend(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=6,
            http1=not storm.is_http2,
            http2=storm.is_http2,
        ) as pool:
            async with anyio.create_task_group() as tasks:
                for _ in range(TASKS):
                    tasks.start_soon(send_all, pool)
            # Whatever was abandoned is closed by the next request.
            gc.collect()
            assert (await pool.request("GET", storm.last_url())).status == 200
            storm.check(pool)
            await fresh_loops.wait_until(
                lambda: storm.is_over(pool), f"all is closed ({storm})"
            )

    fresh_loops.run(colour.library, main)


async def pieces(plan: Plan) -> collections.abc.AsyncIterator[bytes]:
    for _ in range(plan.pieces):
        yield PIECE


HOST = [(b"Host", b"localhost")]


def storm_with_threads(storm: Storm) -> None:
    """Sends them from many threads."""

    def send(plan: Plan) -> None:
        with pool.stream(
            "POST" if plan.pieces else "GET",
            storm.url(plan),
            content=iter([PIECE] * plan.pieces) if plan.pieces else None,
            extensions={"timeout": plan.timeouts},
        ) as response:
            if plan.manner == "whole":
                storm.note(plan, response.status, response.read())

    def send_all(number: int) -> None:
        for plan in plans[number::TASKS]:
            try:
                send(plan)
            except Exception as exc:
                storm.note_failure(plan, exc)

    plans = list(storm.plans())
    storm.begin()
    with httpcore.ConnectionPool(
        ssl_context=storm.ssl_context,
        max_connections=CONNECTIONS,
        max_keepalive_connections=6,
        http1=not storm.is_http2,
        http2=storm.is_http2,
    ) as pool:
        run_together(TASKS, send_all, deadline=850)
        assert pool.request("GET", storm.last_url()).status == 200
        storm.check(pool)
        wait_until(lambda: storm.is_over(pool), f"all is closed ({storm})")
