"""One thing to prove, and how it went."""

import time
from collections.abc import Callable
from dataclasses import dataclass


class ProofError(Exception):
    """A claim does not hold; the message has the output of what failed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing to prove.

    Args:
        name: How the report calls it.
        prove: Proves it, and returns what there is to say of that.
    """

    name: str
    prove: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a claim went.

    Args:
        claim: Which.
        holds: Whether it is proven.
        text: What was found; of a failure, all of its output.
        seconds: How long it took.
    """

    claim: Claim
    holds: bool
    text: str
    seconds: float

    def __str__(self) -> str:
        verdict = "ok    " if self.holds else "FAILED"
        text = self.text if self.holds else f"\n{self.text}"
        return f"{self.claim.name:<30} {verdict} {self.seconds:5.1f} s  {text}".rstrip()


def try_to_prove(claim: Claim) -> Outcome:
    """Return how a claim goes; nothing that it raises is lost, and nothing stops the others."""
    began = time.monotonic()
    try:
        holds, text = True, claim.prove()
    except Exception as exc:
        holds, text = False, str(exc) or repr(exc)
    return Outcome(claim, holds, text, time.monotonic() - began)
