"""Frames (RFC 9113, section 4): written here, and cut out of what is received."""

import collections.abc
import struct

from .errors import ConnectionFault, ErrorCode

DATA = 0x0
HEADERS = 0x1
PRIORITY = 0x2
RST_STREAM = 0x3
SETTINGS = 0x4
PUSH_PROMISE = 0x5
PING = 0x6
GOAWAY = 0x7
WINDOW_UPDATE = 0x8
CONTINUATION = 0x9

ACK = 0x1
END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

HEADER_SIZE = 9

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client begins with (RFC 9113, section 3.4)."""

Frame = tuple[int, int, int, bytes]
"""Type, flags, stream, payload."""

# The length has 24 bits: 8 and 16 of them.
_header = struct.Struct(">BHBBL")
_number = struct.Struct(">L")
_two_numbers = struct.Struct(">LL")
_setting = struct.Struct(">HL")


def write_frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Returns a frame."""
    return write_header(kind, flags, stream, len(payload)) + payload


def write_header(kind: int, flags: int, stream: int, size: int) -> bytes:
    """Returns the header of a frame whose payload is of `size` bytes."""
    return _header.pack(size >> 16, size & 0xFFFF, kind, flags, stream)


def write_settings(settings: collections.abc.Mapping[int, int]) -> bytes:
    """Returns a SETTINGS frame."""
    payload = b"".join([_setting.pack(name, value) for name, value in settings.items()])
    return write_frame(SETTINGS, 0, 0, payload)


def write_window_update(stream: int, increment: int) -> bytes:
    """Returns a WINDOW_UPDATE frame; stream 0 is the connection."""
    return write_frame(WINDOW_UPDATE, 0, stream, _number.pack(increment))


def write_reset(stream: int, code: int) -> bytes:
    """Returns an RST_STREAM frame."""
    return write_frame(RST_STREAM, 0, stream, _number.pack(code))


def write_goaway(last_stream: int, code: int, reason: str) -> bytes:
    """Returns a GOAWAY frame, with a few words for whoever reads logs."""
    words = reason.encode("ascii", "replace")[:128]
    return write_frame(GOAWAY, 0, 0, _two_numbers.pack(last_stream, code) + words)


def write_block(stream: int, block: bytes, largest: int, *, ends_stream: bool) -> bytes:
    """Returns a field block as one HEADERS frame and CONTINUATION frames.

    Args:
        stream: Whose it is.
        block: Compressed.
        largest: The most bytes in a frame.
        ends_stream: Whether nothing follows.
    """
    flags = END_STREAM if ends_stream else 0
    if len(block) <= largest:
        return write_frame(HEADERS, flags | END_HEADERS, stream, block)
    parts = [write_frame(HEADERS, flags, stream, block[:largest])]
    for start in range(largest, len(block), largest):
        is_last = start + largest >= len(block)
        part = block[start : start + largest]
        parts.append(write_frame(CONTINUATION, END_HEADERS if is_last else 0, stream, part))
    return b"".join(parts)


class FrameReader:
    """Cuts frames out of what is received.

    Args:
        largest: The most bytes in a frame that we take.
    """

    __slots__ = ("_buffer", "_largest")

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._buffer = b""

    @property
    def is_within_frame(self) -> bool:
        """Whether a part of a frame has come."""
        return bool(self._buffer)

    def feed(self, received: bytes) -> collections.abc.Iterator[Frame]:
        """Yields the frames that are complete now.

        What follows an error is lost: it ends the connection.

        Raises:
            ConnectionFault: A frame is larger than allowed.
        """
        buffer = self._buffer + received if self._buffer else received
        position, end = 0, len(buffer)
        unpack = _header.unpack_from
        # Put right before each frame is handed out, and not once at the end: whoever
        # takes the frames may stop in between.
        self._buffer = b""
        while end - position >= HEADER_SIZE:
            high, low, kind, flags, stream = unpack(buffer, position)
            size = high << 16 | low
            if size > self._largest:
                raise ConnectionFault(
                    ErrorCode.FRAME_SIZE_ERROR,
                    f"a frame of {size} bytes; {self._largest} are allowed",
                )
            start = position + HEADER_SIZE
            if end - start < size:
                break
            position = start + size
            # The highest bit is reserved, and to be ignored.
            yield kind, flags, stream & 0x7FFFFFFF, buffer[start:position]
        self._buffer = buffer[position:]


def unpadded(flags: int, payload: bytes) -> bytes:
    """Returns the payload of a DATA or HEADERS frame without its padding.

    Raises:
        ConnectionFault: There is more padding than payload.
    """
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a frame with too much padding")
    return payload[1 : len(payload) - payload[0]]


def read_number(payload: bytes, name: str) -> int:
    """Returns the number of 31 or 32 bits that a frame consists of.

    Raises:
        ConnectionFault: The frame has another size.
    """
    if len(payload) != 4:
        raise ConnectionFault(
            ErrorCode.FRAME_SIZE_ERROR, f"a {name} frame of {len(payload)} bytes instead of 4"
        )
    number: int = _number.unpack(payload)[0]
    return number


def read_goaway(payload: bytes) -> tuple[int, int, bytes]:
    """Returns the last stream, the code and the words of a GOAWAY frame.

    Raises:
        ConnectionFault: The frame is too small.
    """
    if len(payload) < 8:
        raise ConnectionFault(
            ErrorCode.FRAME_SIZE_ERROR, f"a GOAWAY frame of {len(payload)} bytes"
        )
    last_stream, code = _two_numbers.unpack_from(payload)
    return last_stream & 0x7FFFFFFF, code, payload[8:]


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """Returns the pairs of a SETTINGS frame.

    Raises:
        ConnectionFault: The size is no multiple of 6.
    """
    if len(payload) % 6:
        raise ConnectionFault(
            ErrorCode.FRAME_SIZE_ERROR, f"a SETTINGS frame of {len(payload)} bytes"
        )
    return list(_setting.iter_unpack(payload))
