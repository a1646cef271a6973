"""Forks with a pool in its hands: `python -m programs.forking SCENARIO URL CERTIFICATE`.

`+http2` behind the scenario has it speak HTTP/2.

Of the targets, the first part says who asks: the server tells the tests which of the
two used which connection. Whatever is wrong raises; the last line printed is "done".
"""

import collections.abc
import contextlib
import functools
import os
import ssl
import sys
import threading
import warnings

import httpcore
from httpcore_pool._core.http2 import HTTP2Connection
from programs.loops import make_backend, run_on

# Python's own, from 3.12 on; the threads here are the point.
warnings.filterwarnings("ignore", message=".*multi-threaded.*", category=DeprecationWarning)
# uvloop says so of every connection that a loop leaves behind; made an exception in the
# midst of its closing, that would leave the loop half closed.
warnings.filterwarnings("ignore", "unclosed resource <TCPTransport", ResourceWarning)

TIMEOUT = {"timeout": {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}}
Child = collections.abc.Callable[[], None]


# A connection of HTTP/2 has room for a request while another is under way.
SCENARIO, _, PROTOCOL = sys.argv[1].partition("+")
IS_SHARED = PROTOCOL == "http2"


def make_pool(max_connections: int = 10) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
        ssl_context=make_context(),
        max_connections=max_connections,
        http1=not IS_SHARED,
        http2=IS_SHARED,
    )


def make_async_pool(colour: str) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=make_context(),
        network_backend=make_backend(colour),
        http1=not IS_SHARED,
        http2=IS_SHARED,
    )


def make_context() -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=sys.argv[3]) if len(sys.argv) > 3 else None


def fork(child: Child) -> int:
    """Runs `child` in a child process, which then ends as scripts do."""
    pid = os.fork()
    if pid:
        return pid
    child()
    sys.stdout.flush()
    sys.exit(0)


