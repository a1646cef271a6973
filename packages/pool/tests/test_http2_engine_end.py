"""What ends a connection of HTTP/2, as pure code, and what shows that it lives."""

import pytest
from engine_peer import GET, OK, Peer, goaways
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    SettingsFrame,
)

from httpcore_interface import RemoteProtocolError
from httpcore_pool._protocol.http2 import ErrorCode


@pytest.fixture
def peer() -> Peer:
    return Peer()


# -- what ends the connection ----------------------------------------------------------


def raw(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(3, "big")
        + bytes([kind, flags])
        + stream.to_bytes(4, "big")
        + payload
    )


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (raw(0, 0, 0, b"x"), ErrorCode.PROTOCOL_ERROR),
        (raw(0, 0, 9, b"x"), ErrorCode.PROTOCOL_ERROR),
        (raw(0, 0, 2, b"x"), ErrorCode.PROTOCOL_ERROR),
        (raw(0, 8, 1, b"\x05abc"), ErrorCode.PROTOCOL_ERROR),
        (raw(0, 8, 1, b""), ErrorCode.PROTOCOL_ERROR),
        (raw(0, 0, 1, bytes(262_145)), ErrorCode.FRAME_SIZE_ERROR),
        (raw(1, 4, 9, b"\x88"), ErrorCode.PROTOCOL_ERROR),
        (raw(1, 4, 1, b"\xff\xff\xff\xff\xff\xff"), ErrorCode.COMPRESSION_ERROR),
        (raw(1, 0x24, 1, b"1234"), ErrorCode.FRAME_SIZE_ERROR),
        (raw(2, 0, 1, b"1234"), ErrorCode.PROTOCOL_ERROR),
        (raw(3, 0, 1, b"123"), ErrorCode.FRAME_SIZE_ERROR),
        (raw(3, 0, 9, b"1234"), ErrorCode.PROTOCOL_ERROR),
        (raw(4, 0, 1, b""), ErrorCode.PROTOCOL_ERROR),
        (raw(4, 0, 0, b"12345"), ErrorCode.FRAME_SIZE_ERROR),
        (raw(4, 1, 0, b"123456"), ErrorCode.FRAME_SIZE_ERROR),
        (raw(4, 0, 0, b"\0\2\0\0\0\1"), ErrorCode.PROTOCOL_ERROR),
        (raw(4, 0, 0, b"\0\4\x80\0\0\0"), ErrorCode.FLOW_CONTROL_ERROR),
        (raw(4, 0, 0, b"\0\5\0\0\0\1"), ErrorCode.PROTOCOL_ERROR),
        (raw(4, 0, 0, b"\0\x08\0\0\0\2"), ErrorCode.PROTOCOL_ERROR),
        (raw(5, 4, 1, b"\0\0\0\2\x88"), ErrorCode.PROTOCOL_ERROR),
        (raw(6, 0, 1, b"12345678"), ErrorCode.PROTOCOL_ERROR),
        (raw(6, 0, 0, b"1234567"), ErrorCode.FRAME_SIZE_ERROR),
        (raw(7, 0, 1, b"12345678"), ErrorCode.PROTOCOL_ERROR),
        (raw(7, 0, 0, b"1234567"), ErrorCode.FRAME_SIZE_ERROR),
        (raw(8, 0, 0, b"\0\0\0\0"), ErrorCode.PROTOCOL_ERROR),
        (raw(8, 0, 0, b"\x7f\xff\xff\xff"), ErrorCode.FLOW_CONTROL_ERROR),
        (raw(8, 0, 9, b"\0\0\0\1"), ErrorCode.PROTOCOL_ERROR),
        (raw(8, 0, 1, b"\0\0\0"), ErrorCode.FRAME_SIZE_ERROR),
        (raw(9, 4, 1, b"\x88"), ErrorCode.PROTOCOL_ERROR),
        (raw(1, 0, 1, b"\x88") + raw(6, 0, 0, b"12345678"), ErrorCode.PROTOCOL_ERROR),
        (raw(1, 0, 1, b"\x88") + raw(9, 4, 3, b"\x88"), ErrorCode.PROTOCOL_ERROR),
        (raw(1, 0, 1, b"\x88") + raw(9, 0, 1, b"") * 65, ErrorCode.ENHANCE_YOUR_CALM),
        (
            raw(1, 0, 1, bytes(200_000)) + raw(9, 0, 1, bytes(99_999)),
            ErrorCode.ENHANCE_YOUR_CALM,
        ),
        (raw(6, 0, 0, b"12345678") * 10_001, ErrorCode.ENHANCE_YOUR_CALM),
        (raw(2, 0, 1, b"12345") * 10_001, ErrorCode.ENHANCE_YOUR_CALM),
        (raw(0, 0, 1, b"") * 10_001, ErrorCode.ENHANCE_YOUR_CALM),
        (raw(99, 0, 1, b"") * 10_001, ErrorCode.ENHANCE_YOUR_CALM),
    ],
)
def test_what_breaks_the_connection_ends_all_streams(
    peer: Peer, octets: bytes, code: ErrorCode
) -> None:
    first, second = peer.get(), peer.get()
    if code is ErrorCode.ENHANCE_YOUR_CALM and octets[3] == 0:
        peer.say(peer.head(OK))
    assert set(peer.engine.receive(octets)) == {first, second}
    assert goaways(peer.heard()) == [code]
    assert isinstance(peer.engine.failure, RemoteProtocolError)
    assert str(first.failure).startswith("the server broke HTTP/2: ")
    # An error is raised by each, and its traceback grows.
    assert first.failure is not second.failure
    assert peer.engine.capacity == 0
    assert peer.engine.receive(octets) == []


