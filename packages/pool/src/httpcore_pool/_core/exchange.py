"""One request and its response, from the first byte sent to the end of the body."""

import collections
import time
import typing

from httpcore_interface import AsyncNetworkStream, RemoteProtocolError

from .._messages import Request
from .._protocol.http11 import Head, RequestWriter, ResponseReader
from .closing import close_all
from .ending import Ending
from .timeouts import Timeouts
from .trace import Tracer

if typing.TYPE_CHECKING:
    from .http11 import HTTP11Connection

READ_SIZE = 64 * 1024
"""Bytes asked of the stream at once, for heads and bodies alike: enough for nearly
every head to come in one piece."""

# A server may send any number of interim responses (RFC 9110, section 15.2); one
# that sends nothing else keeps its client busy for ever.
_MOST_INTERIM_HEADS = 100


class Exchange(Ending):
    """One request and its response on one connection.

    Args:
        connection: What it goes over.
        request: What is sent.
        writer: The same as bytes.
        timeouts: How long it may take.
        tracer: Who is told, if anybody.

    Attributes:
        stream: The connection's.
        reader: The response as events.
        early_head: A final head that came while the request was being sent.
        early_chunks: What came of its body meanwhile; None if nothing did.
        is_sent: Whether all of the request was sent.
    """

    # One object, since one is made for each request: what it does is told apart by
    # the headings below.
    __slots__ = (
        "_connection",
        "_interim_heads",
        "early_chunks",
        "early_head",
        "is_sent",
        "reader",
        "stream",
        "timeouts",
    )

    protocol = "http11"
    _connection: "HTTP11Connection"

    def __init__(
        self,
        connection: "HTTP11Connection",
        request: Request,
        writer: RequestWriter,
        timeouts: Timeouts,
        tracer: Tracer | None,
    ) -> None:
        self._connection = connection
        self._request = request
        self.stream: AsyncNetworkStream = connection.stream
        self.reader = ResponseReader(writer)
        self.timeouts = timeouts
        self.tracer = tracer
        self.early_head: Head | None = None
        self.early_chunks: collections.deque[bytes] | None = None
        self.is_sent = False
        self._interim_heads = 0
        self._lease = self._doomed = self._failure = None
        self._is_open = self._is_complete = self._is_reading = self._is_told = False

    # -- the head ----------------------------------------------------------------

    async def receive_head(self) -> Head:
        """Returns the final head, reading until it has come."""
        if self.early_head is not None:
            return self.early_head
        reader, timeouts = self.reader, self.timeouts
        # Nearly always the first read brings it: there is nothing to look at before.
        head = reader.next_head() if reader.received else None
        while True:
            if head is None:
                reader.feed(
                    await self.stream.read(
                        READ_SIZE,
                        timeouts.read if timeouts.deadline is None else timeouts.for_read(),
                    )
                )
            elif is_final(head):
                return head
            else:
                await self._note_interim(head)
            head = reader.next_head()

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

    # -- reading the body --------------------------------------------------------

    def take_chunk(self) -> bytes | None:
        """Returns what can be had without waiting.

        Returns:
            A part of the body, `b""` at its end, None if `next_chunk` has to be
            awaited for either.
        """
        if not self._is_open or self._is_reading or self.tracer is not None:
            return b"" if self._is_complete and not self._doomed else None
        try:
            chunk = self._next_received()
        except Exception as exc:  # noqa: BLE001 - raised by next_chunk()
            self._failure = exc
            return None
        if chunk == b"":
            self._complete()
            if self._doomed:
                return None
        return chunk

    def take_rest(self) -> bytes | None:
        """Returns the whole rest of the body if it has been received already.

        Returns:
            None if `next_chunk` has to be awaited; nothing was taken then.
        """
        if not self._is_open or self._is_reading or self.tracer or self.early_chunks:
            return None
        rest = self.reader.take_rest()
        if rest is not None:
            self._complete()
        return rest

    async def next_chunk(self) -> bytes:
        """Returns the next part of the body, `b""` at its end.

        Raises:
            ReadTimeout, ReadError, RemoteProtocolError: It did not come.
            RuntimeError: The response was closed before, or somebody else is reading it.
        """
        if not self._is_open:
            return await self._past_the_end()
        if self._is_reading:
            raise RuntimeError("another thread or task is reading this response")
        try:
            if self.tracer is not None:
                await self._tell_begun()
            if self._failure is not None:
                raise self._failure  # noqa: TRY301 - from take_chunk()
            self._is_reading = True
            while (chunk := self._next_received()) is None:
                self.reader.feed(await self.stream.read(READ_SIZE, self.timeouts.for_read()))
            self._is_reading = False
        except BaseException as exc:
            await self._fail(exc)
            raise
        if chunk == b"":
            self._complete()
            # Where the protocol has changed, the exchange goes on.
            if not self._is_open:
                await self._conclude("complete", {"return_value": None})
        return chunk

    def _next_received(self) -> bytes | None:
        if self.early_chunks:
            return self.early_chunks.popleft()
        return self.reader.next_chunk()

    # -- the end -----------------------------------------------------------------

    def _complete(self) -> None:
        """Settles that the body has been read to its end."""
        self._is_complete = True
        reader = self.reader
        if reader.fallback is not None:
            if reader.trailers:
                self._extensions["trailing_headers"] = reader.trailers
            if reader.has_switched:
                # The exchange goes on, as something else.
                return
        self._end(reusable=self.is_sent and reader.may_continue)

    def _end(self, *, reusable: bool) -> None:
        if not self._is_open:
            return
        self._is_open = False
        now = time.monotonic()
        reusable = self._connection.finish(now, reusable=reusable)
        if self._lease is not None:
            self._doomed = self._lease.end(now, reusable=reusable)
        elif not reusable:
            self._doomed = [self._connection]

    def _break_off(self) -> None:
        self._end(reusable=False)

    async def aclose(self) -> None:
        """Ends the exchange, wherever the body is.

        What was received already is read; if that is the whole body, the connection
        can go on.
        """
        if not self._is_open:
            await self._close_doomed()
            return
        # Under somebody who reads, nothing can be left in order.
        if self._is_reading or not self._has_all():
            self._end(reusable=False)
        await self._conclude("complete", {"return_value": None})

    def _has_all(self) -> bool:
        """Reads what was received; settles, if it is everything."""
        try:
            while chunk := self._next_received():
                pass
        except Exception:  # noqa: BLE001 - nobody wants the body any more
            return False
        if chunk is None or self.reader.has_switched:
            return False
        self._complete()
        return True

    def replace_stream(self, stream: AsyncNetworkStream) -> None:
        """Notes that the connection, its protocol changed, goes on encrypted."""
        self._connection.stream = stream

    async def _close_doomed(self) -> None:
        doomed, self._doomed = self._doomed, None
        if doomed:
            await close_all(doomed)

    def __del__(self) -> None:
        # In a finaliser, at any moment and in any thread: no lock, no waiting.
        if self._is_open:
            self._is_open = False
            self._connection.finish(0.0, reusable=False)
        # Asked even so: an interrupt may have come between the two.
        if self._lease is not None and not self._lease.is_over:
            self._lease.abandon()


def is_final(head: Head) -> bool:
    """Returns whether a head is the last of its response.

    101 (Switching Protocols) is, though its number is that of an interim one (RFC
    9110, section 15.2.2).
    """
    return head[1] >= 200 or head[1] == 101
