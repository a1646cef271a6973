"""A message body that is one byte string, for code of either colour."""

import collections.abc


class ByteStream:
    """A body held in memory; it can be read any number of times.

    Args:
        content: The whole body.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> collections.abc.Iterator[bytes]:
        yield self.content

    async def __aiter__(self) -> collections.abc.AsyncIterator[bytes]:
        yield self.content

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{len(self.content)} bytes]>"
