"""What each side of a connection allows the other (RFC 9113, section 6.5)."""

from .errors import ConnectionFault, ErrorCode

HEADER_TABLE_SIZE = 0x1
ENABLE_PUSH = 0x2
MAX_CONCURRENT_STREAMS = 0x3
INITIAL_WINDOW_SIZE = 0x4
MAX_FRAME_SIZE = 0x5
MAX_HEADER_LIST_SIZE = 0x6
# RFC 8441, section 3.
ENABLE_CONNECT_PROTOCOL = 0x8

TABLE_SIZE = 4096
"""Bytes in the table of compressed fields, ours and at first the server's."""

LARGEST_WINDOW = 2**31 - 1
DEFAULT_WINDOW = 65_535

STREAM_WINDOW = 2 * 1024 * 1024
"""Bytes of a body that a server may send us before the user has read any: what an
unread response may hold of our memory. At a round trip of 100 ms, 20 MB a second."""

CONNECTION_WINDOW = 16 * 1024 * 1024
"""Bytes that may be under way over all streams. Given back as they arrive, so that a
response that nobody reads holds up no other."""

FRAME_SIZE = 256 * 1024
"""Bytes in a frame that we take: each costs the same, whatever its size."""

HEAD_LIMIT = 100 * 1024
"""Bytes in a response head, its fields counted as in RFC 9113, section 6.5.2."""

OURS = {
    ENABLE_PUSH: 0,
    INITIAL_WINDOW_SIZE: STREAM_WINDOW,
    MAX_FRAME_SIZE: FRAME_SIZE,
    MAX_HEADER_LIST_SIZE: HEAD_LIMIT,
}
"""What we tell the server."""


class PeerSettings:
    """What the server allows us.

    Attributes:
        table_size: The most bytes in the table of compressed fields.
        most_streams: The most requests at once; None is no limit.
        window: The bytes that a new stream may send.
        frame_size: The most bytes in a frame.
        takes_protocols: Whether it knows the extended CONNECT (RFC 8441).
    """

    __slots__ = ("frame_size", "most_streams", "table_size", "takes_protocols", "window")

    def __init__(self) -> None:
        self.table_size = TABLE_SIZE
        self.most_streams: int | None = None
        self.window = DEFAULT_WINDOW
        self.frame_size = 16_384
        self.takes_protocols = False

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"<{type(self).__name__} {facts}>"

    def note(self, name: int, value: int) -> None:
        """Notes a setting; one that is not known means nothing.

        Raises:
            ConnectionFault: The value is not allowed.
        """
        if name == HEADER_TABLE_SIZE:
            self.table_size = value
        elif name == ENABLE_PUSH and value != 0:
            # Section 7 of RFC 9113 leaves it to clients to enable push.
            raise _wrong("ENABLE_PUSH", value)
        elif name == MAX_CONCURRENT_STREAMS:
            self.most_streams = value
        elif name == INITIAL_WINDOW_SIZE:
            if value > LARGEST_WINDOW:
                raise _wrong("INITIAL_WINDOW_SIZE", value, ErrorCode.FLOW_CONTROL_ERROR)
            self.window = value
        elif name == MAX_FRAME_SIZE:
            if not 16_384 <= value <= 16_777_215:
                raise _wrong("MAX_FRAME_SIZE", value)
            self.frame_size = value
        elif name == ENABLE_CONNECT_PROTOCOL:
            if value not in (0, 1) or (self.takes_protocols and value == 0):
                raise _wrong("ENABLE_CONNECT_PROTOCOL", value)
            self.takes_protocols = value == 1


def _wrong(
    name: str, value: int, code: ErrorCode = ErrorCode.PROTOCOL_ERROR
) -> ConnectionFault:
    return ConnectionFault(code, f"the setting {name} is {value}")
