"""One HTTP/2 connection and the requests that share it (RFC 9113)."""

import time

from httpcore_interface import (
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectionNotAvailable,
    LocalProtocolError,
    ReadError,
    RemoteProtocolError,
    WriteError,
)

from .._messages import Extensions, Request, Response
from .._protocol.http2 import Engine
from .._url import Origin
from .closing import await_or_drop
from .colour import Colour, OpenResponse
from .hpack_logs import silence
from .http2_exchange import HTTP2Exchange
from .http2_tunnel import HTTP2Tunnel
from .http2_upload import HTTP2Upload
from .lease import Lease
from .speaking import Repeatable, State, check_origin
from .timeouts import Timeouts
from .trace import Tracer
from .traffic import Traffic

silence()

# What a request that is lost with its connection fails with.
_LOSSES = (ConnectionNotAvailable, ReadError, RemoteProtocolError, WriteError)


class HTTP2Connection:
    """A connection that speaks HTTP/2. See `HTTP11Connection` for its twin's attributes.

    Args:
        stream: The open connection.
        colour: Whose callers it serves.
        backend: Supplies events for those who wait.
        keepalive_ping: See `Traffic`.

    Attributes:
        traffic: Its frames.
        served: How many requests were begun on it.
        idle_since: When it was last left by all of them, in seconds.
        is_aborted: Whether this side closed it while it was in use.
    """

    __slots__ = (
        "_are_settings_told",
        "_colour",
        "_is_closed",
        "_is_greeted",
        "_public_stream",
        "_runner",
        "idle_since",
        "is_aborted",
        "served",
        "stream",
        "traffic",
    )

    is_shared = True
    """Whether it carries many requests, each of which may end by itself."""

    def __init__(
        self,
        stream: AsyncNetworkStream,
        colour: Colour,
        backend: AsyncNetworkBackend,
        keepalive_ping: float | None = None,
    ) -> None:
        self.stream = stream
        self.traffic = Traffic(
            stream,
            Engine(),
            backend,
            keepalive_ping,
            takes_turns=colour.takes_turns,
        )
        self._colour = colour
        self._public_stream = colour.public_stream(stream)
        self._runner = colour.runner()
        self.idle_since = 0.0
        self._is_greeted = False
        self._are_settings_told = False
        self._is_closed = False
        self.is_aborted = False
        self.served = 0

    # -- requests ----------------------------------------------------------------

    async def handle(
        self,
        request: Request,
        timeouts: Timeouts,
        tracer: Tracer | None,
        lease: Lease | None,
    ) -> Response:
        """Sends a request, and returns its response once the head has come.

        See `HTTP11Connection.handle`.

        Raises:
            Repeatable: It failed in a way that lets it be sent once more.
        """
        upload = HTTP2Upload(request, self._colour)
        exchange = HTTP2Exchange(self, request, timeouts, tracer)
        if tracer is not None and not self._is_greeted:
            self._is_greeted = True
            greeting = self.traffic.push()
            await tracer.run("http2.send_connection_init", {"request": request}, greeting)
        before = self.traffic.received
        is_used = self.served > 0
        self.served += 1
        try:
            head = await exchange.exchange_heads(upload, tracer)
        except BaseException as exc:
            exchange.give_up()
            if isinstance(exc, Exception):
                self.explain(exc)
            if isinstance(exc, ConnectionNotAvailable) and self.traffic.on_change is not None:
                # The pool believes that there is room.
                await self.traffic.on_change()
            # The server had closed it while it was idle, and this came too late to see;
            # or it said that it goes, and went before it had answered.
            is_late = is_used and before == self.traffic.received
            is_lost = self._has_failed and (is_late or self.traffic.engine.is_draining)
            is_untaken = isinstance(exc, ConnectionNotAvailable)
            is_unprocessed = exchange.is_unprocessed or is_untaken
            may_repeat = upload.is_repeatable and (is_unprocessed or is_lost)
            if isinstance(exc, _LOSSES) and may_repeat:
                await exchange.conclude_unanswered()
                raise Repeatable(
                    exc, is_unprocessed=is_unprocessed, is_untaken=is_untaken
                ) from exc
            await exchange.conclude_unanswered(self.push())
            raise
        finally:
            await upload.end_source()
        status, fields = head
        extensions: Extensions = {
            "http_version": b"HTTP/2",
            "network_stream": self._public_stream,
            "stream_id": exchange.number,
        }
        body: OpenResponse = exchange
        if upload.is_tunnel and status < 300:
            # Not to know what holds it: nobody would see it abandoned.
            exchange.open({}, lease)
            body = tunnel = HTTP2Tunnel(exchange)
            extensions["network_stream"] = self._colour.public_stream(tunnel)
        else:
            exchange.open(extensions, lease)
        if lease is None:
            # With the end of what has come whole, whenever that is read.
            self.idle_since = time.monotonic()
        return Response.received(status, fields, self._colour.public_body(body), extensions)

    @property
    def _has_failed(self) -> bool:
        return self.traffic.engine.failure is not None

    async def push(self) -> None:
        """Writes what can be written at once, also where the caller is being cancelled.

        The scopes of trio and anyio let a cancelled task wait for nothing more, not even
        for no time; then what is to be written is left to the event loop, once. A server
        goes on with a request until it hears of its end.
        """
        try:
            await await_or_drop(self.traffic.push())
        except BaseException:
            if self.traffic.has_unsent:
                self._colour.run_soon(self.traffic.push, self._runner)
            raise

    async def handle_alone(self, request: Request, origin: Origin) -> Response:
        """Sends a request; for use without a pool.

        Raises:
            RuntimeError: The request goes to another origin than the connection.
            ConnectionNotAvailable: The connection takes no more requests.
        """
        check_origin(request, origin)
        timeouts = Timeouts.of(request.extensions)
        tracer = self._colour.tracer(request.extensions)
        return await self.handle_unpooled(request, timeouts, tracer)

    async def handle_unpooled(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> Response:
        """Sends a request where no pool could send it once more, elsewhere.

        Raises:
            ConnectionNotAvailable: The connection takes no more requests; the server has
                done nothing about this one.
        """
        await self.check_usable()
        try:
            return await self.handle(request, timeouts, tracer, None)
        except Repeatable as exc:
            failure = exc.failure
            if exc.is_unprocessed and self.traffic.engine.is_draining:
                raise ConnectionNotAvailable(str(failure)) from failure
            raise failure from failure.__cause__

    async def tell_settings(self, tracer: Tracer) -> None:
        """Tells, once, what the server has said of itself first."""
        engine = self.traffic.engine
        if engine.has_settings and not self._are_settings_told:
            self._are_settings_told = True
            name = "http2.receive_remote_settings"
            await tracer.tell(f"{name}.started", {})
            await tracer.tell(f"{name}.complete", {"return_value": engine.peer})

    async def check_usable(self) -> None:
        """Makes sure, where no pool does, that the connection still takes requests.

        Raises:
            ConnectionNotAvailable: It does not.
        """
        if await self.has_hung_up():
            if not self.traffic.engine.streams:
                await self.aclose()
            raise ConnectionNotAvailable(
                f"this connection takes no more requests: it is {self.state.value}"
            )

    def finish(self) -> bool:
        """Notes the end of an exchange; returns whether the connection goes on."""
        self.idle_since = time.monotonic()
        return self.is_usable

    def explain(self, exc: BaseException) -> None:
        """Replaces an error by its true reason, if this side closed the connection.

        Raises:
            ReadError: The connection was closed here, while it was in use.
        """
        if self.is_aborted and not isinstance(exc, LocalProtocolError):
            raise ReadError("the connection was closed while a request used it") from exc

    async def has_hung_up(self) -> bool:
        """Returns whether it is of no use any more, having read what came while it was idle."""
        if not self.is_busy:
            await self.traffic.poll()
        return not self.is_usable

    async def aclose(self) -> None:
        """Closes the connection, whatever it is doing."""
        traffic = self.traffic
        if traffic.engine.streams:
            self.is_aborted = True
        if self._is_closed:
            await self._close()
            return
        self._is_closed = True
        with traffic.lock:
            # A write may wait if the server has not taken what came before; and where a
            # stream of somebody else's minds no timeout, for ever.
            is_calm = not (traffic.engine.streams or traffic.is_amid_write)
            traffic.engine.close()
        try:
            # In another event loop, or behind the end of its own, nothing can be sent.
            if is_calm and self._runner is self._colour.runner():
                await await_or_drop(traffic.push())
        finally:
            await self._close()

    async def _close(self) -> None:
        self.traffic.note_failure(ReadError("the connection was closed"))
        await await_or_drop(self._colour.close(self.stream, self._runner))

    # -- what is asked about it --------------------------------------------------

    @property
    def capacity(self) -> int:
        """How many requests it takes at once."""
        return 0 if self._is_closed else self.traffic.capacity

    @property
    def state(self) -> State:
        """What it is doing."""
        if self.is_closed:
            return State.CLOSED
        if self.traffic.engine.streams:
            return State.ACTIVE
        return State.IDLE if self.served else State.NEW

    @property
    def is_available(self) -> bool:
        """Whether it could take a request at once."""
        return len(self.traffic.engine.streams) < self.capacity

    @property
    def is_usable(self) -> bool:
        """Whether it will take requests, now or later."""
        traffic = self.traffic
        is_over = self._is_closed or self._has_failed or traffic.cut is not None
        return not (is_over or traffic.engine.is_draining)

    @property
    def is_busy(self) -> bool:
        """Whether somebody reads what comes.

        For the sake of responses that are held, or were abandoned, nobody does.
        """
        return self.traffic.is_driven

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request, and has had one."""
        return self.state is State.IDLE

    @property
    def is_closed(self) -> bool:
        """Whether it will never carry a request again."""
        return self._is_closed or self._has_failed

    def has_expired(self, expiry: float | None) -> bool:
        """Returns whether it is idle, but should not be used any more."""
        if self.state is not State.IDLE:
            return False
        is_old = expiry is not None and time.monotonic() - self.idle_since >= expiry
        return is_old or not self.is_usable

    def let_go(self) -> None:
        """Forgets it in a child of the process."""
        self._is_closed = True
        self.traffic.let_go()

    def info(self) -> str:
        """Says what it is and does, for people."""
        return f"HTTP/2, {self.state.value}, Request Count: {self.served}"