def wait(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    assert status == 0, status


# -- blocking --------------------------------------------------------------------


def get(pool: httpcore.ConnectionPool, target: str) -> None:
    content = pool.request("GET", sys.argv[2] + target, extensions=TIMEOUT).content
    assert content == target.encode(), (target, content)


def get_many(pool: httpcore.ConnectionPool, name: str) -> None:
    for number in range(10):
        get(pool, f"/{name}/{number}")


def idle() -> None:
    """An idle connection is the parent's alone; both go on."""
    with make_pool() as pool:
        get(pool, "/parent/first")
        assert pool.stats().idle == 1

        def child() -> None:
            assert (pool.connections, pool.stats().opened) == ([], 0)
            get_many(pool, "child")
            assert pool.stats().idle == 1
            pool.close()

        pid = fork(child)
        get_many(pool, "parent")
        wait(pid)
        get(pool, "/parent/last")
        assert (pool.stats().opened, pool.stats().idle) == (1, 1)


def response() -> None:
    """A response that the parent reads is not disturbed, whatever the child does."""
    with make_pool(2) as pool:
        with pool.stream("GET", sys.argv[2] + "/parent/half", extensions=TIMEOUT) as answer:

            def child() -> None:
                get_many(pool, "child")
                answer.close()
                pool.close()

            wait(fork(child))
            get(pool, "/parent/go-on")
            assert answer.read() == b"first half, second half"
        assert pool.stats().opened == 2 - IS_SHARED


def generations() -> None:
    """A child's child has connections of its own, too."""
    with make_pool() as pool:
        get(pool, "/parent/first")

        def child() -> None:
            get(pool, "/child/first")
            wait(fork(lambda: get_many(pool, "grandchild")))
            get_many(pool, "child")

        wait(fork(child))
        get_many(pool, "parent")


def lock() -> None:
    """Another thread is in the midst of the pool's books, and is not in the child."""
    with make_pool(1) as pool:
        get(pool, "/parent/first")
        entered, may_leave = threading.Event(), threading.Event()

        def hold() -> None:
            with pool._core.lock:
                entered.set()
                may_leave.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        entered.wait(10)
        pid = fork(lambda: get_many(pool, "child"))
        wait(pid)
        may_leave.set()
        thread.join()
        get_many(pool, "parent")


def traffic() -> None:
    """Another thread holds a connection's frames, and reads for all; not in the child."""
    with make_pool(1) as pool:
        get(pool, "/parent/first")
        http = pool._core.connections[0].http
        assert isinstance(http, HTTP2Connection)
        frames = http.traffic
        with pool.stream("GET", sys.argv[2] + "/parent/half", extensions=TIMEOUT) as answer:
            parts = answer.iter_stream()
            assert next(parts) == b"first half,"
            reader = threading.Thread(target=lambda: list(parts))
            reader.start()
            while frames._reader is None:
                pass
            entered, may_leave = threading.Event(), threading.Event()

            def hold() -> None:
                with frames.lock:
                    entered.set()
                    may_leave.wait(10)

            holder = threading.Thread(target=hold)
            holder.start()
            entered.wait(10)

            def child() -> None:
                with contextlib.suppress(httpcore.ReadError, RuntimeError):
                    answer.read()
                    raise AssertionError("the parent's response was read")
                answer.close()
                get_many(pool, "child")

            pid = fork(child)
            wait(pid)
            may_leave.set()
            holder.join()
            get(pool, "/parent/go-on")
            reader.join()
        get_many(pool, "parent")


def threads() -> None:
    """Children are forked while threads use the pool."""
    with make_pool(3) as pool:
        # A child that is forked during an import can never import that module itself.
        get(pool, "/parent/first")
        is_over = threading.Event()
        failures: list[BaseException] = []

        def use(number: int) -> None:
            try:
                while not is_over.is_set():
                    get_many(pool, f"parent/{number}")
            except BaseException as exc:
                failures.append(exc)

        workers = [threading.Thread(target=use, args=(number,)) for number in range(5)]
        for worker in workers:
            worker.start()
        for number in range(5):
            wait(fork(functools.partial(get_many, pool, f"child/{number}")))
        is_over.set()
        for worker in workers:
            worker.join()
        assert not failures, failures
        assert (pool.stats().requests_active, pool.stats().requests_queued) == (0, 0)


def waiting() -> None:
    """A request that waits in the parent goes on waiting there, and is none of the child's."""
    with make_pool(1) as pool:
        with pool.stream("GET", sys.argv[2] + "/parent/held", extensions=TIMEOUT) as answer:
            waiter = threading.Thread(target=lambda: get(pool, "/parent/waited"))
            waiter.start()
            while pool.stats().requests_queued < 1:
                pass

            def child() -> None:
                assert len(pool._requests) == 0
                get_many(pool, "child")

            wait(fork(child))
            assert pool.stats().requests_queued == 1
            answer.read()
        waiter.join()


# -- async -----------------------------------------------------------------------


async def aget(pool: httpcore.AsyncConnectionPool, target: str) -> None:
    answer = await pool.request("GET", sys.argv[2] + target, extensions=TIMEOUT)
    assert answer.content == target.encode(), (target, answer.content)


async def aget_many(pool: httpcore.AsyncConnectionPool, name: str) -> None:
    for number in range(10):
        await aget(pool, f"/{name}/{number}")


def between_loops(colour: str) -> None:
    """The parent forks after its loop has ended; both use the pool in new ones."""
    pool = make_async_pool(colour)

    async def finish(name: str) -> None:
        await aget_many(pool, name)
        assert pool.stats().idle == 1
        await pool.aclose()

    run_on(colour, lambda: aget(pool, "/parent/first"))
    pid = fork(lambda: run_on(colour, lambda: finish("child")))
    run_on(colour, lambda: finish("parent"))
    wait(pid)


def within_loop(colour: str) -> None:
    """The parent forks while its loop runs, and goes on with the response that it reads."""

    async def main() -> None:
        async with make_async_pool(colour) as pool:
            await aget(pool, "/parent/first")
            async with pool.stream(
                "GET", sys.argv[2] + "/parent/half", extensions=TIMEOUT
            ) as answer:
                pid = os.fork()
                if not pid:
                    in_child(pool)
                wait(pid)
                await aget(pool, "/parent/go-on")
                assert await answer.aread() == b"first half, second half"
            assert pool.stats().opened == 2 - IS_SHARED
            await aget_many(pool, "parent")

    def in_child(pool: httpcore.AsyncConnectionPool) -> None:
        # In a thread: in this one a loop runs, or so it seems.
        codes = []

        def main() -> None:
            assert pool.connections == []
            run_on(colour, finish)
            codes.append(0)

        async def finish() -> None:
            await aget_many(pool, "child")
            await pool.aclose()

        thread = threading.Thread(target=main)
        thread.start()
        thread.join()
        # Not further: the loop of the parent is not to be closed here.
        os._exit(0 if codes else 1)

    run_on(colour, main)


SCENARIOS: dict[str, Child] = {
    scenario.__name__: scenario
    for scenario in (idle, response, generations, lock, traffic, threads, waiting)
}


def main() -> None:
    scenario, _, colour = SCENARIO.partition(":")
    if scenario == "between_loops":
        between_loops(colour)
    elif scenario == "within_loop":
        within_loop(colour)
    else:
        SCENARIOS[scenario]()
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main()
