"""The command line of the demo."""

import argparse
import sys
from collections.abc import Sequence

from tools.demo.cases import CASES
from tools.demo.exchange import Case, Outcome, describe
from tools.demo.http2_server import running_http2_server
from tools.demo.report import format_failed_case, format_headings, format_row
from tools.demo.server import Address, running_server


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
    """Run the servers and print the table; return 1 if a request failed, else 0."""
    print(format_headings())
    with running_server() as http1, running_http2_server() as http2:
        failures = sum(show_case(case, http2 if case.is_http2 else http1) for case in CASES)
    if failures:
        print(f"demo: {failures} failed, see the table", file=sys.stderr)
    return 1 if failures else 0


def show_case(case: Case, address: Address) -> int:
    """Print the rows of a case, each as soon as it is known; return how many failed."""
    failures = 0

    def report(outcome: Outcome) -> None:
        nonlocal failures
        failures += outcome.failure is not None
        print(format_row(case, outcome), flush=True)

    try:
        case.send(case, address, report)
    except Exception as exc:
        failures += 1
        print(format_failed_case(case, describe(exc)), flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main())
