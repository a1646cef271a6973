"""What one request and its response have in common while they last."""

import collections

from httpcore_interface import AsyncNetworkStream, RemoteProtocolError

from .._protocol.http11 import Head, RequestWriter, ResponseReader
from .timeouts import Timeouts
from .trace import Tracer

READ_SIZE = 64 * 1024
"""Bytes asked of the stream at once, for heads and bodies alike: enough for nearly
every head to come in one piece."""

# A server may send any number of interim responses (RFC 9110, section 15.2); one
# that sends nothing else keeps its client busy for ever.
_MOST_INTERIM_HEADS = 100


class Exchange:
    """One request and its response on one connection.

    Args:
        stream: The connection.
        writer: The request as bytes.
        timeouts: How long it may take.
        tracer: Who is told, if anybody.

    Attributes:
        reader: The response as events.
        early_head: A final head that came while the request was being sent.
        early_chunks: What came of its body meanwhile; None if nothing did.
        is_sent: Whether all of the request was sent.
    """

    __slots__ = (
        "_interim_heads",
        "early_chunks",
        "early_head",
        "is_sent",
        "reader",
        "stream",
        "timeouts",
        "tracer",
    )

    def __init__(
        self,
        stream: AsyncNetworkStream,
        writer: RequestWriter,
        timeouts: Timeouts,
        tracer: Tracer | None,
    ) -> None:
        self.stream = stream
        self.reader = ResponseReader(writer)
        self.timeouts = timeouts
        self.tracer = tracer
        self.early_head: Head | None = None
        self.early_chunks: collections.deque[bytes] | None = None
        self.is_sent = False
        self._interim_heads = 0

    async def receive_head(self) -> Head:
        """Returns the final head, reading until it has come."""
        if self.early_head is not None:
            return self.early_head
        reader = self.reader
        while True:
            head = reader.next_head()
            if head is None:
                reader.feed(await self.stream.read(READ_SIZE, self.timeouts.for_read()))
            elif is_final(head):
                return head
            else:
                await self._note_interim(head)

    async def take_early_head(self, *, until_continue: bool = False) -> bool:
        """Takes the heads that have been received; the final one is set aside.

        Args:
            until_continue: Whether to stop behind a 100 (Continue).

        Returns:
            Whether it stopped at what it was asked for: the final head, or a 100.
        """
        while (head := self.reader.next_head()) is not None:
            if is_final(head):
                self.early_head = head
                return True
            await self._note_interim(head)
            if until_continue and head[1] == 100:
                return True
        return False

    def take_early_body(self) -> bool:
        """Sets aside what has been received of the body of an early response.

        Returns:
            Whether more has been received than belongs to it.
        """
        chunks = []
        while chunk := self.reader.next_chunk():
            chunks.append(chunk)
        if chunks:
            if self.early_chunks is None:
                self.early_chunks = collections.deque()
            # One piece for each read, however small the chunks were.
            self.early_chunks.append(b"".join(chunks))
        return chunk == b"" and bool(self.reader.unread)

    async def _note_interim(self, head: Head) -> None:
        """Counts a 1xx response, and tells of it."""
        self._interim_heads += 1
        if self._interim_heads > _MOST_INTERIM_HEADS:
            raise RemoteProtocolError(
                f"the server sent more than {_MOST_INTERIM_HEADS} interim responses"
            )
        if self.tracer is not None:
            await self.tracer.tell(
                "http11.receive_interim_response.complete", {"return_value": head}
            )


def is_final(head: Head) -> bool:
    """Returns whether a head is the last of its response.

    101 (Switching Protocols) is, though its number is that of an interim one (RFC
    9110, section 15.2.2).
    """
    return head[1] >= 200 or head[1] == 101
