"""What differs between runs on two httpcores, and what differs by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.suites.junit import Outcome, Outcomes


@dataclass(frozen=True, slots=True)
class Difference:
    """A test that ends otherwise.

    Args:
        test: Its name.
        before: What became of it on 1.x: in each run the same.
        after: What became of it on this one, likewise.
    """

    test: str
    before: Outcome
    after: Outcome


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs of one suite on 1.x and on this httpcore.

    Args:
        before: What became of each test on 1.x, in the first run.
        after: Likewise on this one.
        differences: Tests that ended the one way on 1.x, the other on this, every time.
        unsteady: Tests that did not end the same way every time on one of them.
    """

    before: Outcomes
    after: Outcomes
    differences: tuple[Difference, ...]
    unsteady: tuple[str, ...]


def compare(before: Sequence[Outcomes], after: Sequence[Outcomes]) -> Comparison:
    """Compare runs, of which there is at least one each."""
    names = sorted({name for outcomes in (*before, *after) for name in outcomes})
    differences = []
    unsteady = []
    for name in names:
        theirs = {outcomes.get(name, "missing") for outcomes in before}
        ours = {outcomes.get(name, "missing") for outcomes in after}
        if len(theirs) > 1 or len(ours) > 1:
            unsteady.append(name)
        elif theirs != ours:
            differences.append(Difference(name, theirs.pop(), ours.pop()))
    return Comparison(before[0], after[0], tuple(differences), tuple(unsteady))


def count(outcomes: Outcomes, outcome: Outcome) -> int:
    """Return how many tests ended so."""
    return sum(one == outcome for one in outcomes.values())
