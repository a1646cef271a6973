"""One connection of HTTP/2 as pure code: requests, responses, and what goes wrong with one."""

import pytest
from engine_peer import GET, HEAD, OK, Fields, Peer, body, goaways, resets
from hyperframe.frame import (
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from httpcore_interface import ConnectionNotAvailable, RemoteProtocolError
from httpcore_pool._protocol.http2 import ErrorCode
from httpcore_pool._protocol.http2.fields import request_fields


@pytest.fixture
def peer() -> Peer:
    return Peer()


# -- beginning -------------------------------------------------------------------------


def test_connection_begins_with_the_preface_settings_and_a_large_window() -> None:
    peer = Peer(begins=False)
    settings, window = peer.heard()
    assert isinstance(settings, SettingsFrame)
    assert settings.settings == {
        SettingsFrame.ENABLE_PUSH: 0,
        SettingsFrame.INITIAL_WINDOW_SIZE: 2 * 1024 * 1024,
        SettingsFrame.MAX_FRAME_SIZE: 256 * 1024,
        SettingsFrame.MAX_HEADER_LIST_SIZE: 100 * 1024,
    }
    assert isinstance(window, WindowUpdateFrame)
    assert (window.stream_id, window.window_increment) == (0, 16 * 1024 * 1024 - 65_535)


def test_settings_are_answered() -> None:
    peer = Peer(begins=False)
    peer.heard()
    peer.say(SettingsFrame(settings={}))
    [answer] = peer.heard()
    assert isinstance(answer, SettingsFrame)
    assert "ACK" in answer.flags
    peer.say(SettingsFrame(flags=["ACK"]))
    assert peer.heard() == []


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (PingFrame(opaque_data=b"12345678").serialize(), "its first frame is not SETTINGS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it answers in HTTP/1"),
        (b"220 mail.example.test ESMTP\r\n", "a frame of 3289648 bytes; 262144 are allowed"),
    ],
    ids=["ping", "http1", "mail"],
)
def test_server_that_speaks_something_else_is_told_apart(octets: bytes, reason: str) -> None:
    peer = Peer(begins=False)
    stream = peer.get()
    assert peer.engine.receive(octets) == [stream]
    assert str(stream.failure) == f"the server broke HTTP/2: {reason}"
    assert len(goaways(peer.heard())) == 1


# -- a request and its response --------------------------------------------------------


def test_request_without_a_body_is_one_frame(peer: Peer) -> None:
    peer.engine.open(
        request_fields(b"GET", b"https", b"example.test", b"/a?b", [(b"X-Y", b"z")]), ends=True
    )
    [head] = peer.heard()
    assert isinstance(head, HeadersFrame)
    assert head.stream_id == 1
    assert set(head.flags) == {"END_STREAM", "END_HEADERS"}
    assert list(peer.decoder.decode(head.data, raw=True)) == [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"example.test"),
        (b":path", b"/a?b"),
        (b"x-y", b"z"),
    ]


def test_secrets_are_never_left_in_a_table(peer: Peer) -> None:
    secret = (b"authorization", b"Bearer secret")
    for _ in range(2):
        peer.engine.open([*GET, secret], ends=True)
        *_, head = peer.heard()
        assert isinstance(head, HeadersFrame)
        fields = list(peer.decoder.decode(head.data, raw=True))
        assert fields[-1] == secret
        assert not fields[-1].indexable


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "byte-by-byte"])
def test_response_comes_as_a_head_parts_and_trailers(peer: Peer, size: int | None) -> None:
    stream = peer.get()
    wire = b"".join(
        frame.serialize()
        for frame in (
            peer.head([(b":status", b"103"), (b"link", b"x")]),
            peer.head([(b":status", b"200"), (b"content-length", b"5")]),
            DataFrame(1, b"ab"),
            DataFrame(1, b"cde", pad_length=7, flags=["PADDED"]),
            peer.head([(b"checksum", b"1")], 1, "END_STREAM"),
        )
    )
    for start in range(0, len(wire), size or len(wire)):
        peer.engine.receive(wire[start : start + (size or len(wire))])
    assert list(stream.heads) == [
        (103, [(b"link", b"x")]),
        (200, [(b"content-length", b"5")]),
    ]
    assert body(stream) == b"abcde"
    assert stream.trailers == [(b"checksum", b"1")]
    assert stream.has_ended
    assert stream.failure is None
    assert peer.engine.streams == {}