def test_head_that_is_too_large_is_refused_before_it_is_kept(peer: Peer) -> None:
    stream = peer.get()
    peer.engine.receive(raw(1, 4, 1, peer.encoder.encode([*OK, *[(b"x", b"y" * 4000)] * 50])))
    assert "a head of more than 102400 bytes" in str(stream.failure)


def test_frames_that_are_not_known_mean_nothing(peer: Peer) -> None:
    stream = peer.get()
    assert peer.engine.receive(raw(0xFA, 0xFF, 77, b"whatever")) == []
    peer.say(PriorityFrame(1), peer.head(OK, 1, "END_STREAM"))
    assert stream.has_ended


def test_field_block_may_come_in_parts(peer: Peer) -> None:
    stream = peer.get()
    block = peer.encoder.encode([*OK, (b"x", b"y" * 100)])
    peer.say(
        HeadersFrame(1, block[:5], flags=["END_STREAM"]),
        ContinuationFrame(1, block[5:50]),
        ContinuationFrame(1, block[50:], flags=["END_HEADERS"]),
    )
    assert stream.heads[0] == (200, [(b"x", b"y" * 100)])
    assert stream.has_ended


def test_large_request_head_leaves_in_parts(peer: Peer) -> None:
    peer.engine.open(
        [*GET, *[(b"x-%d" % n, bytes([65 + n % 26]) * 997) for n in range(40)]], ends=True
    )
    first, *rest = peer.heard()
    assert isinstance(first, HeadersFrame)
    assert set(first.flags) == {"END_STREAM"}
    assert all(isinstance(frame, ContinuationFrame) for frame in rest)
    assert set(rest[-1].flags) == {"END_HEADERS"}
    block = b"".join(
        frame.data
        for frame in (first, *rest)
        if isinstance(frame, HeadersFrame | ContinuationFrame)
    )
    assert len(list(peer.decoder.decode(block))) == 44


def test_heads_of_streams_that_are_over_keep_the_tables_in_step(peer: Peer) -> None:
    stream, other = peer.get(), peer.get()
    peer.engine.reset(stream)
    peer.say(peer.head([*OK, (b"x-new", b"value")]))
    peer.say(peer.head([*OK, (b"x-new", b"value")], 3, "END_STREAM"))
    assert other.heads[0] == (200, [(b"x-new", b"value")])


