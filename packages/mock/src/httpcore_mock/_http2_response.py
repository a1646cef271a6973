"""The frames of an HTTP/2 response (RFC 9113), in bytes; needs the extra `http2`."""

import collections.abc
import typing

from ._headers import Headers, header_pairs

if typing.TYPE_CHECKING:
    from hyperframe.frame import Frame

# What every client takes without having said so (RFC 9113, section 6.5.2,
# SETTINGS_MAX_FRAME_SIZE).
_LARGEST_PAYLOAD = 16_384


def http2_response(
    status: int = 200, headers: Headers = (), body: bytes = b"", *, stream_id: int = 1
) -> bytes:
    """Returns the frames of an HTTP/2 response as one piece of bytes.

    The first response of a connection, which is that of stream 1, begins with the SETTINGS
    frame that a server sends first (RFC 9113, section 3.4).

    Args:
        status: Three digits.
        headers: A mapping, or (name, value) pairs; bytes or ASCII text. Names are sent in
            lower case (RFC 9113, section 8.2).
        body: Sent in frames of 16,384 bytes at most.
        stream_id: The stream that the request came on: 1 for the first request of a
            connection, then 3, 5, and so on.

    Raises:
        ImportError: hpack or hyperframe is missing.
    """
    try:
        import hpack
        from hyperframe.frame import SettingsFrame
    except ModuleNotFoundError as exc:
        library = (exc.name or "").partition(".")[0]
        if library not in ("hpack", "hyperframe"):
            raise
        raise ImportError(
            f"http2_response needs {library}: install httpcore-mock[http2]"
        ) from exc
    fields = [(name.lower(), value) for name, value in header_pairs(headers)]
    # Tables of its own: what it refers to are fields that it has just sent itself, which
    # stand first in the client's table whatever came before.
    block = hpack.Encoder().encode([(b":status", b"%d" % status), *fields])
    frames = [SettingsFrame()] if stream_id == 1 else []
    return b"".join(
        frame.serialize()
        for frame in (
            *frames,
            *_header_frames(stream_id, block, is_all=not body),
            *_data_frames(stream_id, body),
        )
    )


def _header_frames(
    stream_id: int, block: bytes, *, is_all: bool
) -> "collections.abc.Iterator[Frame]":
    from hyperframe.frame import ContinuationFrame, HeadersFrame

    pieces = _pieces(block)
    for number, piece in enumerate(pieces):
        frame = (ContinuationFrame if number else HeadersFrame)(stream_id, piece)
        if number == 0 and is_all:
            frame.flags.add("END_STREAM")
        if number == len(pieces) - 1:
            frame.flags.add("END_HEADERS")
        yield frame


def _data_frames(stream_id: int, body: bytes) -> "collections.abc.Iterator[Frame]":
    from hyperframe.frame import DataFrame

    pieces = _pieces(body)
    for number, piece in enumerate(pieces):
        frame = DataFrame(stream_id, piece)
        if number == len(pieces) - 1:
            frame.flags.add("END_STREAM")
        yield frame


def _pieces(octets: bytes) -> list[bytes]:
    return [
        octets[start : start + _LARGEST_PAYLOAD]
        for start in range(0, len(octets), _LARGEST_PAYLOAD)
    ]
