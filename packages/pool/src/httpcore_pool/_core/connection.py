"""A connection, from the name of its origin on."""

import threading
import typing

from httpcore_interface import (
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectionNotAvailable,
    ConnectTimeout,
)

from .._forks import let_go
from .._http2 import speak_http2
from .._messages import Request, Response
from .._url import Origin
from .closing import await_or_drop
from .colour import Colour
from .forwarding import Forwarding
from .http11 import HTTP11Connection
from .opening import Opening
from .options import ConnectOptions
from .route import Way
from .speaking import check_origin
from .timeouts import Timeouts
from .trace import Tracer, is_logged

if typing.TYPE_CHECKING:
    from .http2 import HTTP2Connection

Speaker: typing.TypeAlias = "HTTP11Connection | HTTP2Connection"


class Connection:
    """A connection to one origin: to be made, in use, idle, or closed.

    Args:
        origin: Where it goes.
        options: How it is made.
        backend: Who makes it.
        colour: Whose callers it serves.

    Attributes:
        origin: Where it goes.
        http: What it speaks, once it is connected.
        face: The public object that stands for it.
    """

    __slots__ = (
        "_backend",
        "_colour",
        "_is_begun",
        "_is_failed",
        "_lock",
        "_opening",
        "_options",
        "_runner",
        "_waiting",
        "face",
        "http",
        "origin",
    )

    def __init__(
        self,
        origin: Origin,
        options: ConnectOptions,
        backend: AsyncNetworkBackend,
        colour: Colour,
    ) -> None:
        self.origin = origin
        self.http: Speaker | None = None
        self.face: object = None
        self._options = options
        self._backend = backend
        self._colour = colour
        self._opening = Opening(origin, options, backend)
        # The event loop that the stream belongs to.
        self._runner: object = None
        self._is_failed = False
        # Guards the step into connecting, for callers without a pool, and those who wait
        # for what comes of it.
        self._lock = threading.Lock()
        self._is_begun = False
        self._waiting: dict[AsyncEvent, None] = {}

    # -- connecting --------------------------------------------------------------

    async def connect(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> Speaker:
        """Connects, and once more as often as the options allow.

        Args:
            request: The first that it is for; it may name the TLS server.
            timeouts: `connect` bounds each attempt, with all its handshakes.
            tracer: Who is told, if anybody.

        Raises:
            ConnectError, ConnectTimeout: The last attempt failed.
            ProxyError: A proxy refused.
        """
        self._runner = self._colour.runner()
        opening = self._opening
        try:
            stream = await opening.run(request, timeouts, tracer)
        except BaseException as exc:
            self._is_failed = True
            if opening.stream is not None:
                await await_or_drop(opening.stream.aclose())
            if opening.is_unwanted and isinstance(exc, Exception):
                raise opening.closed_error() from exc
            raise
        self.http = self._speak(stream)
        return self.http

    def _speak(self, stream: AsyncNetworkStream) -> Speaker:
        """Begins the protocol that was negotiated, or that is known to be spoken."""
        way = self._opening.route.way
        if way is Way.FORWARD:
            proxy = self._options.proxy
            assert proxy is not None
            return HTTP11Connection(stream, self._colour, Forwarding(proxy.headers))
        ssl_object = stream.get_extra_info("ssl_object")
        negotiated = None if ssl_object is None else ssl_object.selected_alpn_protocol()
        # Not only where we offered it: a backend may have done so by itself, or play a
        # server that speaks nothing else.
        if negotiated == "h2" or self._options.protocols == ("h2",):
            ping = self._options.keepalive_ping
            return speak_http2(stream, self._colour, self._backend, ping)
        return HTTP11Connection(stream, self._colour)

    # -- without a pool ----------------------------------------------------------

    async def handle(self, request: Request) -> Response:
        """Sends a request, connecting first if need be; for use without a pool.

        Raises:
            RuntimeError: The request goes to another origin.
            ConnectionNotAvailable: The connection is in use, or was closed.
        """
        check_origin(request, self.origin)
        timeouts = Timeouts.of(request.extensions)
        tracer = self._colour.tracer(request.extensions)
        http = self.http
        if http is None:
            http = await self._connect_alone(request, timeouts, tracer)
        if isinstance(http, HTTP11Connection):
            return await http.handle(request, timeouts, tracer, None)
        return await http.handle_unpooled(request, timeouts, tracer)

    async def _connect_alone(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> Speaker:
        """Connects, once; whoever comes meanwhile waits, if it may be shared."""
        event = self._backend.create_event() if "h2" in self._options.protocols else None
        with self._lock:
            is_ours = not self._is_begun and not self._opening.is_unwanted
            self._is_begun = True
            is_over = self._is_failed or self._opening.is_unwanted
            is_dialling = self.http is None and not is_over
            if event is not None and is_dialling and not is_ours:
                self._waiting[event] = None
        if is_ours:
            try:
                return await self.connect(request, timeouts, tracer)
            finally:
                self._wake_waiting()
        if event is not None and is_dialling:
            limit = timeouts.for_connect()
            if not await event.wait(limit):
                raise ConnectTimeout(f"the connection was not established in {limit} seconds")
        if self.http is None:
            state = "CLOSED" if self._opening.is_unwanted else self.info()
            raise ConnectionNotAvailable(f"this connection is {state}")
        return self.http

    def _wake_waiting(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for event in waiting:
            event.set()

    # -- closing -----------------------------------------------------------------

    async def aclose(self) -> None:
        """Closes the connection, whatever it is doing."""
        self._opening.is_unwanted = True
        # Closing is nobody's request: it is logged, but no callback is told.
        if is_logged():
            await Tracer(None).run("connection.close", {}, self._close())
        else:
            await self._close()

    async def _close(self) -> None:
        if self.http is not None:
            await self.http.aclose()
        elif self._opening.stream is not None:
            await await_or_drop(self._colour.close(self._opening.stream, self._runner))
        else:
            self._colour.interrupt_connect(self._backend)

    def let_go(self) -> None:
        """Frees it in a child of the process, without touching it in the parent."""
        self._opening.is_unwanted = True
        stream = self._opening.stream if self.http is None else self.http.stream
        if self.http is not None:
            self.http.let_go()
        if stream is not None:
            let_go(stream)

    # -- what is asked about it --------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Whether it will never carry a request again."""
        if self.http is None:
            return self._is_failed or self._opening.is_unwanted
        return self.http.is_closed

    @property
    def is_idle(self) -> bool:
        """Whether it is connected, and waits for a request."""
        return self.http is not None and self.http.is_idle

    @property
    def is_available(self) -> bool:
        """Whether it could take a request at once."""
        return self.http is not None and self.http.is_available

    @property
    def may_be_shared(self) -> bool:
        """Whether it may yet turn out to carry many requests at once."""
        return not self.is_closed and self.origin.scheme in self._options.sharing_schemes

    @property
    def is_usable(self) -> bool:
        """Whether it will take requests, now or later."""
        return self.http is not None and self.http.is_usable

    def has_expired(self) -> bool:
        """Whether it is idle, but should not be used any more."""
        if self.http is None:
            return self._is_failed
        return self.http.has_expired(self._options.keepalive_expiry)

    def info(self) -> str:
        """Says what it is and does, for people."""
        if self.http is None:
            return "CONNECTION FAILED" if self._is_failed else "CONNECTING"
        # As in 1.x, what only forwards is a connection to the proxy.
        proxy = self._options.proxy if self._opening.route.way is Way.FORWARD else None
        origin = self.origin if proxy is None else proxy.url.origin
        return f"'{origin}', {self.http.info()}"
