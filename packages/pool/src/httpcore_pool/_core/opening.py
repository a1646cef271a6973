"""Opening a connection: to its origin, or through proxies, with TLS where that is due."""

import collections.abc
import functools
import ssl

from httpcore_interface import (
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
    ProxyError,
)

from .._messages import Request
from .._proxy import Proxy
from .._tls import shared_ssl_context
from .._url import Origin
from .closing import await_or_drop
from .options import TLS_SCHEMES, ConnectOptions
from .route import Route, Way
from .timeouts import Deadline, Timeouts
from .trace import Info, Tracer, proxy_tracer
from .tunnelling import handshake_with, open_tunnel

# Seconds before the second attempt to connect; the first repetition comes at
# once, and each later one waits twice as long as the one before.
_FIRST_DELAY = 0.5

# How the events are called of what happens on the way through a proxy.
_AREAS = {
    b"socks4": "socks4",
    b"socks4a": "socks4",
    b"socks5": "socks5",
    b"socks5h": "socks5",
}


def delays() -> collections.abc.Iterator[float]:
    """Yields the seconds to wait before each repetition: 0, 0.5, 1, 2, 4, ..."""
    yield 0.0
    delay = _FIRST_DELAY
    while True:
        yield delay
        delay *= 2


class Opening:
    """How one connection comes about.

    Args:
        origin: Where it goes.
        options: How it is made.
        backend: Who makes it.

    Attributes:
        route: The way that it takes.
        stream: As far as it has come; whoever gives it up closes that.
        is_unwanted: Whether it was closed meanwhile: it goes no further.
    """

    __slots__ = ("_backend", "_options", "_origin", "is_unwanted", "route", "stream")

    def __init__(
        self, origin: Origin, options: ConnectOptions, backend: AsyncNetworkBackend
    ) -> None:
        self._origin = origin
        self._options = options
        self._backend = backend
        self.route = Route.to(origin, options)
        self.stream: AsyncNetworkStream | None = None
        self.is_unwanted = False

    async def run(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> AsyncNetworkStream:
        """Opens the connection, with as many attempts as the options allow.

        Args:
            request: The first that it is for; it may name the TLS server.
            timeouts: `connect` bounds each attempt, with all that is said to proxies
                and all handshakes of TLS.
            tracer: Who is told, if anybody.

        Raises:
            ConnectError, ConnectTimeout: The last attempt failed.
            ProxyError: A proxy refused.
        """
        self._check_ports()
        if tracer is None and self.route.hops:
            tracer = proxy_tracer()
        pauses = delays()
        left = self._options.retries
        while True:
            try:
                return await self._open(request, timeouts, tracer)
            except (ConnectError, ConnectTimeout):
                if left <= 0 or self.is_unwanted:
                    raise
                if self.stream is not None:
                    await await_or_drop(self.stream.aclose())
                    self.stream = None
            left -= 1
            # Outside the `try`: once the total timeout is over, so are the attempts.
            pause = self._backend.sleep(timeouts.for_pause(next(pauses)))
            await (pause if tracer is None else tracer.run("connection.retry", {}, pause))

    async def _open(
        self, request: Request, timeouts: Timeouts, tracer: Tracer | None
    ) -> AsyncNetworkStream:
        """Makes one attempt."""
        hops, origin = self.route.hops, self._origin
        limit = timeouts.for_connect()
        deadline = Deadline(limit)
        self._check_wanted()
        await self._reach(hops[0] if hops else None, limit, tracer)
        # What follows happens within the tunnel of this kind of proxy.
        area = "connection"
        for position, hop in enumerate(hops):
            is_last = position == len(hops) - 1
            if hop.url.scheme == b"https":
                await self._start_tls_with(hop, deadline, area, tracer)
            if is_last and self.route.way is Way.FORWARD:
                break
            beyond = origin if is_last else hops[position + 1].url.origin
            area = _AREAS.get(hop.url.scheme, "proxy")
            await self._tunnel(hop, beyond, deadline, area, tracer)
        else:
            if origin.scheme in TLS_SCHEMES:
                context = self._options.ssl_context
                if context is None:
                    context = shared_ssl_context(self._options.protocols)
                name = request.extensions.get("sni_hostname") or _name_of(origin)
                await self._start_tls(context, name, deadline, area, tracer)
        self._check_wanted()
        return self._known_stream

    @property
    def _known_stream(self) -> AsyncNetworkStream:
        assert self.stream is not None
        return self.stream

    def _check_ports(self) -> None:
        """Makes sure that there are such ports: what backends say of others varies.

        Raises:
            ConnectError: There are not.
        """
        for origin in (*(hop.url.origin for hop in self.route.hops), self._origin):
            if not 0 <= origin.port <= 65535:
                raise ConnectError(f"a port must be 0 to 65535, but is {origin.port}")

    def _check_wanted(self) -> None:
        """Goes no further once the connection was closed, for nobody else would see it."""
        if self.is_unwanted:
            raise self.closed_error()

    @staticmethod
    def closed_error() -> ConnectError:
        """Returns the error of a connection that was closed before it was open."""
        return ConnectError("the connection was closed while it was being established")

    # -- the steps ---------------------------------------------------------------

    async def _reach(
        self, proxy: Proxy | None, timeout: float | None, tracer: Tracer | None
    ) -> None:
        """Connects to where the way begins."""
        options = self._options
        area = "connection"
        target = self._origin
        if proxy is not None:
            target = proxy.url.origin
            area = _AREAS.get(proxy.url.scheme, area)
        info: Info
        if options.uds is None:
            host = target.host.decode("ascii")
            info = {
                "host": host,
                "port": target.port,
                "local_address": options.local_address,
                "timeout": timeout,
                "socket_options": options.socket_options,
            }
            opening = functools.partial(self._backend.connect_tcp, **info)
            name = f"{area}.connect_tcp"
        else:
            info = {
                "path": options.uds,
                "timeout": timeout,
                "socket_options": options.socket_options,
            }
            opening = functools.partial(self._backend.connect_unix_socket, **info)
            name = f"{area}.connect_unix_socket"
        await self._run(name, info, self._keep(opening), tracer)

    async def _start_tls_with(
        self, proxy: Proxy, deadline: Deadline, area: str, tracer: Tracer | None
    ) -> None:
        """Encrypts what is between here and a proxy.

        Raises:
            ProxyError: The proxy will speak HTTP/2 only.
        """
        context = proxy.ssl_context
        if context is None:
            context = shared_ssl_context(("http/1.1",))
        name = _name_of(proxy.url.origin)
        await self._start_tls(context, name, deadline, area, tracer)
        ssl_object = self._known_stream.get_extra_info("ssl_object")
        if ssl_object is not None and ssl_object.selected_alpn_protocol() == "h2":
            raise ProxyError(
                "the proxy has chosen HTTP/2, which is not spoken with proxies: "
                "give it an ssl_context of its own, that does not offer it"
            )

    async def _start_tls(
        self,
        context: ssl.SSLContext,
        name: str,
        deadline: Deadline,
        area: str,
        tracer: Tracer | None,
    ) -> None:
        self._check_wanted()
        timeout = deadline.left()
        if timeout is not None and timeout <= 0:
            raise ConnectTimeout("no time was left for the TLS handshake")
        info: Info = {"ssl_context": context, "server_hostname": name, "timeout": timeout}
        securing = self._keep(functools.partial(self._known_stream.start_tls, **info))
        await self._run(f"{area}.start_tls", info, securing, tracer)

    async def _tunnel(
        self,
        proxy: Proxy,
        beyond: Origin,
        deadline: Deadline,
        area: str,
        tracer: Tracer | None,
    ) -> None:
        self._check_wanted()
        handshake = handshake_with(proxy, beyond)
        info: Info = {"host": beyond.host, "port": beyond.port, "timeout": deadline.left()}
        name = "proxy.connect" if area == "proxy" else f"{area}.setup_{area}_connection"
        opening = open_tunnel(self._known_stream, handshake, deadline)
        await self._run(name, info, opening, tracer)

    @staticmethod
    async def _run(
        name: str,
        info: Info,
        step: collections.abc.Coroutine[object, object, object],
        tracer: Tracer | None,
    ) -> None:
        if tracer is None:
            await step
        else:
            await tracer.run(name, info, step)

    async def _keep(
        self,
        opening: collections.abc.Callable[[], collections.abc.Awaitable[AsyncNetworkStream]],
    ) -> AsyncNetworkStream:
        """Opens a stream, and remembers it at once, so that nothing can lose it.

        Args:
            opening: Called here and not before: what is told of the beginning may
                prevent it, and a coroutine that nobody awaits would be left.
        """
        self.stream = stream = await opening()
        return stream


def _name_of(origin: Origin) -> str:
    """Returns the name that a server's certificate is for."""
    # A zone means something on this host only (RFC 6874, section 4).
    return origin.host.partition(b"%")[0].decode("ascii")
