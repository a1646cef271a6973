"""The speed that was aimed at, and whether it was reached in the runs that were kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tools.docs.results import OURS, RAW, Clock, Results, ratio


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio that was aimed at.

    Args:
        what: What it is about.
        aim: The least that is enough, or the most that is allowed.
        is_least: Which of the two.
        values: What is compared: a scenario and a client.
        bases: What it is compared with, likewise.
        is_same_run: Whether both were measured in the same rounds; else it is a ratio of
            medians.
    """

    what: str
    aim: float
    is_least: bool
    values: tuple[str, str]
    bases: tuple[str, str]
    is_same_run: bool = True

    def measure(self, results: Results, clock: Clock) -> float:
        """Return what it was."""
        values, bases = (results.times(*what, clock) for what in (self.values, self.bases))
        found = ratio(values, bases) if self.is_same_run else median(values) / median(bases)
        assert found is not None, f"{self.what}: there are no results"
        return found


def _time(what: str, most: float, scenario: str, base: str = "") -> Target:
    """Our time, as a multiple of the raw loop's, or of ours in another scenario."""
    bases = (base, OURS) if base else (scenario, RAW)
    return Target(what, most, False, (scenario, OURS), bases)


def _speed(what: str, least: float, scenario: str, client: str = RAW) -> Target:
    """Our speed, as a multiple of another client's: its time for ours."""
    return Target(what, least, True, (scenario, client), (scenario, OURS))


OLD = "httpcore-1.0.9"
CLOCKS: tuple[Clock, Clock] = ("wall", "cpu")

TARGETS: Sequence[Target] = (
    _time("blocking GET: time x the raw loop's", 1.35, "get-2k"),
    _speed("the same: throughput x httpcore 1.0.9's", 1.7, "get-2k", OLD),
    _speed("20 threads: throughput x urllib3's", 2, "threads-20", "urllib3"),
    _speed("asyncio, 20 at once: throughput x aiohttp's", 1.25, "asyncio-get-20", "aiohttp"),
    _speed("asyncio, 200 at once: throughput x aiohttp's", 1.25, "asyncio-get-200", "aiohttp"),
    _time("asyncio, 200 at once: time x that at 20", 1.1, "asyncio-get-200", "asyncio-get-20"),
    _time(
        "asyncio, 1,000 at once: time x that at 20", 1.25, "asyncio-get-1000", "asyncio-get-20"
    ),
    _speed("uvloop, 20 at once: throughput x aiohttp's", 2.2, "uvloop-get-20", "aiohttp"),
    _time("trio, 20 at once: time x the raw loop's", 2, "trio-get-20"),
    _time("anyio, 20 at once: time x the raw loop's", 2, "anyio-get-20"),
    _speed("download of 100 MB: speed x the raw loop's", 0.8, "download"),
    _speed("upload of 100 MB: speed x the raw loop's", 0.8, "upload"),
    _speed("asyncio, download: speed x the raw loop's", 0.8, "asyncio-download"),
    _speed("asyncio, upload: speed x the raw loop's", 0.8, "asyncio-upload"),
    _speed("HTTP/2, 20 threads: throughput x httpcore 1.0.9's", 2.5, "http2-get-20", OLD),
    _speed("HTTP/2, 20 tasks: throughput x httpcore 1.0.9's", 2.5, "asyncio-http2-get-20", OLD),
    Target(
        "HTTP/2, download: speed x that of HTTP/1.1 over TLS",
        0.5,
        True,
        ("tls-download", OURS),
        ("http2-download", OURS),
        is_same_run=False,
    ),
)


def format_targets(results: Results) -> str:
    """Return the targets as a table, with what they were in the runs."""
    lines = ["| what | target | measured | by CPU time | |", "|---|---|---|---|---|"]
    for target in TARGETS:
        found, by_cpu = (target.measure(results, clock) for clock in CLOCKS)
        bound = "at least" if target.is_least else "at most"
        is_met = found >= target.aim if target.is_least else found <= target.aim
        verdict = "met" if is_met else "**missed**"
        facts = (f"{bound} {target.aim:g}", f"{found:.2f}", f"{by_cpu:.2f}", verdict)
        lines.append(f"| {target.what} | {' | '.join(facts)} |")
    return "\n".join(lines)
