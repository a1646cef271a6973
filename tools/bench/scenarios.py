"""What the clients are asked to do."""

from dataclasses import dataclass
from typing import Literal

SMALL = 2_048
"""Bytes of the small response: a typical JSON answer, head and body in one segment."""

LARGE = 100_000_000
"""Bytes of the large bodies, 100 MB."""

TIMEOUT = 5.0
"""Seconds; what counts is that there is one, as most users have it."""

IDLE_COUNTS = (1, 100, 1_000)
THREADS = 20


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing to measure.

    Args:
        name: As it stands in the tables and on the command line.
        title: One line that says what is measured.
        action: What is done; `import` starts a fresh interpreter, the others are
            methods of a client.
        size: Body bytes of one request.
        idle: Connections to other origins that lie idle in the pool meanwhile.
        threads: How many threads do it at once.
        timeout: Seconds that each read and write may take; None: for ever.
    """

    name: str
    title: str
    action: Literal["get", "download", "upload", "import"]
    size: int = 0
    idle: int = 0
    threads: int = 1
    timeout: float | None = None

    @property
    def is_bulk(self) -> bool:
        """Whether megabytes per second say more than microseconds."""
        return self.action in ("download", "upload")


def _idle(count: int) -> Scenario:
    title = f"keep-alive GET of 2 kB with {count:,} idle connections to other origins"
    return Scenario(f"idle-{count}", title, "get", SMALL, idle=count)


SCENARIOS = (
    Scenario("get-2k", "keep-alive GET of 2 kB, one connection", "get", SMALL),
    Scenario(
        "get-2k-timeout",
        "keep-alive GET of 2 kB, every read and write with a timeout",
        "get",
        SMALL,
        timeout=TIMEOUT,
    ),
    *(_idle(count) for count in IDLE_COUNTS),
    Scenario(
        "threads",
        f"keep-alive GET of 2 kB, {THREADS} threads share one pool (raw: a socket each)",
        "get",
        SMALL,
        threads=THREADS,
    ),
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


def find_scenario(name: str) -> Scenario:
    """Return the scenario of a name; `idle-N` is known for every N from 1 to 10,000.

    Raises:
        ValueError: No scenario has that name.
    """
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    prefix, _, number = name.partition("-")
    if prefix == "idle" and number.isdecimal() and 1 <= int(number) <= 10_000:
        return _idle(int(number))
    known = ", ".join(scenario.name for scenario in SCENARIOS)
    raise ValueError(f"no scenario {name!r}; there are {known}, and idle-N for any N")
