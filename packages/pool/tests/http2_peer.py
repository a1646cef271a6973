"""A server of HTTP/2 at the other end of a scripted connection, with h2 as the authority.

    peers = serve(network, answer)      # each connection gets one
    peers.until_called(2)
    peers[0].respond(call, b"body")

It understands what comes at once, in whichever thread wrote it, and answers by itself
or as the test says, from any thread. What a client does that h2 objects to is a complaint.
"""

import collections
import collections.abc
import dataclasses
import threading
import typing

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hyperframe.frame
from driving import URL_A, Background, Body, Driver, PoolClient, PoolOptions
from h2.events import StreamReset
from script_steps import Live
from scripted import PATIENCE, Connection, Network

# Imported when HTTP/2 is first spoken: not before the clock is replaced, else.
import httpcore_pool._core.http2  # noqa: F401
from httpcore_interface import AsyncEvent

Fields = list[tuple[bytes, bytes]]
Settings = dict[h2.settings.SettingCodes | int, int]

CANCEL = h2.errors.ErrorCodes.CANCEL
NO_ERROR = h2.errors.ErrorCodes.NO_ERROR
REFUSED = h2.errors.ErrorCodes.REFUSED_STREAM
MOST_STREAMS = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS
WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE


@dataclasses.dataclass(eq=False)
class Call:
    """A request as the server understood it.

    Attributes:
        stream: Its number.
        fields: Of the head, pseudo-fields included.
        body: What has come of it.
        trailers: The fields behind the body.
        is_whole: Whether it has ended.
        reset: The code it was reset with.
    """

    stream: int
    fields: Fields
    body: bytes = b""
    trailers: Fields = dataclasses.field(default_factory=list)
    is_whole: bool = False
    reset: int | None = None

    def field(self, name: bytes) -> bytes | None:
        """The value of a field, given by its name in lower case."""
        values = [value for known, value in self.fields if known == name]
        assert len(values) < 2
        return values[0] if values else None

    @property
    def path(self) -> bytes:
        """Where it goes."""
        return self.field(b":path") or b""


Answer = collections.abc.Callable[["Peer", Call], object]


def new_h2() -> h2.connection.H2Connection:
    """A server's side that allows all that the protocol allows."""
    # It knows no CONNECT without a path: tests look at heads themselves.
    config = h2.config.H2Configuration(
        client_side=False, header_encoding=None, validate_inbound_headers=False
    )
    connection = h2.connection.H2Connection(config)
    connection.local_settings = h2.settings.Settings(client=False)
    return connection


