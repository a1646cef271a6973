"""The demo's table: a line as soon as a request is done, in columns that line up."""

from tools.demo.exchange import Case, Outcome

_HEADINGS = (
    "backend", "protocol", "TLS", "proxy", "request", "status", "bytes", "connect ms",
    "first byte ms", "total ms",
)  # fmt: skip
_WIDTHS = (14, 8, 3, 14, 13, 6, 9, 10, 13, 8)
_LEFT = 5
"""The columns up to here hold words, the others numbers."""


def format_headings() -> str:
    """Return the table's first line."""
    return _format(_HEADINGS)


def format_row(case: Case, outcome: Outcome) -> str:
    """Return the line of one request; a failed one ends with its reason."""
    times = outcome.times
    cells = (
        *_name(case),
        str(outcome.step),
        "-" if outcome.status is None else str(outcome.status),
        f"{outcome.received:,}",
        # A response without a connect came over a connection that was kept.
        "reused" if times.connect is None and outcome.status else _milli(times.connect),
        _milli(times.first_byte),
        _milli(times.total),
    )
    line = _format(cells)
    return line if outcome.failure is None else f"{line}  FAILED: {outcome.failure}"


def format_failed_case(case: Case, reason: str) -> str:
    """Return the line of a case that did not come as far as its next request."""
    cells = (*_name(case), *"------")
    return f"{_format(cells)}  FAILED: {reason}"


def _name(case: Case) -> tuple[str, ...]:
    proxy = "-" if case.proxy is None else case.proxy.name
    return case.backend, case.protocol, "yes" if case.tls else "no", proxy


def _milli(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:.2f}"


def _format(cells: tuple[str, ...]) -> str:
    words = [
        cell.ljust(width) if number < _LEFT else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    ]
    return "  ".join(words)
