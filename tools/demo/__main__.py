"""The command line of the demo."""

import argparse
import sys
from collections.abc import Sequence

import trustme

from tools.demo.cases import CASES
from tools.demo.exchange import Case, Outcome, Site, describe, find_detour
from tools.demo.http2_server import running_http2_server
from tools.demo.proxy import make_context, running_proxies
from tools.demo.report import format_failed_case, format_headings, format_row
from tools.demo.server import running_server


def main(arguments: Sequence[str] | None = None) -> int:
    """Show every case; return 1 if a request failed, else 0."""
    argparse.ArgumentParser(
        prog="demo",
        description="Send requests to embedded servers, straight and through proxies, by "
        "every backend and protocol.",
    ).parse_args(arguments)
    try:
        return show()
    except KeyboardInterrupt:
        return 130


def show() -> int:
    """Run the servers and print the table; return 1 if a request failed, else 0."""
    print(format_headings())
    authority = trustme.CA()
    with (
        running_server(authority) as http1,
        running_http2_server(authority) as http2,
        running_proxies(make_context(authority)) as proxies,
    ):
        failures = sum(
            show_case(case, Site(http2 if case.is_http2 else http1, proxies)) for case in CASES
        )
    if failures:
        print(f"demo: {failures} failed, see the table", file=sys.stderr)
    return 1 if failures else 0


def show_case(case: Case, site: Site) -> int:
    """Print the rows of a case, each as soon as it is known; return how many failed."""
    failures = 0

    def report(outcome: Outcome) -> None:
        nonlocal failures
        failures += outcome.failure is not None
        print(format_row(case, outcome), flush=True)

    reason: str | None
    site.proxies.asked.clear()
    try:
        case.send(case, site, report)
        reason = None if failures else find_detour(case, site)
    except Exception as exc:
        reason = describe(exc)
    if reason is not None:
        failures += 1
        print(format_failed_case(case, reason), flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main())