class Peer(Live):
    """The server's end of one connection.

    Args:
        answer: Called with each request, once that has come whole.
        settings: What it begins with.
        begin: Called with each request as soon as its head has come.
        greets: Whether it sends its settings by itself.
        is_thrifty: Whether it gives back no window for what comes.

    Attributes:
        calls: The requests, in the order of their heads.
        events: Everything that h2 told of.
        is_congested: Whether the system takes nothing that is written.
        holds_time: Whether those who wait under a timeout do so until `expire`.
        holds_flush: Whether what h2 has to send is held, to leave in one segment.
    """

    def __init__(
        self,
        answer: Answer | None = None,
        settings: Settings | None = None,
        *,
        begin: Answer | None = None,
        greets: bool = True,
        is_thrifty: bool = False,
    ) -> None:
        self.h2 = new_h2()
        self._settings = settings
        self._unacknowledged = 1
        self.calls: list[Call] = []
        self.events: list[h2.events.Event] = []
        self.is_congested = False
        self.holds_time = False
        self.holds_flush = False
        self._answer = answer
        self._begin = begin
        self._greets = greets
        self._is_thrifty = is_thrifty
        self._is_begun = False
        self._connection: Connection | None = None
        # Entered again by an answer that is given while something is understood.
        self._lock = threading.RLock()
        self._waiting: list[AsyncEvent] = []
        self._gone: set[int | None] = set()
        # What is left of bodies, and the trailers behind them.
        self._bodies: dict[int, tuple[bytes, Fields | None]] = {}

    # -- what the script does --------------------------------------------------------

    def play(self, connection: Connection) -> bool:
        """Understands what has come."""
        with self._lock:
            if self._connection is not None and self._connection is not connection:
                # A fault has prevented the connection that it was for.
                self.h2 = new_h2()
                self._is_begun, self._unacknowledged = False, 1
            self._connection = connection
            if not self._is_begun:
                self._is_begun = True
                self.h2.initiate_connection()
                if self._settings:
                    # h2 minds them once the client has heard of them.
                    self.change(self._settings)
                self._speak()
            octets = bytes(connection.inbox)
            if not octets:
                return False
            # Not cleared: another thread may have added to it.
            del connection.inbox[: len(octets)]
            if connection.is_deaf:
                return False
            try:
                events = self.h2.receive_data(octets)
            except h2.exceptions.ProtocolError as exc:
                connection.complain(f"h2 objects: {exc!r}")
            # What has come with its own end has nobody left to answer.
            self._gone = {event.stream_id for event in events if isinstance(event, StreamReset)}
            for event in events:
                self._take(event)
            self._speak()
        connection.network.notice()
        return False

    def _speak(self) -> None:
        if self._greets:
            self.flush()

    def _take(self, event: h2.events.Event) -> None:
        self.events.append(event)
        if isinstance(event, h2.events.RequestReceived):
            assert event.stream_id is not None
            call = Call(event.stream_id, [(bytes(n), bytes(v)) for n, v in event.headers or []])
            self.calls.append(call)
            if self._begin is not None and call.stream not in self._gone:
                self._begin(self, call)
        elif isinstance(event, h2.events.DataReceived):
            assert event.stream_id is not None
            self.call_of(event.stream_id).body += event.data or b""
            if not self._is_thrifty and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            assert event.stream_id is not None
            fields = [(bytes(n), bytes(v)) for n, v in event.headers or []]
            self.call_of(event.stream_id).trailers = fields
        elif isinstance(event, h2.events.StreamEnded):
            assert event.stream_id is not None
            call = self.call_of(event.stream_id)
            call.is_whole = True
            if self._answer is not None and call.stream not in self._gone:
                self._answer(self, call)
        elif isinstance(event, StreamReset):
            assert event.stream_id is not None
            self.call_of(event.stream_id).reset = event.error_code
            self._bodies.pop(event.stream_id, None)
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for stream in list(self._bodies):
                self._send_body(stream)

    def call_of(self, stream: int) -> Call:
        """The request of a stream."""
        [call] = [call for call in self.calls if call.stream == stream]
        return call

    async def wait(self, timeout: float | None) -> bool:
        """Waits for something to be said; with a timeout, that is over at once."""
        connection = self._connection
        assert connection is not None
        event = connection.network.pace.create_event()
        with self._lock:
            if connection.outbox or not connection.is_open:
                return True
            if timeout is not None and not self.holds_time:
                return False
            self._waiting.append(event)
        connection.network.notice()
        try:
            if not await event.wait(PATIENCE):
                connection.complain("the client reads for ever")
        finally:
            self._waiting.remove(event)
            connection.network.notice()
        # The time is over at once for all who have one.
        return timeout is None or self.holds_time

    @property
    def waiting(self) -> int:
        """How many wait until they can read or write."""
        return len(self._waiting)

    def expire(self) -> None:
        """Lets the time of those pass who wait under a timeout."""
        self.holds_time = False
        self.wake()

    def wake(self) -> None:
        """Wakes the client, if it waits for something to be said."""
        for event in list(self._waiting):
            event.set()

    # -- what the server says --------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """Its connection."""
        assert self._connection is not None
        return self._connection

    @property
    def told(self) -> list[str]:
        """The names of the events that h2 told of."""
        return [type(event).__name__ for event in self.events]

    def greet(self) -> None:
        """Begins to speak."""
        self._greets = True
        self.flush()

    def flush(self) -> None:
        """Sends what h2 has to send."""
        with self._lock:
            if self.holds_flush:
                return
            octets = self.h2.data_to_send()
            if octets:
                self.raw(octets)

    def raw(self, octets: bytes) -> None:
        """Sends bytes as one segment; `b""` is the end."""
        with self._lock:
            self.connection.outbox.append(octets)
            self.wake()

    def frames(self, *frames: hyperframe.frame.Frame) -> None:
        """Sends frames that h2 would not, as one segment."""
        self.raw(b"".join(frame.serialize() for frame in frames))

    def head(self, call: Call, status: int = 200, *fields: tuple[bytes, bytes]) -> None:
        """Begins an answer, or sends an interim one."""
        with self._lock:
            head = [(b":status", b"%d" % status), *fields]
            self.h2.send_headers(call.stream, head)
            self.flush()

    def body(self, call: Call, content: bytes, *, ends: bool = True) -> None:
        """Sends a part of a body, as fast as the windows allow."""
        with self._lock:
            if ends:
                self._bodies[call.stream] = (content, None)
                self._send_body(call.stream)
            else:
                self.h2.send_data(call.stream, content)
            self.flush()

    def _send_body(self, stream: int) -> None:
        content, trailers = self._bodies[stream]
        while content:
            size = min(
                self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size
            )
            if size <= 0:
                self._bodies[stream] = (content, trailers)
                return
            self.h2.send_data(stream, content[:size])
            content = content[size:]
        del self._bodies[stream]
        if trailers is None:
            self.h2.end_stream(stream)
        else:
            self.h2.send_headers(stream, trailers, end_stream=True)

    def respond(
        self,
        call: Call,
        content: bytes = b"",
        status: int = 200,
        *fields: tuple[bytes, bytes],
        trailers: Fields | None = None,
    ) -> None:
        """Answers, in one segment if the windows allow."""
        with self._lock:
            head = [(b":status", b"%d" % status), *fields]
            self.h2.send_headers(call.stream, head, end_stream=not content and not trailers)
            if content or trailers:
                self._bodies[call.stream] = (content, trailers)
                self._send_body(call.stream)
            self.flush()

    def reset(self, call: Call, code: int = CANCEL) -> None:
        """Resets a stream."""
        with self._lock:
            self.h2.reset_stream(call.stream, code)
            self._bodies.pop(call.stream, None)
            self.flush()

    def change(self, settings: Settings) -> None:
        """Changes what it allows."""
        with self._lock:
            self.h2.update_settings(settings)
            self._unacknowledged += 1
            self._speak()

    @property
    def is_understood(self) -> bool:
        """Whether the client has acknowledged all settings."""
        return self.told.count("SettingsAcknowledged") == self._unacknowledged

    def go_away(self, last: int, code: int = NO_ERROR) -> None:
        """Sends GOAWAY, and goes on with what it has begun."""
        self.frames(hyperframe.frame.GoAwayFrame(0, last_stream_id=last, error_code=int(code)))

    def end(self) -> None:
        """Ends its side of the connection."""
        self.connection.is_deaf = True
        self.raw(b"")


