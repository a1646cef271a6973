"""Time that passes when a test says so."""

import math
import sys
import time

import pytest


class Clock:
    """The time of a test: it passes when somebody waits, and only then."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        assert math.isfinite(seconds), "somebody waits for ever"
        self.now += max(seconds, 0.0)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Becomes the clock of everything in the pool's package that looks at one."""
        found = 0
        for name, module in list(sys.modules.items()):
            if name.startswith("httpcore_pool"):
                for attribute, value in list(vars(module).items()):
                    if value is time or value is time.monotonic:
                        mine = self if value is time else self.monotonic
                        monkeypatch.setattr(module, attribute, mine)
                        found += 1
        assert found, "no module of the pool looks at a clock that could be replaced"
