"""What the clients are asked to do."""

from dataclasses import dataclass
from typing import Literal, get_args

from tools.bench.task import Action, Loop

SMALL = 2_048
"""Bytes of the small response: a typical JSON answer, head and body in one segment."""

LARGE = 100_000_000
"""Bytes of the large bodies, 100 MB."""

TIMEOUT = 5.0
"""Seconds; what counts is that there is one, as most users have it."""

IDLE_COUNTS = (1, 100, 1_000)
THREADS = 20
TASKS = (1, 20, 200, 1_000)
HTTP2_COUNTS = (1, 20, 100)
LOOPS: tuple[Loop, ...] = get_args(Loop)
Bulk = Literal["download", "upload"]
BULK: tuple[Bulk, ...] = get_args(Bulk)
BULK_LOOPS: tuple[Loop, ...] = ("asyncio", "trio")
MOST = 10_000
"""Idle connections, threads or tasks, at most: each takes a descriptor on both sides."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing to measure.

    Args:
        name: As it stands in the tables and on the command line.
        title: One line that says what is measured.
        action: What is done; `import` starts a fresh interpreter, the others are
            methods of a client.
        size: Body bytes of one request.
        loop: What runs the clients, async ones then; None: blocking ones.
        idle: Connections to other origins that lie idle in the pool meanwhile.
        at_once: How many threads, or tasks of the loop, do it at once.
        timeout: Seconds that each read and write may take; None: for ever.
        rival: The client whose throughput the others' is compared with, beside the
            raw loop's.
        http2: Whether it is HTTP/2, over TLS, all on one connection.
        tls: Whether it is HTTP/1.1 over TLS, to the same server.
        family: Scenarios of one family differ in `at_once` alone. They are measured in
            the same rounds, so that they can be compared with each other.
    """

    name: str
    title: str
    action: Action | Literal["import"]
    size: int = 0
    loop: Loop | None = None
    idle: int = 0
    at_once: int = 1
    timeout: float | None = None
    rival: str | None = None
    family: str | None = None
    http2: bool = False
    tls: bool = False

    @property
    def is_encrypted(self) -> bool:
        """Whether it goes over TLS."""
        return self.http2 or self.tls

    @property
    def is_bulk(self) -> bool:
        """Whether megabytes per second say more than microseconds."""
        return self.action in BULK


def _idle(count: int) -> Scenario:
    title = f"keep-alive GET of 2 kB with {count:,} idle connections to other origins"
    return Scenario(f"idle-{count}", title, "get", SMALL, idle=count)


def _threads(count: int) -> Scenario:
    title = f"keep-alive GET of 2 kB, {count:,} threads share one pool (raw: a socket each)"
    return Scenario(f"threads-{count}", title, "get", SMALL, at_once=count, rival="urllib3")


def _tasks(loop: Loop, count: int) -> Scenario:
    return Scenario(
        f"{loop}-get-{count}",
        f"keep-alive GET of 2 kB, {count:,} at once, one pool (raw: a connection each)",
        "get",
        SMALL,
        loop,
        at_once=count,
        timeout=TIMEOUT,
        rival=_rival(loop),
        family=f"{loop}-get",
    )


def _bulk(loop: Loop, action: Bulk) -> Scenario:
    title = "GET of 100 MB, read and dropped" if action == "download" else "POST of 100 MB"
    rival = _rival(loop)
    return Scenario(
        f"{loop}-{action}", title, action, LARGE, loop, timeout=TIMEOUT, rival=rival
    )


def _http2(loop: Loop | None, action: Action, at_once: int = 1) -> Scenario:
    titles = {
        "get": f"GET of 2 kB over HTTP/2 and TLS, {at_once:,} at once on one connection",
        "download": "GET of 100 MB over HTTP/2 and TLS, read and dropped",
        "upload": "POST of 100 MB over HTTP/2 and TLS",
    }
    number = f"-{at_once}" if action == "get" else ""
    return Scenario(
        f"{loop}-http2-{action}{number}" if loop else f"http2-{action}{number}",
        titles[action],
        action,
        SMALL if action == "get" else LARGE,
        loop,
        at_once=at_once,
        timeout=TIMEOUT,
        rival="httpcore-1.0.9",
        family=(f"{loop}-http2-get" if loop else "http2-get") if action == "get" else None,
        http2=True,
    )


def _tls_download(loop: Loop | None) -> Scenario:
    return Scenario(
        f"{loop}-tls-download" if loop else "tls-download",
        "GET of 100 MB over HTTP/1.1 and TLS, read and dropped",
        "download",
        LARGE,
        loop,
        timeout=TIMEOUT,
        rival="httpcore-1.0.9",
        tls=True,
    )


