"""The command line of releases."""

import argparse
import datetime
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.release import build, bump, changelog, show
from tools.release.archives import headline
from tools.release.distribution import Distribution, find, find_tagged, read_distributions
from tools.release.error import ReleaseError
from tools.release.facts import read_facts
from tools.release.parser import Parser
from tools.release.repository import Repository
from tools.release.version import PARTS

ROOT = Path(__file__).parents[2]

Distributions = Mapping[str, Distribution]
Command = Callable[[argparse.Namespace, Repository, Distributions], None]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Do what is asked; return 1 if that cannot or must not be."""
    try:
        options = _parser().parse_args(arguments)
        command: Command = options.command
        command(options, Repository(root), read_distributions(root))
    except ReleaseError as exc:
        print(f"release: {exc}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="release",
        description="Show, bump and build each distribution by itself; publish nothing.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("show", help="what there is to release; of NAME each commit")
    one.add_argument("names", nargs="*", metavar="NAME")
    one.set_defaults(command=_show)

    one = commands.add_parser("bump", help="move a version and its changelog on")
    one.add_argument("name", metavar="NAME")
    one.add_argument("part", choices=[*PARTS, "first"], help="first: for the first release")
    one.add_argument(
        "--raise",
        dest="raised",
        default="",
        metavar="NAME,...",
        help="siblings that need this version, beside those seen to import what is new",
    )
    one.set_defaults(command=_bump)

    one = commands.add_parser("build", help="make and check the archives in dist/")
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument("names", nargs="*", default=[], metavar="NAME")
    what.add_argument("--all", action="store_true", help="all of them")
    what.add_argument("--tag", help="the one whose version this tag names, and has to be")
    one.set_defaults(command=_build)

    one = commands.add_parser("notes", help="print what the changelog says of a tag's version")
    one.add_argument("tag", metavar="TAG")
    one.set_defaults(command=_notes)
    return parser


def _show(options: argparse.Namespace, repository: Repository, all_: Distributions) -> None:
    chosen = [find(all_, name) for name in options.names]
    standings = [show.read_standing(one, repository) for one in chosen or all_.values()]
    print(show.format_table(standings))
    for standing in standings if chosen else []:
        print(f"\n{show.format_commits(standing)}")


def _bump(options: argparse.Namespace, repository: Repository, all_: Distributions) -> None:
    distribution = find(all_, options.name)
    raised = {find(all_, name).name for name in options.raised.split(",") if name}
    facts = read_facts(distribution, all_, repository)
    today = datetime.datetime.now(datetime.UTC).date()
    plan = bump.plan(all_, distribution, options.part, facts, today, raised)
    for path, text in plan.files.items():
        (repository.root / path).write_text(text, "utf-8", newline="\n")
    print("\n".join(plan.remarks))
    print(f'git commit -am "Release {distribution.name} {plan.version}"')


def _build(options: argparse.Namespace, repository: Repository, all_: Distributions) -> None:
    if options.tag is not None:
        chosen = [find_tagged(all_, options.tag)]
        changelog.notes(chosen[0].changelog, chosen[0].version)
    elif options.all:
        chosen = list(all_.values())
    else:
        chosen = [find(all_, name) for name in options.names]
    bump.hold_to_commits(repository.changed_files())
    target = repository.root / "dist"
    faults: list[str] = []
    files: list[Path] = []
    for distribution in chosen:
        folder = distribution.folder
        built = build.make(repository.root / folder, target, repository.time_of(folder))
        faults += build.check(built, distribution, all_, repository)
        files += [built.sdist, built.wheel]
    faults += build.check_rendering(files)
    if faults:
        raise ReleaseError("\n".join(faults))
    sums = build.write_checksums(target)
    for path in files:
        print(f"{sums[path.name]}  dist/{path.name}")
    for distribution in chosen:
        releases = repository.releases(distribution)
        is_ahead = distribution.version in releases and repository.is_ahead_of(distribution.tag)
        print(headline(distribution, releases, is_ahead=is_ahead))


def _notes(options: argparse.Namespace, repository: Repository, all_: Distributions) -> None:
    distribution = find_tagged(all_, options.tag)
    print(changelog.notes(distribution.changelog, distribution.version))


if __name__ == "__main__":
    sys.exit(main())
