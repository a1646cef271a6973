"""A stream that ends within a response."""

import pytest
from response_reading import fail_every_way
from response_samples import CHUNKED, DISCONNECTED, GET, INCOMPLETE_CHUNKED

from httpcore_interface import RemoteProtocolError
from httpcore_pool._protocol.http11 import ResponseReader

pytestmark = pytest.mark.exhaustive


def complaint(place: int, wire: bytes, *, body: str) -> str:
    """Returns what is said of a stream that ends behind `place` bytes of `wire`."""
    if place == 0:
        return DISCONNECTED
    if place < wire.index(b"\r\n\r\n") + 4:
        return f"Server disconnected after {place} bytes of an incomplete response head."
    return body


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\r\nX-Odd: \x01\r\n\r\n"])
def test_body_cut_short_is_an_error_with_the_numbers(end: bytes) -> None:
    wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5" + end + b"hello"
    for place in range(len(wire)):
        received = max(0, place - (len(wire) - 5))
        message = complaint(
            place,
            wire,
            body="peer closed connection without sending complete message body "
            f"(received {received} bytes, expected 5)",
        )
        assert fail_every_way(GET, wire[:place], ends=True) == {message}


@pytest.mark.parametrize(
    "chunks",
    [
        b"1\r\na\r\n0b\r\nhello world\r\n0\r\n\r\n",
        b"1;x\r\na\r\n0b\r\nhello world\r\n000\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX-Trailer: x\r\nY: z\r\n\r\n",
    ],
)
def test_chunks_cut_short_are_an_error(chunks: bytes) -> None:
    wire = CHUNKED + chunks
    for place in range(len(wire)):
        message = complaint(place, wire, body=INCOMPLETE_CHUNKED)
        assert fail_every_way(GET, wire[:place], ends=True) == {message}


def test_end_that_comes_with_the_last_bytes_is_told_apart_from_bad_ones() -> None:
    reader = ResponseReader(GET)
    reader.feed(b"nonsense\r\n\r\n")
    reader.feed(b"")
    with pytest.raises(RemoteProtocolError, match="illegal status line"):
        reader.next_head()
    reader = ResponseReader(GET)
    reader.feed(CHUNKED + b"nonsense\r\n")
    reader.feed(b"")
    assert reader.next_head() is not None
    with pytest.raises(RemoteProtocolError, match="illegal chunk header"):
        reader.next_chunk()
