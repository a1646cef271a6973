"""The server of a storm of HTTP/2: many requests on a connection, each with its fate.

What the client sends is judged by h2: a request or a byte too many is an error.
"""

import collections.abc
import contextlib
import heapq
import random
import ssl
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hyperframe.frame
from peers.deadlines import DEADLINE
from peers.scripted import Conversation
from storms import content_of

MAX_STREAMS = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS
WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE

# Seconds after which a script gives up on a client that does nothing.
_PATIENCE = 3 * DEADLINE


class OverError(Exception):
    """The connection is over, as its fate has it."""


class HTTP2StormServer:
    """A script that answers requests as their fates have it.

    Args:
        seed: Of the storm.
        tls: What connections are encrypted with, if they are.

    Attributes:
        seed: As given.
        is_over: Whether new connections meet no fate any more.
        refused: The requests that were refused once: the second time they are answered.
    """

    def __init__(self, seed: int, tls: ssl.SSLContext | None) -> None:
        self.seed = seed
        self._tls = tls
        self.is_over = False
        self.refused: set[int] = set()

    def __call__(self, conn: Conversation) -> None:
        with contextlib.suppress(OverError, ConnectionError, ssl.SSLError):
            lots = random.Random(f"connection {self.seed} {conn.number}")
            if not self.is_over and lots.random() < 0.1:
                lots.choice([Conversation.close, Conversation.reset])(conn)
                return
            if self._tls is not None:
                conn.start_tls(self._tls)
            StormConnection(self, conn, lots).serve()