# -- signs of life ---------------------------------------------------------------------


def test_pings_are_answered_and_ours_counted(peer: Peer) -> None:
    peer.say(PingFrame(opaque_data=b"12345678"))
    [answer] = peer.heard()
    assert isinstance(answer, PingFrame)
    assert (set(answer.flags), answer.opaque_data) == ({"ACK"}, b"12345678")
    peer.engine.ping()
    [ping] = peer.heard()
    assert isinstance(ping, PingFrame)
    assert peer.engine.pings == 0
    peer.say(PingFrame(opaque_data=ping.opaque_data, flags=["ACK"]))
    assert peer.engine.pings == 1


def test_connection_is_closed_with_a_word(peer: Peer) -> None:
    peer.engine.close()
    peer.engine.close()
    assert goaways(peer.heard()) == [ErrorCode.NO_ERROR]
    assert peer.engine.capacity == 0


def test_requests_of_which_nothing_was_sent_are_dropped(peer: Peer) -> None:
    engine = peer.engine
    before = engine.queued
    sent = engine.open(GET, ends=True)
    taken = engine.take()
    position = engine.queued
    assert position - before == len(taken)
    unsent = engine.open(GET, ends=True)
    engine.drop_from(position, "broken")
    assert unsent.is_unprocessed
    assert str(unsent.failure) == "broken"
    assert not sent.is_over
    assert list(engine.streams.values()) == [sent]


def test_push_is_not_wanted(peer: Peer) -> None:
    stream = peer.get()
    peer.say(PushPromiseFrame(1, promised_stream_id=2, data=b"\x82", flags=["END_HEADERS"]))
    assert "push" in str(stream.failure)


# -- frames that carry nothing -------------------------------------------------------------


def pings(peer: Peer, count: int, now: float) -> None:
    peer.engine.receive(PingFrame(0, b"12345678").serialize() * count, now)
    peer.heard()


def test_frames_that_carry_nothing_are_counted_against_time(peer: Peer) -> None:
    """A server may ask for days whether we live."""
    stream = peer.get()
    for day in range(5):
        pings(peer, 2880, now=86_400.0 * day)
    peer.say(peer.head(OK, stream.number, "END_STREAM"))
    assert stream.has_ended


def test_too_many_of_them_within_a_minute_end_the_connection(peer: Peer) -> None:
    peer.say(peer.head(OK, peer.get().number, "END_STREAM"))
    pings(peer, 9_000, now=1000.0)
    pings(peer, 1_000, now=1059.0)
    assert peer.engine.failure is None
    pings(peer, 1, now=1059.9)
    assert "carry nothing" in str(peer.engine.failure)


def test_what_is_useful_begins_their_count_anew(peer: Peer) -> None:
    for number in range(1, 10, 2):
        stream = peer.get()
        pings(peer, 9_000, now=1000.0 + number)
        peer.say(peer.head(OK, stream.number, "END_STREAM"))
    assert peer.engine.failure is None


@pytest.mark.parametrize(
    "frame", [PingFrame(0, b"12345678"), SettingsFrame(0)], ids=["ping", "settings"]
)
def test_server_that_takes_no_answers_gets_only_so_many(peer: Peer, frame: Frame) -> None:
    """A byte between them makes them carry something; they fill our memory all the same."""
    peer.say(peer.head(OK, peer.get().number))
    octets = frame.serialize() * 5_000 + DataFrame(1, b"x").serialize()
    peer.engine.receive(octets * 2)
    assert peer.engine.failure is None
    # Those that have been taken count no more.
    peer.heard()
    peer.engine.receive(octets * 2)
    assert peer.engine.failure is None
    peer.engine.receive(octets)
    assert "it takes none" in str(peer.engine.failure)
