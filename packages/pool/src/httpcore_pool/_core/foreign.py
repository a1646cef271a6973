"""Connections of classes that are not the pool's own, which `create_connection` may return.

The pool knows of them what the public interface says. They are asked when one is taken,
has answered and is given back, never under the pool's lock. How many requests one takes
at once nobody tells: as long as it calls itself available while it is in use, it is given
one more, and one that refuses is given no more than it has.
"""

import collections.abc
import time
import typing

from httpcore_interface import AsyncNetworkStream, ConnectionNotAvailable

from .._forks import keep
from .._messages import Request, Response
from .._state import Slot
from .closing import await_or_drop, close_all
from .colour import Colour, ResponseSource
from .connection import Connection, Speaker
from .ending import Ending
from .lease import Lease
from .speaking import Repeatable
from .timeouts import Timeouts
from .trace import Tracer

AnyConnection: typing.TypeAlias = "Connection | ForeignConnection"
AnySpeaker: typing.TypeAlias = "Speaker | ForeignConnection"


class Questions(typing.Protocol):
    """What is asked of a connection, and answered at once."""

    def is_available(self) -> bool:
        """Returns whether it could take a request at once."""

    def has_expired(self) -> bool:
        """Returns whether it is idle, but should not be used any more."""

    def is_idle(self) -> bool:
        """Returns whether it waits for a request."""

    def is_closed(self) -> bool:
        """Returns whether it will never carry a request again."""


class Sender(typing.Protocol):
    """What a connection does, whatever its colour."""

    async def send(self, request: Request) -> Response:
        """Sends a request, and returns the response once its head has come."""

    async def aclose(self) -> None:
        """Closes the connection, whatever it is doing."""


class Unseen(AsyncNetworkStream):
    """The stream of a connection that keeps it to itself.

    Before a connection is used again, its stream is asked whether anything has come. Of
    this one it may have: the connection has to be asked.
    """

    def get_extra_info(self, info: str) -> object:
        """Returns what is always to be expected."""
        return info == "is_readable" or None


