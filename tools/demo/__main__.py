"""The command line of the demo."""

import argparse
import sys
from collections.abc import Sequence

from tools.demo.cases import CASES, describe
from tools.demo.report import format_failed_case, format_headings, format_row
from tools.demo.server import running_server


def main(arguments: Sequence[str] | None = None) -> int:
    """Show every case; return 1 if a request failed, else 0."""
    argparse.ArgumentParser(
        prog="demo",
        description="Send requests to an embedded server by every backend and protocol.",
    ).parse_args(arguments)
    try:
        return show()
    except KeyboardInterrupt:
        return 130


def show() -> int:
    """Run the server and print the table; return 1 if a request failed, else 0."""
    failures = 0
    print(format_headings())
    with running_server() as address:
        for case in CASES:
            try:
                for outcome in case.send(case, address):
                    failures += outcome.failure is not None
                    print(format_row(case, outcome), flush=True)
            except Exception as exc:
                failures += 1
                print(format_failed_case(case, describe(exc)), flush=True)
    if failures:
        print(f"demo: {failures} failed, see the table", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
