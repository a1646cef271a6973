"""A connection, from the name of its origin on."""

import collections.abc
import dataclasses
import functools
import ssl
import threading
import typing

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectionNotAvailable,
    ConnectTimeout,
)

from .._forks import let_go
from .._http2 import speak_http2
from .._messages import Request, Response
from .._tls import offered_protocols, shared_ssl_context
from .._url import HTTP_PORTS, Origin
from .closing import await_or_drop
from .colour import Colour
from .http11 import HTTP11Connection
from .speaking import Repeatable, check_origin
from .timeouts import Deadline, Timeouts
from .trace import Tracer, is_logged

if typing.TYPE_CHECKING:
    from .http2 import HTTP2Connection

Speaker: typing.TypeAlias = "HTTP11Connection | HTTP2Connection"

_TLS_SCHEMES = (b"https", b"wss")

# Seconds before the second attempt to connect; the first repetition comes at
# once, and each later one waits twice as long as the one before.
_FIRST_DELAY = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectOptions:
    """How connections are made.

    Args:
        ssl_context: For origins with TLS; None is the default of the process.
        retries: How often a failed attempt is repeated.
        local_address: The address to connect from.
        uds: The Unix socket to connect to, whatever the origin.
        socket_options: Arguments of `setsockopt`.
        keepalive_expiry: Seconds after which an idle connection has expired.
        protocols: What is offered by ALPN, the preferred one first.
        keepalive_ping: Seconds after which a silent server of HTTP/2 is asked whether it
            is still there.
    """

    ssl_context: ssl.SSLContext | None = None
    retries: int = 0
    local_address: str | None = None
    uds: str | None = None
    socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None
    keepalive_expiry: float | None = None
    protocols: tuple[str, ...] = ("http/1.1",)
    keepalive_ping: float | None = None

    @classmethod
    def of(
        cls,
        *,
        ssl_context: ssl.SSLContext | None,
        keepalive_expiry: float | None,
        http1: bool,
        http2: bool,
        retries: int,
        local_address: str | None,
        uds: str | None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None,
        keepalive_ping: float | None = None,
    ) -> "ConnectOptions":
        """Reads the options of a pool's or a connection's constructor.

        Raises:
            ValueError: No protocol is enabled, or an option is out of range.
        """
        # "not >" also refuses NaN, which compares with nothing.
        if keepalive_ping is not None and not keepalive_ping > 0:
            raise ValueError(
                f"keepalive_ping must be None or more than 0 seconds, but is {keepalive_ping!r}"
            )
        return cls(
            ssl_context=ssl_context,
            retries=retries,
            local_address=local_address,
            uds=uds,
            # Each attempt goes through them anew.
            socket_options=None if socket_options is None else list(socket_options),
            keepalive_expiry=keepalive_expiry,
            protocols=offered_protocols(ssl_context, http1=http1, http2=http2),
            keepalive_ping=keepalive_ping,
        )

    @property
    def sharing_schemes(self) -> frozenset[bytes]:
        """The schemes of origins whose connections may carry many requests at once."""
        if "h2" not in self.protocols:
            return frozenset()
        return frozenset(_TLS_SCHEMES if len(self.protocols) > 1 else HTTP_PORTS)


