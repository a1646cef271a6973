"""How a response ends, and how that is told: the same over every protocol."""

import collections.abc
import typing

from httpcore_interface import ReadError

from .._messages import Extensions, Request
from .closing import Closable
from .lease import Lease
from .trace import Tracer


class Explaining(typing.Protocol):
    """A connection that may know a better reason for a failure."""

    def explain(self, exc: BaseException) -> None:
        """Replaces an error by its true reason, if this side closed the connection."""


class Ending:
    """What the exchanges of every protocol have in common.

    Once the head has come, the response is *open*. It ends once: when its body has
    been read, when it is closed, when reading fails, or when it is found abandoned.
    The books are settled before the first await, so that a cancellation finds
    nothing half done.

    Subclasses set the attributes in their own `__init__`: one is made for each request.
    """

    __slots__ = (
        "_doomed",
        "_extensions",
        "_failure",
        "_is_complete",
        "_is_open",
        "_is_reading",
        "_is_told",
        "_lease",
        "_request",
        "tracer",
    )

    protocol: typing.ClassVar[str]
    """What the names of its events begin with."""

    _connection: Explaining
    _doomed: list[Closable] | None
    _extensions: Extensions
    _failure: BaseException | None
    _is_complete: bool
    _is_open: bool
    _is_reading: bool
    _is_told: bool
    _lease: Lease | None
    _request: Request
    tracer: Tracer | None

    def open(self, extensions: Extensions, lease: Lease | None) -> None:
        """Begins the response, its head known.

        Args:
            extensions: The response's; trailers are put there.
            lease: What to give back at the end; None for a connection without a pool.
        """
        self._extensions = extensions
        self._lease = lease
        self._is_open = True

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and left nothing to close."""
        return not self._is_open and not self._doomed

    def _break_off(self) -> None:
        """Settles that there will be no more of it."""
        raise NotImplementedError

    async def _close_doomed(self) -> None:
        """Does what its end has left to do."""
        raise NotImplementedError

    async def _past_the_end(self) -> bytes:
        """Says what there is to read when it is not open any more."""
        if not self.is_over:
            await self._close_doomed()
        if self._failure is not None:
            raise ReadError("this response could not be read to its end") from self._failure
        if not self._is_complete:
            raise RuntimeError("this response was closed before its body had been read")
        return b""

    def _number_facts(self) -> dict[str, object]:
        """Returns what its events say besides the request: nothing, unless it has a number."""
        return {}

    async def _fail(self, exc: BaseException) -> None:
        self._failure = exc
        self._break_off()
        await self._conclude("failed", {"exception": exc})
        self._connection.explain(exc)

    async def _conclude(self, outcome: str, facts: dict[str, object]) -> None:
        """Tells of the end, and closes what it leaves to close."""
        try:
            if self._is_told:
                await self._tell(outcome, facts)
            await self._tell_closed("started", self._number_facts())
        finally:
            await self._close_doomed()
        await self._tell_closed("complete", {"return_value": None})

    async def conclude_unanswered(
        self, closing: collections.abc.Awaitable[None] | None = None
    ) -> None:
        """Tells of the end of a request that has failed before its response was handed out.

        Args:
            closing: What there is to close, awaited whatever happens.
        """
        try:
            await self._tell_closed("started", self._number_facts())
        finally:
            if closing is not None:
                await closing
        await self._tell_closed("complete", {"return_value": None})

    async def _tell_closed(self, event: str, facts: dict[str, object]) -> None:
        if self.tracer is not None:
            await self.tracer.tell(f"{self.protocol}.response_closed.{event}", facts)

    async def _tell_begun(self) -> None:
        """Tells, once, that the body is being read."""
        if not self._is_told:
            self._is_told = True
            await self._tell("started", {"request": self._request, **self._number_facts()})

    async def _tell(self, event: str, facts: dict[str, object]) -> None:
        assert self.tracer is not None
        await self.tracer.tell(f"{self.protocol}.receive_response_body.{event}", facts)
