"""The command line of the proof."""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tools.proof.claim import Claim, try_to_prove
from tools.proof.claims import make_claims
from tools.proof.server import running_servers
from tools.proof.wheels import Wheels, read_wheels
from tools.release import build
from tools.release.distribution import Distribution, find, read_distributions
from tools.release.error import ReleaseError
from tools.release.parser import Parser
from tools.release.repository import Repository

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove what is asked for; return 1 if a claim does not hold."""
    try:
        options = _parse(arguments)
        with tempfile.TemporaryDirectory() as scratch:
            return prove(options.names, options.wheels, options.jobs, Path(scratch))
    except ReleaseError as exc:
        print(f"proof: {exc}", file=sys.stderr)
        return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="proof",
        description="Prove by wheels in fresh environments that distributions are independent.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of these only")
    parser.add_argument(
        "--wheels", type=Path, metavar="DIR", help="what `release build --all` has made there"
    )
    jobs = os.cpu_count() or 1
    parser.add_argument("--jobs", type=int, default=jobs, metavar="N", help="so many at once")
    return parser.parse_args(arguments)


def prove(names: Sequence[str], folder: Path | None, jobs: int, scratch: Path) -> int:
    """Print a line for each claim as it is settled; return 1 if one does not hold."""
    distributions = read_distributions(ROOT)
    repository = Repository(ROOT)
    chosen = [find(distributions, name) for name in names] or list(distributions.values())
    wheels = _find_wheels(distributions, folder) or _make_wheels(
        distributions, repository, jobs, scratch / "wheels"
    )
    with running_servers(scratch) as servers:
        claims = make_claims(chosen, distributions, wheels, servers, repository, scratch)
        failed = _settle(claims, jobs)
    if not any(map(repository.releases, distributions.values())):
        print("no oldest siblings to prove anything with: there are no releases yet")
    print(f"{len(claims) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _settle(claims: Sequence[Claim], jobs: int) -> int:
    failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(try_to_prove, claim) for claim in claims]):
            outcome = future.result()
            failed += not outcome.holds
            print(outcome, flush=True)
    return failed


def _find_wheels(
    distributions: Mapping[str, Distribution], folder: Path | None
) -> Wheels | None:
    if folder is None:
        return None
    wheels = read_wheels(folder)
    missing = distributions.keys() - wheels.by_name.keys()
    if missing:
        raise ReleaseError(f"{folder} has no wheel of {', '.join(sorted(missing))}")
    return wheels


def _make_wheels(
    distributions: Mapping[str, Distribution], repository: Repository, jobs: int, target: Path
) -> Wheels:
    def make(one: Distribution) -> list[str]:
        made = build.make(ROOT / one.folder, target, repository.time_of(one.folder))
        return build.check(made, one, distributions, repository)

    with ThreadPoolExecutor(jobs) as pool:
        faults = [fault for found in pool.map(make, distributions.values()) for fault in found]
    if faults:
        raise ReleaseError("\n".join(faults))
    return read_wheels(target)


if __name__ == "__main__":
    sys.exit(main())