def delays() -> collections.abc.Iterator[float]:
    """Yields the seconds to wait before each repetition: 0, 0.5, 1, 2, 4, ..."""
    yield 0.0
    delay = _FIRST_DELAY
    while True:
        yield delay
        delay *= 2


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
        "_is_closed",
        "_is_failed",
        "_lock",
        "_options",
        "_runner",
        "_stream",
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
        self._stream: AsyncNetworkStream | None = None
        # The event loop that the stream belongs to.
        self._runner: object = None
        self._is_failed = False
        self._is_closed = False
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
            timeouts: `connect` bounds each attempt, its TLS handshake included.
            tracer: Who is told, if anybody.

        Raises:
            ConnectError, ConnectTimeout: The last attempt failed.
        """
        self._runner = self._colour.runner()
        try:
            stream = await self._repeat(request, timeouts, tracer)
        except BaseException as exc:
            self._is_failed = True
            if self._stream is not None:
                await await_or_drop(self._stream.aclose())
            if self._is_closed and isinstance(exc, Exception):
                raise self._closed_error() from exc
            raise
        self.http = self._speak(stream)
        return self.http

    def _speak(self, stream: AsyncNetworkStream) -> Speaker:
        """Begins the protocol that was negotiated, or that is known to be spoken."""
        ssl_object = stream.get_extra_info("ssl_object")
        negotiated = None if ssl_object is None else ssl_object.selected_alpn_protocol()
        # Not only where we offered it: a backend may have done so by itself, or play a
        # server that speaks nothing else.
        if negotiated == "h2" or self._options.protocols == ("h2",):
            ping = self._options.keepalive_ping
            return speak_http2(stream, self._colour, self._backend, ping)
        return HTTP11Connection(stream, self._colour)

    async def _repeat(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> AsyncNetworkStream:
        pauses = delays()
        left = self._options.retries
        while True:
            try:
                return await self._open(request, timeouts, tracer)
            except (ConnectError, ConnectTimeout):
                if left <= 0 or self._is_closed:
                    raise
                if self._stream is not None:
                    await await_or_drop(self._stream.aclose())
                    self._stream = None
            left -= 1
            # Outside the `try`: once the total timeout is over, so are the attempts.
            pause = self._backend.sleep(timeouts.for_pause(next(pauses)))
            await (pause if tracer is None else tracer.run("connection.retry", {}, pause))

    async def _open(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> AsyncNetworkStream:
        """Makes one attempt."""
        options, limit = self._options, timeouts.for_connect()
        deadline = Deadline(limit)
        self._check_wanted()
        if options.uds is None:
            host = self.origin.host.decode("ascii")
            await self._connect_tcp(host, limit, tracer)
        else:
            await self._connect_unix_socket(options.uds, limit, tracer)
        if self.origin.scheme in _TLS_SCHEMES:
            self._check_wanted()
            await self._start_tls(request, deadline.left(), tracer)
        self._check_wanted()
        assert self._stream is not None
        return self._stream

    def _check_wanted(self) -> None:
        """Goes no further once the connection was closed, for nobody else would see it."""
        if self._is_closed:
            raise self._closed_error()

    @staticmethod
    def _closed_error() -> ConnectError:
        return ConnectError("the connection was closed while it was being established")

    async def _connect_tcp(
        self, host: str, timeout: float | None, tracer: Tracer | None
    ) -> None:
        options = self._options
        connecting = self._keep(
            functools.partial(
                self._backend.connect_tcp,
                host=host,
                port=self.origin.port,
                local_address=options.local_address,
                timeout=timeout,
                socket_options=options.socket_options,
            )
        )
        if tracer is None:
            await connecting
        else:
            info = {
                "host": host,
                "port": self.origin.port,
                "local_address": options.local_address,
                "timeout": timeout,
                "socket_options": options.socket_options,
            }
            await tracer.run("connection.connect_tcp", info, connecting)

    async def _connect_unix_socket(
        self, path: str, timeout: float | None, tracer: Tracer | None
    ) -> None:
        socket_options = self._options.socket_options
        connecting = self._keep(
            functools.partial(
                self._backend.connect_unix_socket,
                path=path,
                timeout=timeout,
                socket_options=socket_options,
            )
        )
        if tracer is None:
            await connecting
        else:
            info = {"path": path, "timeout": timeout, "socket_options": socket_options}
            await tracer.run("connection.connect_unix_socket", info, connecting)

    async def _start_tls(
        self, request: Request, timeout: float | None, tracer: Tracer | None
    ) -> None:
        if timeout is not None and timeout <= 0:
            raise ConnectTimeout("no time was left for the TLS handshake")
        context = self._options.ssl_context or shared_ssl_context(self._options.protocols)
        # A zone means something on this host only (RFC 6874, section 4).
        host = self.origin.host.partition(b"%")[0].decode("ascii")
        name = request.extensions.get("sni_hostname") or host
        assert self._stream is not None
        securing = self._keep(
            functools.partial(
                self._stream.start_tls,
                ssl_context=context,
                server_hostname=name,
                timeout=timeout,
            )
        )
        if tracer is None:
            await securing
        else:
            info = {"ssl_context": context, "server_hostname": name, "timeout": timeout}
            await tracer.run("connection.start_tls", info, securing)

    async def _keep(
        self,
        opening: collections.abc.Callable[[], collections.abc.Awaitable[AsyncNetworkStream]],
    ) -> AsyncNetworkStream:
        """Opens a stream, and remembers it at once, so that nothing can lose it.

        Args:
            opening: Called here and not before: what is told of the beginning may
                prevent it, and a coroutine that nobody awaits would be left.
        """
        self._stream = stream = await opening()
        return stream

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
        if not isinstance(http, HTTP11Connection):
            await http.check_usable()
        try:
            return await http.handle(request, timeouts, tracer, None)
        except Repeatable as exc:
            raise exc.failure from exc.failure.__cause__

    async def _connect_alone(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> Speaker:
        """Connects, once; whoever comes meanwhile waits, if it may be shared."""
        event = self._backend.create_event() if "h2" in self._options.protocols else None
        with self._lock:
            is_ours = not self._is_begun and not self._is_closed
            self._is_begun = True
            is_dialling = self.http is None and not self._is_failed and not self._is_closed
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
            state = "CLOSED" if self._is_closed else self.info()
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
        self._is_closed = True
        # Closing is nobody's request: it is logged, but no callback is told.
        if is_logged():
            await Tracer(None).run("connection.close", {}, self._close())
        else:
            await self._close()

    async def _close(self) -> None:
        if self.http is not None:
            await self.http.aclose()
        elif self._stream is not None:
            await await_or_drop(self._colour.close(self._stream, self._runner))
        else:
            self._colour.interrupt_connect(self._backend)

    def let_go(self) -> None:
        """Frees it in a child of the process, without touching it in the parent."""
        self._is_closed = True
        stream = self._stream if self.http is None else self.http.stream
        if self.http is not None:
            self.http.let_go()
        if stream is not None:
            let_go(stream)

    # -- what is asked about it --------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Whether it will never carry a request again."""
        if self.http is None:
            return self._is_failed or self._is_closed
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
        return f"'{self.origin}', {self.http.info()}"