def _rival(loop: Loop) -> str | None:
    return "aiohttp" if loop in ("asyncio", "uvloop") else None


BLOCKING = (
    Scenario("get-2k", "keep-alive GET of 2 kB, one connection", "get", SMALL),
    Scenario(
        "get-2k-timeout",
        "keep-alive GET of 2 kB, every read and write with a timeout",
        "get",
        SMALL,
        timeout=TIMEOUT,
    ),
    *(_idle(count) for count in IDLE_COUNTS),
    _threads(THREADS),
    Scenario(
        "download", "GET of 100 MB, read and dropped (raw: recv of 64 KiB)", "download", LARGE
    ),
    Scenario("upload", "POST of 100 MB of bytes (raw: one sendall)", "upload", LARGE),
    Scenario(
        "upload-timeout",
        "POST of 100 MB of bytes, every read and write with a timeout",
        "upload",
        LARGE,
        timeout=TIMEOUT,
    ),
    Scenario(
        "import",
        "import of the main class, fresh process (raw: of socket.socket)",
        "import",
    ),
)

ASYNC = (
    *(_tasks(loop, count) for loop in LOOPS for count in TASKS),
    *(_bulk(loop, "download") for loop in BULK_LOOPS),
    *(_bulk(loop, "upload") for loop in BULK_LOOPS),
)

# What 1.0.9 does of it, it does on asyncio; from threads as well.
HTTP2 = (
    *(_http2(None, "get", count) for count in HTTP2_COUNTS),
    *(_http2("asyncio", "get", count) for count in HTTP2_COUNTS),
    _http2(None, "download"),
    _http2("asyncio", "download"),
    # What the two above are to be compared with.
    _tls_download(None),
    _tls_download("asyncio"),
    _http2(None, "upload"),
    _http2("asyncio", "upload"),
)

SCENARIOS = BLOCKING + ASYNC + HTTP2

NAMES = (
    *(scenario.name for scenario in BLOCKING),
    "idle-N",
    "threads-N",
    *(f"{loop}-get-N" for loop in LOOPS),
    *(f"{loop}-{action}" for loop in LOOPS for action in BULK),
    *(scenario.name for scenario in HTTP2),
    "http2-get",
    "asyncio-http2-get",
)
GROUPS = ("all", "blocking", "async", "http2", "async-get-N", "async-download", "async-upload")


def find_scenarios(name: str) -> tuple[Scenario, ...]:
    """Return the scenarios of a name: one, or those of a group.

    `async` in front stands for every loop, and a name without its number for every
    number that is usual: `idle`, `threads`, `asyncio-get`, `async-get`.

    Raises:
        ValueError: No scenario has that name.
    """
    groups = {"all": SCENARIOS, "blocking": BLOCKING, "async": ASYNC, "http2": HTTP2}
    exact = [scenario for scenario in SCENARIOS if name in (scenario.name, scenario.family)]
    found = groups.get(name) or tuple(exact) or _find_async(name) or _find_counted(name)
    if not found:
        known = f"{', '.join(NAMES)}, for any N to {MOST:,}, and {', '.join(GROUPS)}"
        raise ValueError(f"no scenario {name!r}; there are {known}")
    return found


def _find_async(name: str) -> tuple[Scenario, ...]:
    for loop in LOOPS:
        if name.startswith(f"{loop}-") and (found := _of_loop(loop, name[len(loop) + 1 :])):
            return found
    if not name.startswith("async-"):
        return ()
    rest = name.removeprefix("async-")
    loops = BULK_LOOPS if rest in BULK else LOOPS
    return tuple(scenario for loop in loops for scenario in _of_loop(loop, rest))


def _of_loop(loop: Loop, rest: str) -> tuple[Scenario, ...]:
    if rest == "get":
        return tuple(_tasks(loop, count) for count in TASKS)
    for action in BULK:
        if rest == action:
            return (_bulk(loop, action),)
    count = _count(rest, "get")
    return (_tasks(loop, count),) if count else ()


def _find_counted(name: str) -> tuple[Scenario, ...]:
    if name == "idle":
        return tuple(_idle(count) for count in IDLE_COUNTS)
    if name == "threads":
        return (_threads(THREADS),)
    if count := _count(name, "idle"):
        return (_idle(count),)
    if count := _count(name, "threads"):
        return (_threads(count),)
    return ()


def _count(name: str, family: str) -> int:
    """Return N of `family-N`, and 0 for every other name."""
    prefix, _, number = name.rpartition("-")
    if prefix != family or not number.isdecimal() or int(number) > MOST:
        return 0
    return int(number)