class Peers(list[Peer]):
    """The servers of all connections, in order."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network

    @property
    def calls(self) -> list[Call]:
        """The requests of all of them."""
        return [call for peer in self for call in peer.calls]

    def answer(self, call: Call, content: bytes) -> None:
        """Answers a request, at whichever of them it is."""
        [peer] = [peer for peer in self if call in peer.calls]
        peer.respond(call, content)

    def until_called(self, count: int) -> list[Call]:
        """Returns once so many requests have begun."""
        self._network.until(lambda: len(self.calls) >= count)
        return self.calls

    def until(self, condition: collections.abc.Callable[[], bool]) -> None:
        """Returns once something has come about at a server."""
        self._network.until(condition)


def serve(
    network: Network,
    answer: Answer | None = None,
    settings: Settings | None = None,
    *,
    begin: Answer | None = None,
    is_thrifty: bool = False,
) -> Peers:
    """Puts a server at the end of each connection that has no script."""
    peers = Peers(network)

    def script() -> list[Peer]:
        peer = Peer(answer, settings, begin=begin, is_thrifty=is_thrifty)
        peers.append(peer)
        return [peer]

    network.otherwise = lambda: [*script()]
    network.alpn = "h2"
    return peers


def shared_pool(driver: Driver, **options: typing.Unpack[PoolOptions]) -> PoolClient:
    """A pool that speaks HTTP/2 to everybody."""
    options["http1"], options["http2"] = False, True
    return driver.pool(**options)


def begin(
    pool: PoolClient,
    target: str = "",
    method: str = "GET",
    content: bytes | Body | None = None,
    headers: Fields | None = None,
    **timeout: float,
) -> Background[bytes]:
    """Sends a request in another thread, and reads its response."""
    return Background(
        lambda: (
            pool.request(
                method,
                URL_A + target,
                content=content,
                headers=headers,
                extensions={"timeout": timeout},
            ).body
        )
    )


def echo(peer: Peer, call: Call) -> None:
    """Answers with the path, and the body if there is one."""
    peer.respond(call, call.path + call.body)


def until_known(network: Network, pool: PoolClient, most: int) -> None:
    """Returns once the pool knows how many requests at once its connections take."""
    slots = pool.face._core.state.slots
    network.until(lambda: all(slot.capacity == most for slot in list(slots)))
