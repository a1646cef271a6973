"""Exchanges on one HTTP/1.1 connection, one after the other (RFC 9112, section 9)."""

import threading
import time

from httpcore_interface import (
    AsyncNetworkStream,
    ConnectionNotAvailable,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    WriteError,
    WriteTimeout,
)

from .._messages import Extensions, Request, Response
from .._protocol.http11 import Head, RequestWriter
from .._url import Origin
from .closing import await_or_drop
from .colour import Colour
from .exchange import Exchange
from .forwarding import Forwarding
from .lease import Lease
from .speaking import State, check_origin
from .timeouts import Timeouts
from .trace import Tracer
from .upgraded import UpgradedStream
from .upload import Upload, whole_message

# In Python 3.11 a member of an enumeration costs ten times a name of the module.
_NEW = State.NEW
_ACTIVE = State.ACTIVE
_IDLE = State.IDLE
_CLOSED = State.CLOSED


class HTTP11Connection:
    """A connection that speaks HTTP/1.1.

    Args:
        stream: The open connection.
        colour: Whose callers it serves.
        forwarding: How requests are written where the stream leads to a proxy that
            forwards them; None where it leads to their origin.

    Attributes:
        state: What it is doing.
        served: How many exchanges were begun on it.
        is_answered: Whether a byte of the latest response has come.
        is_repeatable: Whether the latest request could be sent once more, as far as
            its body goes; told when it has failed.
        is_aborted: Whether this side closed it while it was in use.
    """

    __slots__ = (
        "_colour",
        "_forwarding",
        "_idle_since",
        "_lock",
        "_public_stream",
        "_runner",
        "is_aborted",
        "is_answered",
        "is_repeatable",
        "served",
        "state",
        "stream",
    )

    capacity = 1
    """How many requests it takes at once."""

    is_shared = False
    """Whether it carries many requests, each of which may end by itself."""

    is_busy = False
    """Whether others use it that read it, besides the one it was reserved for."""

    def __init__(
        self,
        stream: AsyncNetworkStream,
        colour: Colour,
        forwarding: Forwarding | None = None,
    ) -> None:
        self.stream = stream
        self._colour = colour
        self._forwarding = forwarding
        self._public_stream = colour.public_stream(stream)
        self._runner = colour.runner()
        self.state = _NEW
        self.served = 0
        self.is_answered = False
        self.is_repeatable = False
        self.is_aborted = False
        self._idle_since = 0.0
        # Guards the step into ACTIVE. Within a pool nobody contends for it; without
        # one, two threads may want the connection at once.
        self._lock = threading.Lock()

    async def handle(
        self,
        request: Request,
        timeouts: Timeouts,
        tracer: Tracer | None,
        lease: Lease | None,
    ) -> Response:
        """Sends a request, and returns its response once the head has come.

        Args:
            request: What to send.
            timeouts: How long it may take.
            tracer: Who is told, if anybody.
            lease: What is given back when the body has ended.

        Raises:
            ConnectionNotAvailable: Another exchange is under way, or the connection
                is closed.
            LocalProtocolError: The request is not valid; nothing was sent, and the
                connection is as good as before.
            RemoteProtocolError: The response is not valid.
            ReadError, ReadTimeout, WriteError, WriteTimeout: As the names say.
        """
        if request.method == b"CONNECT" and request.extensions.get("protocol"):
            raise LocalProtocolError("an extended CONNECT (RFC 8441) needs HTTP/2")
        if self._forwarding is None:
            writer = RequestWriter(request.method, request.url.target, request.headers)
        else:
            writer = self._forwarding.writer(request)
        message = whole_message(request, writer) if tracer is None else None
        upload = Upload(request, writer, self._colour) if message is None else None
        self._begin()
        exchange = Exchange(self, request, writer, timeouts, tracer)
        try:
            if message is not None:
                try:
                    await self.stream.write(
                        message,
                        timeouts.write if timeouts.deadline is None else timeouts.for_write(),
                    )
                    exchange.is_sent = True
                except (WriteError, WriteTimeout) as exc:
                    await self._answer_instead(exchange, exc)
                head = await exchange.receive_head()
            else:
                assert upload is not None
                head = await self._exchange_heads(request, upload, exchange, tracer)
        except BaseException as exc:
            self.is_answered = exchange.reader.received > 0
            self.is_repeatable = upload is None or upload.is_repeatable
            self.state = _CLOSED
            await exchange.conclude_unanswered(await_or_drop(self.stream.aclose()))
            self.explain(exc)
            raise
        return self._respond(exchange, head, lease)

    async def handle_alone(self, request: Request, origin: Origin) -> Response:
        """Sends a request; for use without a pool.

        Raises:
            RuntimeError: The request goes to another origin than the connection.
        """
        check_origin(request, origin)
        timeouts = Timeouts.of(request.extensions)
        tracer = self._colour.tracer(request.extensions)
        return await self.handle(request, timeouts, tracer, None)

    def _begin(self) -> None:
        with self._lock:
            if self.state is not _IDLE and self.state is not _NEW:
                raise ConnectionNotAvailable(f"this connection is {self.state.value}")
            self.state = _ACTIVE
        self.served += 1
        self.is_answered = False

    @staticmethod
    async def _answer_instead(exchange: Exchange, failure: WriteError | WriteTimeout) -> None:
        """Looks for the answer of a server that has stopped listening.

        It may have sent one, such as a 413, before it went (RFC 9112, section 9.5).

        Raises:
            WriteError, WriteTimeout: There is none: what matters is why sending failed.
        """
        has_come = exchange.early_head or exchange.stream.get_extra_info("is_readable")
        if isinstance(failure, WriteTimeout) and not has_come:
            # The connection lives: to wait for an answer now might take for ever.
            raise failure
        try:
            exchange.early_head = await exchange.receive_head()
        except (ReadError, ReadTimeout, RemoteProtocolError):
            raise failure from failure.__cause__

    async def _exchange_heads(
        self, request: Request, upload: Upload, exchange: Exchange, tracer: Tracer | None
    ) -> Head:
        """Does what the short way does, in more than one step or with somebody watching."""
        info = {"request": request}
        try:
            if tracer is None:
                await upload.send(exchange)
            else:
                sending = upload.send_head(exchange)
                await tracer.run("http11.send_request_headers", info, sending)
                sending = upload.send_body(exchange)
                await tracer.run("http11.send_request_body", info, sending)
        except (WriteError, WriteTimeout) as exc:
            if upload.is_source_broken:
                raise
            await self._answer_instead(exchange, exc)
        finally:
            await upload.end_source()
        receiving = exchange.receive_head()
        if tracer is None:
            return await receiving
        return await tracer.run("http11.receive_response_headers", info, receiving)

    def _respond(self, exchange: Exchange, head: Head, lease: Lease | None) -> Response:
        version, status, reason, fields = head
        self.is_answered = True
        extensions: Extensions = {
            "http_version": version,
            "reason_phrase": reason,
            "network_stream": self._public_stream,
        }
        exchange.open(extensions, lease)
        reader = exchange.reader
        if reader.fallback is not None and reader.has_switched:
            stream = UpgradedStream(self.stream, reader.unread, exchange)
            extensions["network_stream"] = self._colour.public_stream(stream)
        return Response.received(status, fields, self._colour.public_body(exchange), extensions)

    def finish(self, now: float, *, reusable: bool) -> bool:
        """Notes the end of an exchange.

        Args:
            now: The time, in seconds.
            reusable: Whether the connection may take another.

        Returns:
            Whether it can.
        """
        if self.state is not _ACTIVE:
            return self.state is _IDLE
        self.state = _IDLE if reusable else _CLOSED
        self._idle_since = now
        return reusable

    def explain(self, exc: BaseException) -> None:
        """Replaces an error by its true reason, if this side closed the connection.

        Raises:
            ReadError: The connection was closed here, while it was in use.
        """
        if self.is_aborted and isinstance(exc, Exception):
            raise ReadError("the connection was closed while a request used it") from exc

    async def has_hung_up(self) -> bool:
        """Returns whether the idle connection is of no use any more.

        Bytes on an idle connection are the end of the stream or an answer that
        nobody asked for. Under TLS they may as well be records that carry nothing
        for us (session tickets), which a read that does not wait tells apart.
        """
        stream = self.stream
        if not stream.get_extra_info("is_readable"):
            return False
        if stream.get_extra_info("ssl_object") is None:
            return True
        try:
            await stream.read(1, timeout=0.0)
        except ReadTimeout:
            return False
        except ReadError:
            return True
        return True

    async def aclose(self) -> None:
        """Closes the connection, whatever it is doing."""
        if self.state is _ACTIVE:
            self.is_aborted = True
        self.state = _CLOSED
        await await_or_drop(self._colour.close(self.stream, self._runner))

    # -- what is asked about it --------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request, and has had one."""
        return self.state is _IDLE

    @property
    def is_closed(self) -> bool:
        """Whether it will never carry a request again."""
        return self.state is _CLOSED

    @property
    def is_available(self) -> bool:
        """Whether it could take a request at once."""
        return self.state is _IDLE or self.state is _NEW

    @property
    def is_usable(self) -> bool:
        """Whether it will take requests, now or later."""
        return self.is_available

    def let_go(self) -> None:
        """Forgets it in a child of the process."""
        self.is_aborted = self.state is _ACTIVE
        self.state = _CLOSED

    def has_expired(self, expiry: float | None) -> bool:
        """Returns whether it is idle, but should not be used any more.

        Args:
            expiry: Seconds that it may be idle; None is no limit.
        """
        if self.state is not _IDLE:
            return False
        is_old = expiry is not None and time.monotonic() - self._idle_since >= expiry
        return is_old or bool(self.stream.get_extra_info("is_readable"))

    def info(self) -> str:
        """Says what it is and does, for people."""
        return f"HTTP/1.1, {self.state.value}, Request Count: {self.served}"