def test_responses_are_told_apart(peer: Peer) -> None:
    first, second = peer.get(), peer.get()
    assert peer.say(peer.head(OK, 3), DataFrame(3, b"two", flags=["END_STREAM"])) == [second]
    assert peer.say(peer.head(OK, 1), DataFrame(1, b"one", flags=["END_STREAM"])) == [first]
    assert (body(first), body(second)) == (b"one", b"two")


@pytest.mark.parametrize(
    ("fields", "head"),
    [
        (HEAD, [(b":status", b"200"), (b"content-length", b"10")]),
        (GET, [(b":status", b"304"), (b"content-length", b"10")]),
        (GET, [(b":status", b"204")]),
    ],
    ids=["head", "304", "204"],
)
def test_response_without_a_body_may_announce_one(
    peer: Peer, fields: Fields, head: Fields
) -> None:
    stream = peer.get(fields)
    peer.say(peer.head(head, 1, "END_STREAM"))
    assert stream.has_ended
    assert stream.failure is None


# -- what is wrong with one response ---------------------------------------------------


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([[(b"x", b"y")]], "does not begin with :status"),
        ([[(b":status", b"20")]], "no number of three digits"),
        ([[*OK, (b":path", b"/")]], r"the field name b':path' is not allowed"),
        ([[*OK, (b"Upper", b"x")]], r"b'Upper' is not allowed"),
        ([[*OK, (b"connection", b"close")]], "concerns a connection of HTTP/1.1"),
        ([[*OK, (b"transfer-encoding", b"chunked")]], "concerns a connection"),
        ([[*OK, (b"x", b"a\r\nb: c")]], "the value"),
        ([[*OK, (b"x", b" a")]], "the value"),
        ([[*OK, (b"content-length", b"x")]], "content-length is b'x'"),
        ([[*OK, (b"content-length", b"1"), (b"content-length", b"2")]], "two values"),
        ([[(b":status", b"101")]], "interim response that is none, with status 101"),
        ([OK, [(b"trailer", b"x")]], "trailers that do not end the response"),
        ([b"early"], "without a head before it"),
        ([[*OK, (b"content-length", b"2")], b"abc"], "sent 3 body bytes, but announced 2"),
    ],
)
def test_malformed_response_ends_its_own_stream_alone(
    peer: Peer, said: list[Fields | bytes], reason: str
) -> None:
    stream, other = peer.get(), peer.get()
    for part in said:
        peer.say(DataFrame(1, part) if isinstance(part, bytes) else peer.head(part))
    with pytest.raises(RemoteProtocolError, match=reason):
        raise stream.failure or AssertionError
    assert resets(peer.heard()) == [(1, ErrorCode.PROTOCOL_ERROR)]
    # The rest of it is nobody's.
    peer.say(DataFrame(1, b"more"), DataFrame(1, b"", flags=["END_STREAM"]))
    assert peer.heard() == []
    peer.say(peer.head(OK, 3), DataFrame(3, b"fine", flags=["END_STREAM"]))
    assert (other.failure, body(other)) == (None, b"fine")
    assert peer.engine.failure is None


def test_body_that_is_too_short_is_told_with_its_numbers(peer: Peer) -> None:
    stream = peer.get()
    peer.say(
        peer.head([*OK, (b"content-length", b"10")]), DataFrame(1, b"abc", flags=["END_STREAM"])
    )
    assert "received 3 bytes, expected 10" in str(stream.failure)
    assert not stream.has_ended


def test_interim_responses_without_end_are_cut_off(peer: Peer) -> None:
    stream = peer.get()
    peer.say(*[peer.head([(b":status", b"102")]) for _ in range(101)])
    assert "more than 100 interim responses" in str(stream.failure)


