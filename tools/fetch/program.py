"""The program without its start: exit codes, and no traceback whatever happens."""

import os
import sys
from collections.abc import Sequence

from tools.fetch.arguments import parse
from tools.fetch.exchange import exchange
from tools.fetch.failures import FetchError, describe


def fetch(arguments: Sequence[str] | None) -> int:
    """Fetch; return 0 for any response, 1 for a failure.

    Raises:
        KeyboardInterrupt: The user gave up.
    """
    try:
        command = parse(arguments)
    except FetchError as exc:
        return _fail(str(exc))
    if sys.stdout is None:
        return _fail("standard output is closed")
    try:
        exchange(command, sys.stdout.buffer)
    except BrokenPipeError:
        _forget_stdout()
        return 1
    except Exception as exc:
        return _fail(describe(exc, command.target.host, command.target.port, command.proxy))
    return 0


def _fail(line: str) -> int:
    print(f"fetch: {line}", file=sys.stderr)
    return 1


def _forget_stdout() -> None:
    # What is left in the buffer would be written at exit, and fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
