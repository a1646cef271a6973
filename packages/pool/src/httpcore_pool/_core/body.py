"""A response's body on its way in."""

import typing

from httpcore_interface import AsyncNetworkStream, ReadError

from .._messages import Extensions, Request
from .closing import Closable, close_all
from .exchange import READ_SIZE, Exchange
from .lease import Lease

if typing.TYPE_CHECKING:
    from .http11 import HTTP11Connection


class ResponseBody:
    """The body of one response, and the end of its exchange.

    It ends once: when it has been read, when it is closed, when reading fails, or
    when it is found abandoned. The books are settled before the first await, so
    that a cancellation finds nothing half done.

    Args:
        connection: Where it comes from.
        request: What it answers.
        exchange: How it is read.
        extensions: The response's; trailers are put there.
        lease: What to give back at the end; None for a connection without a pool.
    """

    __slots__ = (
        "_connection",
        "_doomed",
        "_exchange",
        "_extensions",
        "_failure",
        "_is_complete",
        "_is_ended",
        "_is_reading",
        "_is_told",
        "_lease",
        "_request",
    )

    def __init__(
        self,
        connection: "HTTP11Connection",
        request: Request,
        exchange: Exchange,
        extensions: Extensions,
        lease: Lease | None,
    ) -> None:
        self._connection = connection
        self._request = request
        self._exchange = exchange
        self._extensions = extensions
        self._lease = lease
        self._doomed: list[Closable] | None = None
        self._failure: BaseException | None = None
        self._is_complete = False
        self._is_ended = False
        self._is_reading = False
        self._is_told = False

    # -- reading -----------------------------------------------------------------

    def take_chunk(self) -> bytes | None:
        """Returns what can be had without waiting.

        Returns:
            A part of the body, `b""` at its end, None if `next_chunk` has to be
            awaited for either.
        """
        if self._is_ended or self._is_reading or self._exchange.tracer is not None:
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
        exchange = self._exchange
        if self._is_ended or self._is_reading:
            return None
        if exchange.tracer is not None or exchange.early_chunks:
            return None
        rest = exchange.reader.take_rest()
        if rest is not None:
            self._complete()
        return rest

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and left nothing to close."""
        return self._is_ended and not self._doomed

    async def next_chunk(self) -> bytes:
        """Returns the next part of the body, `b""` at its end.

        Raises:
            ReadTimeout, ReadError, RemoteProtocolError: It did not come.
            RuntimeError: The response was closed before, or somebody else is reading it.
        """
        if self._is_ended:
            return await self._past_the_end()
        if self._is_reading:
            raise RuntimeError("another thread or task is reading this response")
        exchange = self._exchange
        try:
            if exchange.tracer is not None and not self._is_told:
                self._is_told = True
                await self._tell("started", {"request": self._request})
            if self._failure is not None:
                raise self._failure  # noqa: TRY301 - from take_chunk()
            self._is_reading = True
            while (chunk := self._next_received()) is None:
                exchange.reader.feed(
                    await exchange.stream.read(READ_SIZE, exchange.timeouts.for_read())
                )
            self._is_reading = False
        except BaseException as exc:
            await self._fail(exc)
            raise
        if chunk == b"":
            self._complete()
            # Where the protocol has changed, the exchange goes on.
            if self._is_ended:
                await self._conclude("complete", {"return_value": None})
        return chunk

    def _next_received(self) -> bytes | None:
        if self._exchange.early_chunks:
            return self._exchange.early_chunks.popleft()
        return self._exchange.reader.next_chunk()

    async def _past_the_end(self) -> bytes:
        if self._doomed:
            await self._close_doomed()
        if self._failure is not None:
            raise ReadError("this response could not be read to its end") from self._failure
        if not self._is_complete:
            raise RuntimeError("this response was closed before its body had been read")
        return b""

    # -- the end -----------------------------------------------------------------

    def _complete(self) -> None:
        """Settles that the body has been read to its end."""
        self._is_complete = True
        exchange = self._exchange
        if exchange.reader.trailers:
            self._extensions["trailing_headers"] = exchange.reader.trailers
        if not exchange.reader.has_switched:
            self._end(reusable=exchange.is_sent and exchange.reader.may_continue)

    def _end(self, *, reusable: bool) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        reusable = self._connection.finish(reusable=reusable)
        if self._lease is not None:
            self._doomed = self._lease.end(reusable=reusable)
        elif not reusable:
            self._doomed = [self._connection]

    async def _fail(self, exc: BaseException) -> None:
        self._failure = exc
        self._end(reusable=False)
        await self._conclude("failed", {"exception": exc})
        self._connection.explain(exc)

    async def aclose(self) -> None:
        """Ends the exchange, wherever the body is.

        What was received already is read; if that is the whole body, the connection
        can go on.
        """
        if self._is_ended:
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
        if chunk is None or self._exchange.reader.has_switched:
            return False
        self._complete()
        return True

    def replace_stream(self, stream: AsyncNetworkStream) -> None:
        """Notes that the connection, its protocol changed, goes on encrypted."""
        self._connection.stream = stream

    async def _conclude(self, outcome: str, facts: dict[str, object]) -> None:
        """Tells of the end, and closes what it leaves to close."""
        tracer = self._exchange.tracer
        try:
            if tracer is not None:
                if self._is_told:
                    await self._tell(outcome, facts)
                await tracer.tell("http11.response_closed.started", {})
        finally:
            await self._close_doomed()
        if tracer is not None:
            await tracer.tell("http11.response_closed.complete", {"return_value": None})

    async def _tell(self, event: str, facts: dict[str, object]) -> None:
        tracer = self._exchange.tracer
        assert tracer is not None
        await tracer.tell(f"http11.receive_response_body.{event}", facts)

    async def _close_doomed(self) -> None:
        doomed, self._doomed = self._doomed, None
        if doomed:
            await close_all(doomed)

    def __del__(self) -> None:
        # In a finaliser, at any moment and in any thread: no lock, no waiting.
        if not self._is_ended:
            self._is_ended = True
            self._connection.finish(reusable=False)
        # Asked even so: an interrupt may have come between the two.
        if self._lease is not None:
            self._lease.abandon()
