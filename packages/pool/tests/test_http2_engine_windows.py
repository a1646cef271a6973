"""Flow control of HTTP/2 as pure code (RFC 9113, section 5.2)."""

import collections.abc

import pytest
from engine_peer import GET, OK, Peer, resets
from hyperframe.frame import (
    DataFrame,
    Frame,
    HeadersFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from httpcore_pool._protocol.http2 import ErrorCode


@pytest.fixture
def peer() -> Peer:
    return Peer()


# -- flow control ----------------------------------------------------------------------


def data_sent(sent: collections.abc.Iterable[Frame]) -> bytes:
    return b"".join(f.data for f in sent if isinstance(f, DataFrame))


def test_body_leaves_as_far_as_the_windows_allow(peer: Peer) -> None:
    content = bytes(range(256)) * 400
    stream = peer.engine.open(GET, ends=False)
    sent = peer.engine.send(stream, content, ends=True)
    assert sent == 65_535
    assert peer.engine.window_of(stream) == 0
    assert peer.engine.send(stream, content[sent:], ends=True) == 0
    found = peer.heard()
    assert [len(f.data) for f in found if isinstance(f, DataFrame)] == [16_384] * 3 + [16_383]
    assert peer.say(WindowUpdateFrame(1, window_increment=100_000)) == [stream]
    assert peer.engine.window_of(stream) == 0
    assert peer.say(WindowUpdateFrame(0, window_increment=100_000)) == [stream]
    assert peer.engine.send(stream, content[sent:], ends=True) == len(content) - sent
    found += peer.heard()
    assert data_sent(found) == content
    assert "END_STREAM" in found[-1].flags
    assert stream.has_sent_all


def test_empty_end_needs_no_window(peer: Peer) -> None:
    stream = peer.engine.open(GET, ends=False)
    assert peer.engine.send(stream, bytes(65_535), ends=False) == 65_535
    assert peer.engine.send(stream, b"", ends=True) == 0
    *_, last = peer.heard()
    assert isinstance(last, DataFrame)
    assert (last.data, set(last.flags)) == (b"", {"END_STREAM"})


def test_window_may_fall_below_nothing(peer: Peer) -> None:
    stream = peer.engine.open(GET, ends=False)
    peer.engine.send(stream, bytes(60_000), ends=False)
    size = SettingsFrame.INITIAL_WINDOW_SIZE
    assert peer.say(SettingsFrame(settings={size: 10_000})) == [stream]
    assert stream.send_window == 10_000 - 60_000
    assert peer.engine.send(stream, b"x", ends=True) == 0
    peer.say(WindowUpdateFrame(1, window_increment=50_000))
    assert peer.engine.send(stream, b"x", ends=True) == 0
    peer.say(WindowUpdateFrame(1, window_increment=1))
    assert peer.engine.send(stream, b"x", ends=True) == 1


def test_larger_frames_leave_where_they_are_allowed() -> None:
    peer = Peer({SettingsFrame.MAX_FRAME_SIZE: 32_768})
    stream = peer.engine.open(GET, ends=False)
    peer.engine.send(stream, memoryview(bytes(40_000)), ends=True)
    assert [len(f.data) for f in peer.heard() if isinstance(f, DataFrame)] == [32_768, 7_232]


def test_request_ends_with_trailers(peer: Peer) -> None:
    stream = peer.engine.open(GET, ends=False)
    peer.engine.send(stream, b"abc", ends=False)
    peer.engine.send_trailers(stream, [(b"checksum", b"1")])
    head, data, trailers = peer.heard()
    assert isinstance(head, HeadersFrame)
    assert isinstance(trailers, HeadersFrame)
    peer.decoder.decode(head.data)
    assert peer.decoder.decode(trailers.data, raw=True) == [(b"checksum", b"1")]
    assert "END_STREAM" not in data.flags
    assert "END_STREAM" in trailers.flags


def test_what_was_read_is_given_back_in_batches(peer: Peer) -> None:
    stream = peer.get()
    peer.say(peer.head(OK), *[DataFrame(1, bytes(100_000))] * 20)
    assert peer.heard() == []
    for _ in range(20):
        peer.engine.note_read(stream, 100_000)
    [update] = peer.heard()
    assert isinstance(update, WindowUpdateFrame)
    assert update.stream_id == 1
    assert 1024 * 1024 <= update.window_increment <= 1_200_000


def test_padding_is_given_back_unread(peer: Peer) -> None:
    stream = peer.get()
    peer.say(peer.head(OK))
    for _ in range(8_000):
        peer.say(DataFrame(1, b"x", pad_length=255, flags=["PADDED"]))
        peer.engine.note_read(stream, 1)
    assert stream.failure is None
    assert any(f.stream_id == 1 for f in peer.heard() if isinstance(f, WindowUpdateFrame))


def test_server_that_sends_more_than_it_may_is_reset(peer: Peer) -> None:
    stream, other = peer.get(), peer.get()
    peer.say(peer.head(OK), *[DataFrame(1, bytes(200_000))] * 11)
    assert "the stream's window" in str(stream.failure)
    assert resets(peer.heard()) == [(1, ErrorCode.FLOW_CONTROL_ERROR)]
    assert other.failure is None
