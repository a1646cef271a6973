"""A server of HTTP/2 for the pure engine: what it says, frame by frame.

Its frames are written by hyperframe and hpack, and ours are read by them: so neither
side of a test is the code that it tests.
"""

import collections.abc

import hpack
from hyperframe.frame import (
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
)

from httpcore_pool._protocol.http2 import Engine, Stream
from httpcore_pool._protocol.http2.fields import request_fields

Fields = list[tuple[bytes, bytes]]

GET = request_fields(b"GET", b"https", b"example.test", b"/", [])
HEAD = request_fields(b"HEAD", b"https", b"example.test", b"/", [])
OK = [(b":status", b"200")]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Peer:
    """A server: what it says, and what it has been told."""

    def __init__(self, settings: dict[int, int] | None = None, *, begins: bool = True) -> None:
        self.engine = Engine()
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.wire = b""
        self.received: list[Frame] = []
        if begins:
            self.say(SettingsFrame(settings=settings or {}))
            self.heard()

    def say(self, *sent: Frame) -> list[Stream]:
        return self.engine.receive(b"".join(frame.serialize() for frame in sent))

    def heard(self) -> list[Frame]:
        """The frames that came since the last time."""
        octets = self.wire + self.engine.take()
        if octets.startswith(b"PRI"):
            assert octets.startswith(PREFACE)
            octets = octets[len(PREFACE) :]
        found = []
        while len(octets) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(octets[:9]))
            frame.parse_body(memoryview(octets[9 : 9 + length]))
            found.append(frame)
            octets = octets[9 + length :]
        assert not octets
        self.received += found
        return found

    def head(
        self, fields: Fields, stream: int = 1, *flags: str, block: bytes | None = None
    ) -> HeadersFrame:
        block = self.encoder.encode(fields) if block is None else block
        return HeadersFrame(stream, block, flags=["END_HEADERS", *flags])

    def get(self, fields: Fields = GET) -> Stream:
        stream = self.engine.open(fields, ends=True)
        self.heard()
        return stream


def body(stream: Stream) -> bytes:
    return b"".join(stream.chunks)


def resets(sent: collections.abc.Iterable[Frame]) -> list[tuple[int, int]]:
    return [(f.stream_id, f.error_code) for f in sent if isinstance(f, RstStreamFrame)]


def goaways(sent: collections.abc.Iterable[Frame]) -> list[int]:
    return [f.error_code for f in sent if isinstance(f, GoAwayFrame)]
