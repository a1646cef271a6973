"""The command line of fetch."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch; return 0 for any response, 1 for a failure, 130 for an interrupt."""
    try:
        # Imported here, so that an interrupt meanwhile leaves no traceback either.
        from tools.fetch.program import fetch

        return fetch(arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