class StormConnection:
    """One connection of the storm.

    Args:
        server: Whose it is.
        conn: What it goes over.
        lots: Its own.

    Attributes:
        server: As given.
        engine: What the frames mean.
    """

    def __init__(
        self, server: HTTP2StormServer, conn: Conversation, lots: random.Random
    ) -> None:
        self.server = server
        self.conn = conn
        self.lots = lots
        config = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self.engine = h2.connection.H2Connection(config)
        self.streams: dict[int, StormStream] = {}
        # The last stream that is answered, once it has said that it goes.
        self.last: int | None = None
        self._is_settled = False
        self._window = 65_535
        self._ack_delay = lots.choice([0.0, 0.0, 0.005])
        self._due: list[tuple[float, int, collections.abc.Callable[[], None]]] = []
        self._count = 0

    def serve(self) -> None:
        """Goes on until either side has had enough."""
        self.engine.initiate_connection()
        began = time.monotonic()
        while True:
            self.flush()
            received = self.conn.receive_some(self._seconds_left())
            if received == b"":
                return
            if received:
                began = time.monotonic()
                self._take_in(self.engine.receive_data(received))
            assert time.monotonic() - began < _PATIENCE, "the client neither asks nor leaves"
            self._play_due()
            if self.last is not None and not self.streams:
                self.flush()
                return

    def flush(self) -> None:
        """Sends what there is to send."""
        octets = self.engine.data_to_send()
        if octets:
            self.conn.send(octets)

    def later(self, seconds: float, action: collections.abc.Callable[[], None]) -> None:
        """Does something after a while; other requests go on meanwhile."""
        self._count += 1
        heapq.heappush(self._due, (time.monotonic() + seconds, self._count, action))

    def change_settings(self) -> None:
        """Takes fewer requests at once, or more, and larger bodies."""
        # h2 takes an answer to any SETTINGS for one to the last.
        if not self._is_settled:
            return
        self._is_settled = False
        # Never smaller: an empty frame in a window of less than nothing is none of h2's
        # cases, though it is allowed (RFC 9113, section 6.9.1).
        self._window += self.lots.choice([0, 10_000, 1_000_000])
        self.engine.update_settings(
            {MAX_STREAMS: self.lots.choice([1, 2, 5, 20, 100]), WINDOW: self._window}
        )

    def go(self, last: int) -> None:
        """Says that it goes; what was begun up to the last stream is answered."""
        self.flush()
        # Not by h2, which would take it for the end of everything.
        frame = hyperframe.frame.GoAwayFrame(0, last_stream_id=last)
        self.conn.send(frame.serialize())
        self.last = last
        for number in [number for number in self.streams if number > last]:
            del self.streams[number]

    def _seconds_left(self) -> float:
        if not self._due:
            return 1.0
        # A timeout of 0 would make the socket one that does not wait at all.
        return min(1.0, max(0.0001, self._due[0][0] - time.monotonic()))

    def _play_due(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()
            self.flush()

    def _take_in(self, events: list[h2.events.Event]) -> None:
        # h2 has seen all of them: what ends something is heeded before what begins it.
        ended, left = set(), set()
        for event in events:
            if isinstance(event, h2.events.ConnectionTerminated):
                raise OverError
            if isinstance(event, h2.events.StreamEnded):
                ended.add(event.stream_id)
            elif isinstance(event, h2.events.SettingsAcknowledged):
                self._is_settled = True
            elif isinstance(event, h2.events.StreamReset):
                left.add(event.stream_id)
                self.streams.pop(event.stream_id, None)
        for number in ended & self.streams.keys():
            self.streams[number].has_ended = True
        for event in events:
            if isinstance(event, h2.events.RequestReceived):
                if event.stream_id not in left:
                    self._begin(event, has_ended=event.stream_id in ended)
            elif isinstance(event, h2.events.DataReceived):
                self._take(event)
            elif isinstance(event, h2.events.StreamEnded):
                if event.stream_id in self.streams:
                    self.streams[event.stream_id].meet_fate()
            elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
                for stream in list(self.streams.values()):
                    stream.send_more()

    def _begin(self, event: h2.events.RequestReceived, *, has_ended: bool) -> None:
        number = event.stream_id
        if self.last is not None and number > self.last:
            return
        fields = {bytes(name): bytes(value) for name, value, *_ in event.headers}
        stream = StormStream(self, number, int(fields[b":path"][1:]))
        stream.has_ended = has_ended
        self.streams[number] = stream
        if stream.fate in EARLY_FATES:
            stream.meet_fate()

    def _take(self, event: h2.events.DataReceived) -> None:
        size, number = event.flow_controlled_length, event.stream_id

        def acknowledge() -> None:
            # A stream that is over takes nothing more; the connection does.
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self.engine.acknowledge_received_data(size, number)

        if self._ack_delay:
            self.later(self._ack_delay, acknowledge)
        else:
            acknowledge()


class StormStream:
    """One request, and what becomes of it.

    Args:
        connection: What it came over.
        stream: The number of its stream.
        number: That of the request.
    """

    def __init__(self, connection: StormConnection, stream: int, number: int) -> None:
        self.connection = connection
        self.stream = stream
        self.number = number
        self.content = content_of(number)
        self.has_ended = False
        self.is_met = False
        self._unsent = b""
        self._ends = False
        self._trailers: list[tuple[bytes, bytes]] = []
        lots = random.Random(f"fate {connection.server.seed} {number}")
        self.pause = lots.uniform(0.0, 0.03) if lots.random() < 0.2 else 0.0
        fates = list(FATES)
        self.fate = lots.choices(fates, list(FATES.values()))[0] if number >= 0 else answers

    @property
    def is_alive(self) -> bool:
        """Whether the client still waits for it."""
        return self.connection.streams.get(self.stream) is self

    def meet_fate(self) -> None:
        """Does what its fate says, once."""
        if self.is_met:
            return
        self.is_met = True
        if self.pause:
            self.later(self.pause, lambda: self.fate(self))
        else:
            self.fate(self)

    def later(self, seconds: float, action: collections.abc.Callable[[], None]) -> None:
        """Does something after a while, unless the client has left it by then."""

        def act() -> None:
            if self.is_alive:
                action()

        self.connection.later(seconds, act)

    def head(self, status: int = 200, *fields: tuple[bytes, bytes]) -> None:
        """Sends a head."""
        all_fields = [(b":status", b"%d" % status), *fields]
        self.connection.engine.send_headers(self.stream, all_fields)

    def body(
        self,
        content: bytes,
        *,
        ends: bool = True,
        trailers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        """Sends a part of the body, as far and as soon as the windows allow."""
        self._unsent += content
        self._ends = ends
        self._trailers = trailers or []
        self.send_more()

    def send_more(self) -> None:
        """Sends what the windows allow by now."""
        engine = self.connection.engine
        while self._unsent:
            size = min(
                engine.local_flow_control_window(self.stream),
                engine.max_outbound_frame_size,
                len(self._unsent),
            )
            if size <= 0:
                return
            engine.send_data(self.stream, self._unsent[:size])
            self._unsent = self._unsent[size:]
        if self._ends:
            self._ends = False
            if self._trailers:
                engine.send_headers(self.stream, self._trailers, end_stream=True)
            else:
                engine.end_stream(self.stream)
            self.end()

    def end(self) -> None:
        """Ends it; what is left of the request is not wanted."""
        if not self.has_ended:
            self.reset(h2.errors.ErrorCodes.NO_ERROR)
        self.connection.streams.pop(self.stream, None)

    def reset(self, code: h2.errors.ErrorCodes) -> None:
        """Ends it at once."""
        self.connection.engine.reset_stream(self.stream, code)
        self.connection.streams.pop(self.stream, None)

    def close(self) -> None:
        """Ends the connection, and with it the others."""
        self.connection.flush()
        raise OverError


# -- fates -----------------------------------------------------------------------------


def answers(stream: StormStream) -> None:
    stream.head(200, (b"content-length", b"%d" % len(stream.content)))
    stream.body(stream.content)


def answers_in_parts(stream: StormStream) -> None:
    half = len(stream.content) // 2
    stream.head()
    stream.body(stream.content[:half], ends=False)
    stream.later(0.002, lambda: stream.body(stream.content[half:]))


def answers_with_trailers(stream: StormStream) -> None:
    stream.head()
    stream.body(stream.content, trailers=[(b"x-number", b"%d" % stream.number)])


def answers_after_interim(stream: StormStream) -> None:
    stream.head(103, (b"link", b"</style.css>"))
    answers(stream)


def answers_too_late(stream: StormStream) -> None:
    stream.later(0.35, lambda: answers(stream))


def answers_after_a_ping(stream: StormStream) -> None:
    stream.connection.engine.ping(b"thestorm")
    answers(stream)


def answers_with_other_settings(stream: StormStream) -> None:
    stream.connection.change_settings()
    answers(stream)


def refuses(stream: StormStream) -> None:
    stream.head(413)
    stream.body(b"no: %d" % stream.number)


def is_refused_once(stream: StormStream) -> None:
    refused = stream.connection.server.refused
    if stream.number in refused:
        answers(stream)
    else:
        refused.add(stream.number)
        stream.reset(h2.errors.ErrorCodes.REFUSED_STREAM)


def is_reset(stream: StormStream) -> None:
    stream.reset(h2.errors.ErrorCodes.INTERNAL_ERROR)


def is_reset_in_the_body(stream: StormStream) -> None:
    stream.head()
    stream.body(stream.content[:-1], ends=False)
    stream.later(0.002, lambda: stream.reset(h2.errors.ErrorCodes.CANCEL))


def has_too_little(stream: StormStream) -> None:
    stream.head(200, (b"content-length", b"%d" % (len(stream.content) + 1)))
    stream.body(stream.content)


def stalls(stream: StormStream) -> None:
    pass


def stalls_in_the_body(stream: StormStream) -> None:
    stream.head()
    stream.body(stream.content[:-1], ends=False)


def goes_gracefully(stream: StormStream) -> None:
    connection = stream.connection
    if connection.last is None:
        connection.go(max(connection.streams))
    answers(stream)


def goes_abruptly(stream: StormStream) -> None:
    if stream.connection.last is None:
        stream.connection.go(stream.stream - 2 if stream.stream > 1 else 0)
    stream.close()


def goes_behind_the_answer(stream: StormStream) -> None:
    answers(stream)
    if stream.connection.last is None:
        stream.connection.go(stream.stream)


def closes(stream: StormStream) -> None:
    stream.close()


def closes_in_the_body(stream: StormStream) -> None:
    stream.head()
    stream.body(stream.content[:-1], ends=False)
    stream.close()


def closes_in_a_frame(stream: StormStream) -> None:
    stream.connection.flush()
    stream.connection.conn.send(b"\x00\x10\x00\x00\x00")
    stream.close()


def cuts_off(stream: StormStream) -> None:
    stream.connection.conn.reset()
    raise OverError


def sends_garbage(stream: StormStream) -> None:
    stream.connection.flush()
    stream.connection.conn.send(b"HTTP/1.1 200 OK\r\n\r\n" + stream.content)
    stream.close()


# With their weights: what ends a connection ends the other requests on it.
FATES: dict[collections.abc.Callable[[StormStream], None], int] = {
    answers: 100,
    answers_in_parts: 50,
    answers_with_trailers: 20,
    answers_after_interim: 10,
    answers_too_late: 3,
    answers_after_a_ping: 10,
    answers_with_other_settings: 20,
    refuses: 5,
    is_refused_once: 8,
    is_reset: 4,
    is_reset_in_the_body: 4,
    has_too_little: 3,
    stalls: 4,
    stalls_in_the_body: 4,
    goes_gracefully: 4,
    goes_abruptly: 2,
    goes_behind_the_answer: 3,
    closes: 1,
    closes_in_the_body: 1,
    closes_in_a_frame: 1,
    cuts_off: 1,
    sends_garbage: 1,
}
# These do not wait for the request's body.
EARLY_FATES = {refuses, is_refused_once, is_reset, goes_abruptly, closes, cuts_off}
