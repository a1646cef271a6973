"""What hpack logs, at DEBUG: each field that it decodes or drops, cookies as well.

What it does for us it does in silence, and what it does for others as ever.
"""

import logging

from .._protocol.http2.decompressor import is_at_work


def _is_others(record: logging.LogRecord) -> bool:
    return not is_at_work.get()


def silence() -> None:
    """Has hpack's loggers leave out what is ours; once is enough."""
    # A filter is asked only where DEBUG is on.
    for name in ("hpack.hpack", "hpack.table"):
        logging.getLogger(name).addFilter(_is_others)
