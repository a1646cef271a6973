"""Frames mutated, cut, repeated and reordered: nothing but httpcore's errors, and no mess."""

import collections.abc
import contextlib
import ssl
import typing

import example_settings
import hpack
import hypothesis
import hypothesis.strategies as st
from driving import URL_A
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from httpcore_interface import (
    NetworkBackend,
    NetworkError,
    NetworkStream,
    ProtocolError,
    TimeoutException,
)
from httpcore_pool import ConnectionPool, Request
from httpcore_pool._protocol.http2 import Engine, Stream
from httpcore_pool._protocol.http2.fields import request_fields

GET = request_fields(b"GET", b"http", b"example.test", b"/", [])
REQUESTS = 3
OURS = (NetworkError, ProtocolError, TimeoutException)


def frames() -> list[bytes]:
    """All that a server would say about three requests, one frame after the other."""
    encoder = hpack.Encoder()

    def block(*fields: tuple[bytes, bytes]) -> bytes:
        octets: bytes = encoder.encode(list(fields))
        return octets

    interim = block((b":status", b"103"), (b"link", b"</a>"))
    head = block((b":status", b"200"), (b"content-length", b"8"), (b"x", b"y" * 50))
    other = block((b":status", b"404"))
    trailers = block((b"x-behind", b"the body"))
    sent: list[Frame] = [
        SettingsFrame(0, settings={3: 100, 4: 1000, 8: 1}),
        SettingsFrame(0, flags=["ACK"]),
        HeadersFrame(1, interim, flags=["END_HEADERS"]),
        HeadersFrame(1, head[:10]),
        ContinuationFrame(1, head[10:], flags=["END_HEADERS"]),
        WindowUpdateFrame(0, window_increment=70_000),
        DataFrame(1, b"half"),
        HeadersFrame(3, other, flags=["END_HEADERS"]),
        PingFrame(0, b"12345678"),
        DataFrame(3, b"x" * 300, flags=["PADDED"], pad_length=20),
        DataFrame(1, b"half", flags=["END_STREAM"]),
        WindowUpdateFrame(3, window_increment=100),
        SettingsFrame(0, settings={3: 1, 4: 10}),
        HeadersFrame(3, trailers, flags=["END_HEADERS", "END_STREAM"]),
        RstStreamFrame(5, error_code=2),
        GoAwayFrame(0, last_stream_id=5),
    ]
    return [frame.serialize() for frame in sent]


FRAMES = frames()


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes]:
    """What a server says, more or less, in segments."""
    said = list(FRAMES)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(said) - 1))
        match draw(st.sampled_from(["move", "repeat", "drop", "cut", "change", "flip"])):
            case "move":
                said.insert(draw(st.integers(0, len(said) - 1)), said.pop(place))
            case "repeat":
                said.insert(place, said[place])
            case "drop":
                del said[place]
            case "cut":
                said[place] = said[place][: draw(st.integers(0, len(said[place])))]
            case "change":
                # The header, where most of the meaning is.
                said[place] = changed(said[place], draw(st.integers(0, 8)), draw(octet))
            case "flip":
                at = draw(st.integers(0, max(len(said[place]) - 1, 0)))
                said[place] = changed(said[place], at, draw(octet))
    whole = b"".join(said)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    ends = [*cuts, len(whole)]
    return [
        whole[start:end] for start, end in zip([0, *cuts], ends, strict=True) if end > start
    ]


octet = st.integers(0, 255)


def changed(frame: bytes, at: int, value: int) -> bytes:
    return frame[:at] + bytes([value]) + frame[at + 1 :] if at < len(frame) else frame


def is_of_frames(sent: bytes) -> bool:
    """Whether it is whole frames and nothing else."""
    while len(sent) >= 9:
        _, length = Frame.parse_frame_header(memoryview(sent[:9]))
        sent = sent[9 + length :]
    return not sent


def settled(streams: collections.abc.Iterable[Stream]) -> list[bool]:
    return [stream.has_ended or stream.failure is not None for stream in streams]


@example_settings.settings(500)
@hypothesis.given(conversations())
def test_engine_takes_whatever_comes(segments: list[bytes]) -> None:
    engine = Engine()
    streams = [engine.open(GET, ends=True) for _ in range(REQUESTS)]
    assert engine.take().startswith(b"PRI * HTTP/2.0")
    for segment in segments:
        news = engine.receive(segment)
        assert set(news) <= set(streams)
        for stream in streams:
            while stream.chunks:
                engine.note_read(stream, len(stream.chunks.popleft()))
        assert is_of_frames(engine.take())
    engine.receive(b"")
    assert engine.failure is not None
    assert settled(streams) == [True] * REQUESTS
    assert not engine.streams
    assert engine.capacity == 0


class Recorded(NetworkStream):
    """A server that says what it says, whatever it hears."""

    def __init__(self, segments: list[bytes]) -> None:
        self._segments = list(segments)
        self.is_open = True

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not self._segments:
            return b""
        segment = self._segments.pop(0)
        if len(segment) > max_bytes:
            self._segments.insert(0, segment[max_bytes:])
        return segment[:max_bytes]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        assert self.is_open

    def close(self) -> None:
        self.is_open = False

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        raise AssertionError("nobody asked for TLS")

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return True if info == "is_readable" else None


class RecordedBackend(NetworkBackend):
    """Connects to such servers."""

    def __init__(self, segments: list[bytes]) -> None:
        self._segments = segments
        self.streams: list[Recorded] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: object = None,
    ) -> NetworkStream:
        self.streams.append(Recorded(self._segments))
        return self.streams[-1]


@example_settings.settings(300)
@hypothesis.given(conversations())
def test_pool_takes_whatever_comes(segments: list[bytes]) -> None:
    backend = RecordedBackend(segments)
    request = Request("GET", URL_A, headers=[(b"Host", b"example.test")])
    with ConnectionPool(network_backend=backend, http1=False, http2=True) as pool:
        responses = []
        for _ in range(REQUESTS):
            with contextlib.suppress(*OURS):
                responses.append(pool.handle_request(request))
        for response in responses:
            with contextlib.suppress(*OURS):
                response.read()
            response.close()
        assert len(pool._requests) == 0
        assert sum(stream.is_open for stream in backend.streams) == pool.stats().idle
    assert not any(stream.is_open for stream in backend.streams)