def test_interim_responses_that_are_taken_at_once_are_counted_as_well(peer: Peer) -> None:
    stream = peer.get()
    for _ in range(100):
        peer.say(peer.head([(b":status", b"103")]))
        stream.heads.popleft()
    assert stream.failure is None
    peer.say(peer.head([(b":status", b"103")]))
    assert "more than 100 interim responses" in str(stream.failure)


def test_what_comes_behind_the_end_is_nobodys(peer: Peer) -> None:
    stream = peer.get()
    peer.say(peer.head(OK, 1, "END_STREAM"))
    assert peer.say(DataFrame(1, b"more"), peer.head([(b"x", b"y")], 1, "END_STREAM")) == []
    assert (stream.has_ended, body(stream), stream.trailers) == (True, b"", [])
    assert peer.engine.failure is None


def test_end_of_a_response_comes_once_even_while_the_request_goes_on(peer: Peer) -> None:
    stream = peer.engine.open(GET, ends=False)
    peer.say(peer.head(OK, 1, "END_STREAM"))
    assert stream.has_ended
    peer.say(DataFrame(1, b"more"))
    assert stream.failure is not None
    assert resets(peer.heard()) == [(1, ErrorCode.STREAM_CLOSED)]


# -- resets ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [ErrorCode.INTERNAL_ERROR, 0x1234])
def test_reset_by_the_server_ends_one_stream(peer: Peer, code: int) -> None:
    stream, other = peer.get(), peer.get()
    assert peer.say(RstStreamFrame(1, error_code=code)) == [stream]
    assert str(stream.failure).startswith("the server reset the stream: ")
    assert not stream.is_unprocessed
    assert other.failure is None
    assert list(peer.engine.streams) == [3]


def test_refused_stream_was_not_processed(peer: Peer) -> None:
    stream = peer.get()
    peer.say(RstStreamFrame(1, error_code=ErrorCode.REFUSED_STREAM))
    assert stream.is_unprocessed


def test_reset_behind_a_complete_response_stops_the_request_alone(peer: Peer) -> None:
    stream = peer.engine.open(GET, ends=False)
    peer.say(peer.head([(b":status", b"413")], 1, "END_STREAM"))
    peer.say(RstStreamFrame(1, error_code=ErrorCode.NO_ERROR))
    assert stream.is_stopped
    assert stream.has_ended
    assert stream.failure is None
    assert peer.engine.streams == {}


def test_abandoned_stream_is_reset_and_forgotten(peer: Peer) -> None:
    stream = peer.get()
    peer.say(peer.head(OK), DataFrame(1, b"abc"))
    peer.engine.reset(stream)
    peer.engine.reset(stream)
    assert resets(peer.heard()) == [(1, ErrorCode.CANCEL)]
    assert not stream.chunks
    assert peer.say(DataFrame(1, b"more")) == []
    assert peer.engine.streams == {}


def test_abandoned_bodies_cost_no_window(peer: Peer) -> None:
    for number in range(1, 41, 2):
        stream = peer.get()
        peer.say(peer.head(OK, number), *[DataFrame(number, bytes(65_536))] * 16)
        peer.engine.reset(stream)
        peer.say(*[DataFrame(number, bytes(65_536))] * 16)
    peer.heard()
    updates = [f for f in peer.received if isinstance(f, WindowUpdateFrame)]
    assert sum(f.window_increment for f in updates if f.stream_id == 0) >= 24 * 1024 * 1024
    assert peer.engine.failure is None


# -- GOAWAY ----------------------------------------------------------------------------


def test_server_that_goes_finishes_what_it_has_taken(peer: Peer) -> None:
    first, second, third = peer.get(), peer.get(), peer.get()
    news = peer.say(GoAwayFrame(last_stream_id=3))
    assert news == [third]
    assert third.is_unprocessed
    assert (first.failure, second.failure) == (None, None)
    assert peer.engine.capacity == 0
    with pytest.raises(ConnectionNotAvailable):
        peer.engine.open(GET, ends=True)
    for number in (1, 3):
        peer.say(peer.head(OK, number), DataFrame(number, b"fine", flags=["END_STREAM"]))
    assert body(first) == body(second) == b"fine"
    assert peer.engine.streams == {}


