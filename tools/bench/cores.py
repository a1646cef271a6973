"""Which core a process runs on."""

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BUSY = 0.5
"""The load average from which on others are at work: a quiet machine is near 0."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the server and that of the client; None: wherever the system puts them."""

    server: int | None
    client: int | None

    def describe(self) -> str:
        if self.server is None:
            return "processes are not pinned (this system cannot): expect noise"
        if self.server == self.client:
            return f"one core only ({self.server}): client and server share it, ratios blur"
        return f"server on core {self.server}, client on core {self.client}"


def choose_cores() -> Cores:
    """Choose from the cores that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, None)
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[1 if len(usable) > 1 else 0])


def describe_load() -> str | None:
    """Return a warning if others are at work on this machine; None if it is quiet."""
    load = os.getloadavg()[0]
    if load < BUSY:
        return None
    return f"load average {load:.2f} before the start: other work blurs walls and ratios"


def describe_processor() -> str:
    """Return what the processor is called, and how many cores of it there are."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text("utf-8") if cpuinfo.exists() else ""
    named = re.search(r"(?m)^model name\s*: (.*)$", text)
    return f"{named[1] if named else platform.processor()}, {os.cpu_count()} cores"


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Let processes that are started within the block run on one core only."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
