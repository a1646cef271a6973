"""What differs between blocking and async callers: the seam of `_core`.

`_core` sees async streams, async callbacks and chunk sources only. A colour says
how those are made of what a caller of that colour has, and the other way round.
"""

import collections.abc
import typing

from httpcore_interface import AsyncNetworkBackend, AsyncNetworkStream

from .._messages import BodyStream, Extensions, Response
from .closing import Closable
from .trace import Tracer


class ChunkSource(typing.Protocol):
    """A request's body, asked for part by part."""

    async def next_chunk(self) -> bytes | None:
        """Returns the next part; None after the last."""

    async def close(self) -> None:
        """Ends a generator that was not asked for everything, at once.

        Else the garbage collector would, at a time of its own; of an async one both
        trio and asyncio complain. What is no generator is the caller's to end.
        """


class ResponseSource(typing.Protocol):
    """The body of a response that somebody else has received."""

    async def next_chunk(self) -> bytes:
        """Returns the next part of the body, `b""` at its end."""

    async def aclose(self) -> None:
        """Ends the response, wherever its body is."""


class OpenResponse(typing.Protocol):
    """A response whose head has come, as whoever reads its body sees it."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and left nothing to close."""

    def take_chunk(self) -> bytes | None:
        """Returns what can be had without waiting.

        Returns:
            A part of the body, `b""` at its end, None if `next_chunk` has to be
            awaited for either.
        """

    def take_rest(self) -> bytes | None:
        """Returns the whole rest of the body if it has come; None if not."""

    async def next_chunk(self) -> bytes:
        """Returns the next part of the body, `b""` at its end."""

    async def aclose(self) -> None:
        """Ends the exchange, wherever the body is."""


class Colour(typing.Protocol):
    """Blocking, or async.

    Attributes:
        takes_turns: Whether callers run in turns, so that one who gives up its own lets
            all go first that are awake. With threads that takes longer than it saves.
    """

    takes_turns: bool

    def open_source(self, stream: BodyStream) -> ChunkSource:
        """Returns the parts of a request's body.

        Raises:
            TypeError: The body is of the other colour.
        """

    def open_body(self, response: Response) -> ResponseSource:
        """Returns the body of a response that somebody else has received.

        Raises:
            TypeError: The body is of the other colour.
        """

    def runner(self) -> object:
        """Returns what runs the caller, and so his connections: an event loop, or None."""

    def has_ended(self, runner: object) -> bool:
        """Returns whether a runner will never run anything again."""

    async def close(self, stream: Closable, runner: object) -> None:
        """Closes a stream, in the event loop that it belongs to."""

    def run_soon(
        self,
        function: collections.abc.Callable[[], collections.abc.Awaitable[None]],
        runner: object,
    ) -> None:
        """Has an event loop await something soon, in no task of the caller's."""

    def tracer(self, extensions: Extensions) -> Tracer | None:
        """Returns who is told of a request's operations; None if nobody is.

        Raises:
            TypeError: The `trace` callback is of the other colour.
        """

    def interrupt_connect(self, backend: AsyncNetworkBackend) -> None:
        """Ends the connect that is under way on a connection's backend, if it can."""

    def public_stream(self, stream: AsyncNetworkStream) -> object:
        """Returns a stream as the caller may use it."""

    def public_body(self, exchange: OpenResponse) -> BodyStream:
        """Returns a response's body as the caller may iterate and close it."""
