"""What goes wrong, in words: equal facts have equal words in every backend."""

CLOSED = "the stream was closed on this side"
BROKEN = "an earlier write failed, and may have sent a part"
FOREIGN = "the stream belongs to another event loop"


def describe(exc: BaseException) -> str:
    """Returns the message of an exception, or its name where it has none."""
    return str(exc) or type(exc).__name__
