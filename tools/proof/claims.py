"""All that is to be proven."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from tools.proof.alone import prove_alone
from tools.proof.claim import Claim
from tools.proof.dependent import HTTPX, prove_dependent
from tools.proof.lowest import prove_lowest
from tools.proof.oldest import find_oldest_by_tags, prove_oldest
from tools.proof.server import Servers
from tools.proof.together import COMBINATIONS, prove_interface, prove_together
from tools.proof.wheels import Wheels
from tools.release.distribution import Distribution
from tools.release.repository import Repository


def make_claims(
    chosen: Sequence[Distribution],
    distributions: Mapping[str, Distribution],
    wheels: Wheels,
    servers: Servers,
    repository: Repository,
    scratch: Path,
) -> list[Claim]:
    """Return the claims of some distributions; if these are all, those of the whole as well.

    Args:
        chosen: Whose claims.
        distributions: All of them, by name.
        wheels: Their wheels.
        servers: What requests go to.
        repository: Where the tests and the old releases are.
        scratch: A folder for the environments.
    """
    root = repository.root
    # What takes longest begins first.
    chosen = sorted(chosen, key=lambda one: _count_tests(root / one.folder), reverse=True)
    claims = [
        Claim(f"{one} alone", partial(prove_alone, one, wheels, root, scratch / f"alone-{one}"))
        for one in chosen
    ]
    for one in chosen:
        oldest = find_oldest_by_tags(one, distributions, repository)
        if oldest:
            name, folder = f"{one} with oldest siblings", scratch / f"oldest-{one}"
            claims.append(
                Claim(
                    name,
                    partial(
                        prove_oldest, one, oldest, distributions, wheels, repository, folder
                    ),
                )
            )
    if len(chosen) < len(distributions):
        return claims
    claims.append(
        Claim("interface", partial(prove_interface, wheels, servers, scratch / "interface"))
    )
    claims += [
        Claim(
            str(one),
            partial(prove_together, one, wheels, servers, scratch / f"together-{number}"),
        )
        for number, one in enumerate(COMBINATIONS)
    ]
    lowest = partial(prove_lowest, wheels, servers, scratch / "lowest")
    dependent = partial(prove_dependent, wheels, servers, scratch / "dependent")
    return [*claims, Claim("lowest versions", lowest), Claim(HTTPX, dependent)]


def _count_tests(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("tests/test_*.py"))