def test_server_may_change_its_mind_about_how_much_it_finishes(peer: Peer) -> None:
    first, second = peer.get(), peer.get()
    peer.say(GoAwayFrame(last_stream_id=2**31 - 1))
    assert (first.failure, second.failure) == (None, None)
    peer.say(GoAwayFrame(last_stream_id=1, error_code=ErrorCode.NO_ERROR))
    assert first.failure is None
    assert second.is_unprocessed


def test_words_of_a_goaway_are_passed_on(peer: Peer) -> None:
    stream = peer.get()
    peer.say(
        GoAwayFrame(error_code=ErrorCode.ENHANCE_YOUR_CALM, additional_data=b"too_many_pings")
    )
    assert str(stream.failure) == ("the server is going: ENHANCE_YOUR_CALM, b'too_many_pings'")


def test_end_of_the_connection_ends_what_is_left(peer: Peer) -> None:
    first, second = peer.get(), peer.get()
    peer.say(GoAwayFrame(last_stream_id=1))
    assert peer.engine.receive(b"") == [first]
    assert not first.is_unprocessed
    assert "disconnected" in str(first.failure)
    assert second.is_unprocessed
    assert peer.engine.failure is not None
    assert peer.engine.receive(b"anything") == []


def test_end_in_the_middle_of_a_frame_says_so(peer: Peer) -> None:
    stream = peer.get()
    peer.engine.receive(peer.head(OK).serialize()[:-1])
    peer.engine.receive(b"")
    assert str(stream.failure) == "Server disconnected in the middle of a frame."


# -- how many at once ------------------------------------------------------------------


def test_hundred_requests_go_before_the_settings_have_come() -> None:
    peer = Peer(begins=False)
    assert peer.engine.capacity == 100
    for _ in range(100):
        peer.get()
    with pytest.raises(ConnectionNotAvailable):
        peer.engine.open(GET, ends=True)
    peer.say(SettingsFrame(settings={}))
    assert peer.engine.capacity > 2**30


def test_limit_may_be_set_raised_and_lowered(peer: Peer) -> None:
    most = SettingsFrame.MAX_CONCURRENT_STREAMS
    peer.say(SettingsFrame(settings={most: 2}))
    streams = [peer.get(), peer.get()]
    with pytest.raises(ConnectionNotAvailable, match="2 requests at once"):
        peer.engine.open(GET, ends=True)
    peer.say(SettingsFrame(settings={most: 3}))
    streams.append(peer.get())
    peer.say(SettingsFrame(settings={most: 0}))
    assert peer.engine.capacity == 0
    peer.say(*[peer.head(OK, stream.number, "END_STREAM") for stream in streams])
    assert all(stream.has_ended for stream in streams)
    with pytest.raises(ConnectionNotAvailable):
        peer.engine.open(GET, ends=True)


def test_numbers_that_run_out_make_it_drain(peer: Peer) -> None:
    peer.engine._next_number = 2**31 - 1
    stream = peer.get()
    assert stream.number == 2**31 - 1
    assert peer.engine.capacity == 0


def test_smallest_of_several_table_sizes_is_told_as_well(peer: Peer) -> None:
    """Section 4.2 of RFC 7541: the server has emptied its table meanwhile."""
    named = [*GET, (b"x-name", b"value")]
    peer.get(named)
    sizes = b"\0\1\0\0\0\0" + b"\0\1\0\0\x10\0"
    peer.engine.receive(b"\0\0\x0c\4\0\0\0\0\0" + sizes)
    peer.heard()
    peer.engine.open(named, ends=True)
    [head] = peer.heard()
    assert isinstance(head, HeadersFrame)
    # No bytes, then 4096 of them; and then a field that is not in the table any more.
    assert head.data.startswith(b"\x20\x3f\xe1\x1f")
    assert peer.decoder.decode(head.data, raw=True) == named