class ForeignConnection:
    """A connection of any class, for the pool. It is what it speaks, too: see `Speaker`.

    Args:
        face: The connection.
        sender: The same, as `_core` has it send and close.
        colour: Whose callers it serves.
        may_share: Whether it may turn out to carry many requests at once, so that it
            is believed if it says so before it has answered any.

    Attributes:
        face: The connection, as it was returned.
        http: Itself, once it is used.
        capacity: How many requests it takes at once, to begin with.
        is_shared: Whether it was ever given to several requests at once.
        served: How many requests it was given.
    """

    __slots__ = (
        "_colour",
        "_is_refusing",
        "_may_share",
        "_note_room",
        "_runner",
        "_sender",
        "_slot",
        "capacity",
        "face",
        "http",
        "is_shared",
        "served",
    )

    stream = Unseen()

    is_busy = False
    """Not so busy that it would not have to be asked: only that tells what it is."""

    def __init__(
        self, face: Questions, sender: Sender, colour: Colour, *, may_share: bool
    ) -> None:
        self.face = face
        self.http: ForeignConnection | None = None
        self.capacity = 1
        self.is_shared = False
        self.served = 0
        self._sender = sender
        self._colour = colour
        self._may_share = may_share
        self._runner: object = None
        self._slot: Slot[AnyConnection] | None = None
        self._note_room: (
            collections.abc.Callable[[bool], collections.abc.Awaitable[None]] | None
        ) = None
        self._is_refusing = False

    async def connect(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> "ForeignConnection":
        """Does nothing yet: it connects by itself when it is sent the request."""
        self._runner = self._colour.runner()
        if self._may_share and self.face.is_available():
            self.is_shared = True
            self.capacity = 2
        self.http = self
        return self

    def take_place(
        self,
        slot: Slot[AnyConnection],
        note_room: collections.abc.Callable[[bool], collections.abc.Awaitable[None]],
    ) -> None:
        """Takes its place in the pool.

        Args:
            slot: The place.
            note_room: Tells the pool whether it takes one more request than it has.
        """
        self._slot = slot
        self._note_room = note_room

    # -- a request's way ---------------------------------------------------------

    async def has_hung_up(self) -> bool:
        """Returns whether it does not take the request that it was given."""
        face = self.face
        if face.is_closed() or face.has_expired():
            return True
        if not face.is_available():
            await self._refuse()
            return True
        if self.is_shared:
            await self._widen()
        return False

    async def handle(
        self,
        request: Request,
        timeouts: Timeouts,
        tracer: Tracer | None,
        lease: Lease | None,
    ) -> Response:
        """Sends a request, and returns its response once the head has come.

        Args:
            request: What to send; its extensions tell the connection how long it may
                take, and who is told.
            timeouts: Not used.
            tracer: Not used.
            lease: What is given back when the body has ended.

        Raises:
            Repeatable: The connection did not take the request.
            Exception: Whatever the connection raises.
        """
        assert lease is not None
        self.served += 1
        try:
            response = await self._sender.send(request)
        except ConnectionNotAvailable as exc:
            await self._refuse()
            raise Repeatable(exc, is_unprocessed=True) from exc
        body = self._colour.open_body(response)
        is_tunnel = request.method == b"CONNECT" and 200 <= response.status < 300
        has_switched = response.status == 101 or is_tunnel
        exchange = ForeignExchange(self, body, lease, has_switched=has_switched)
        try:
            if self.face.is_available():
                self.is_shared = True
                await self._widen()
        except BaseException:
            await await_or_drop(close_all([exchange]))
            raise
        return Response.received(
            response.status,
            response.headers,
            self._colour.public_body(exchange),
            response.extensions,
        )

    async def _widen(self) -> None:
        assert self._note_room is not None
        await self._note_room(True)

    async def _refuse(self) -> None:
        """Notes that it has taken as many requests as it takes."""
        if self._is_used_by_others:
            assert self._note_room is not None
            await self._note_room(False)
        else:
            # Nobody's end would make it available.
            self._is_refusing = True

    @property
    def _is_used_by_others(self) -> bool:
        return self._slot is not None and self._slot.in_use > 1

    # -- closing -----------------------------------------------------------------

    async def aclose(self) -> None:
        """Closes the connection, whatever it is doing."""
        await await_or_drop(self._colour.close(self._sender, self._runner))

    def let_go(self) -> None:
        """Forgets it in a child of the process; of its descriptor nothing is known."""
        keep(self.face)

    # -- what is asked about it --------------------------------------------------

    def ask_usable(self) -> bool:
        """Asks, when a request has left it, whether it will take others."""
        face = self.face
        if self._is_refusing or face.is_closed() or face.has_expired():
            return False
        return face.is_idle() or face.is_available() or self._is_used_by_others

    @property
    def is_usable(self) -> bool:
        """Whether it will take requests, now or later; one that cannot say does not."""
        try:
            return self.ask_usable()
        except Exception:  # noqa: BLE001 - asked where something has failed already
            return False


class ForeignExchange(Ending):
    """A response of a foreign connection, from its head to its end.

    Args:
        connection: Who has answered.
        body: What is read.
        lease: What is given back at the end.
        has_switched: Whether the end of the body is not the end of it.
    """

    __slots__ = ("_body", "_foreign", "_has_switched")

    _lease: Lease

    def __init__(
        self,
        connection: ForeignConnection,
        body: ResponseSource,
        lease: Lease,
        *,
        has_switched: bool,
    ) -> None:
        self._foreign = connection
        self._body = body
        self._has_switched = has_switched
        self._doomed = self._failure = None
        self._is_complete = self._is_reading = False
        self.open({}, lease)

    def take_chunk(self) -> bytes | None:
        """Returns what can be had without waiting: the end, if it has come."""
        return b"" if self._is_complete else None

    def take_rest(self) -> bytes | None:
        """Returns None: the rest has to be asked for."""
        return None

    async def next_chunk(self) -> bytes:
        """Returns the next part of the body, `b""` at its end.

        Raises:
            RuntimeError: The response was closed before, or somebody else is reading it.
            Exception: Whatever the body raises.
        """
        if not self._is_open:
            return await self._past_the_end()
        if self._is_reading:
            raise RuntimeError("another thread or task is reading this response")
        self._is_reading = True
        try:
            chunk = await self._body.next_chunk()
        except BaseException as exc:
            self._failure = exc
            await await_or_drop(close_all([self]))
            raise
        finally:
            self._is_reading = False
        if not chunk:
            self._is_complete = True
            if not self._has_switched:
                await self.aclose()
        return chunk

    async def aclose(self) -> None:
        """Ends the exchange, wherever the body is.

        The body first, though that may wait: many a connection is free again only when
        its response was closed. If that is interrupted, the connection is not used again.
        """
        if not self._is_open:
            return
        self._is_open = False
        is_usable = False
        try:
            await await_or_drop(self._body.aclose())
            is_usable = self._foreign.ask_usable()
        finally:
            doomed = self._lease.end(time.monotonic(), reusable=is_usable)
            if doomed:
                await await_or_drop(close_all(doomed))

    def __del__(self) -> None:
        # In a finaliser, at any moment and in any thread: no lock, no waiting.
        if not self._lease.is_over:
            self._lease.abandon()
