"""Why a stream or a connection ends (RFC 9113, section 7)."""

import enum


class ErrorCode(enum.IntEnum):
    """What RST_STREAM and GOAWAY say."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


def name_of(code: int) -> str:
    """Returns the name of a code, for people; its number if it has none."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"code {code:#x}"


class ConnectionFault(Exception):  # noqa: N818 - it is told to the peer, not to the user
    """What the peer did that ends the connection (RFC 9113, section 5.4.1).

    Args:
        code: What to tell the peer.
        reason: What to tell the user.
    """

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class StreamFault(Exception):  # noqa: N818 - likewise
    """What the peer did that ends one stream (RFC 9113, section 5.4.2).

    Args:
        code: What to tell the peer.
        reason: What to tell the user.
    """

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
