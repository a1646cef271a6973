"""The frames of HTTP/2 responses, read back by hyperframe and hpack."""

import sys

import hpack
import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    SettingsFrame,
)
from mock_faces import Mocks

from httpcore_mock import http2_response


def frames_of(octets: bytes) -> list[Frame]:
    frames = []
    while octets:
        frame, length = Frame.parse_frame_header(memoryview(octets[:9]))
        frame.parse_body(memoryview(octets[9 : 9 + length]))
        assert frame.body_len == length
        frames.append(frame)
        octets = octets[9 + length :]
    return frames


def fields_of(
    frames: list[Frame], decoder: hpack.Decoder | None = None
) -> list[tuple[bytes, bytes]]:
    block = b"".join(
        frame.data for frame in frames if isinstance(frame, HeadersFrame | ContinuationFrame)
    )
    fields = (decoder or hpack.Decoder()).decode(block, raw=True)
    return [(bytes(name), bytes(value)) for name, value in fields]


def body_of(frames: list[Frame]) -> bytes:
    return b"".join(frame.data for frame in frames if isinstance(frame, DataFrame))


def test_response_is_whole() -> None:
    frames = frames_of(http2_response(404, {"Content-Type": "text/plain"}, b"no such thing"))
    assert [type(frame) for frame in frames] == [SettingsFrame, HeadersFrame, DataFrame]
    assert [frame.stream_id for frame in frames] == [0, 1, 1]
    assert [set(frame.flags) for frame in frames] == [set(), {"END_HEADERS"}, {"END_STREAM"}]
    assert fields_of(frames) == [(b":status", b"404"), (b"content-type", b"text/plain")]
    assert body_of(frames) == b"no such thing"


def test_response_is_a_success_without_a_body_if_nothing_is_said() -> None:
    frames = frames_of(http2_response())
    assert [type(frame) for frame in frames] == [SettingsFrame, HeadersFrame]
    assert set(frames[1].flags) == {"END_HEADERS", "END_STREAM"}
    assert fields_of(frames) == [(b":status", b"200")]


def test_only_the_first_response_brings_the_settings() -> None:
    frames = frames_of(http2_response(200, body=b"more", stream_id=3))
    assert isinstance(frames[0], HeadersFrame)
    assert isinstance(frames[1], DataFrame)
    assert [frame.stream_id for frame in frames] == [3, 3]


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (16_384, [16_384]),
        (16_385, [16_384, 1]),
        (40_000, [16_384, 16_384, 7_232]),
    ],
)
def test_large_body_goes_in_frames_that_every_client_takes(size: int, sizes: list[int]) -> None:
    body = bytes(number % 251 for number in range(size))
    frames = frames_of(http2_response(200, body=body))[2:]
    assert [frame.body_len for frame in frames] == sizes
    assert [set(frame.flags) for frame in frames][:-1] == [set()] * (len(sizes) - 1)
    assert set(frames[-1].flags) == {"END_STREAM"}
    assert body_of(frames) == body


@pytest.mark.parametrize("body", [b"", b"body"])
def test_large_head_goes_in_several_frames(body: bytes) -> None:
    headers = [("X-Number", str(number) * 20) for number in range(5_000)]
    frames = frames_of(http2_response(200, headers, body))[1:]
    kinds: list[type[object]] = [type(frame) for frame in frames]
    heads = len(kinds) - bool(body)
    assert heads > 2
    assert kinds[0] is HeadersFrame
    assert kinds[1:heads] == [ContinuationFrame] * (heads - 1)
    assert all(frame.body_len <= 16_384 for frame in frames)
    assert ["END_HEADERS" in frame.flags for frame in frames[:heads]] == (
        [False] * (heads - 1) + [True]
    )
    # The end of the stream is told by the first frame of the head, or by the body.
    assert ["END_STREAM" in frame.flags for frame in frames] == (
        [not body] + [False] * (heads - 1) + [True] * bool(body)
    )
    decoder = hpack.Decoder(max_header_list_size=2**30)
    fields = fields_of(frames, decoder)
    assert fields[1:] == [(b"x-number", str(number).encode() * 20) for number in range(5_000)]


def test_responses_of_one_connection_are_understood_one_after_the_other() -> None:
    """Each has been compressed by itself; the client decompresses them in one context."""
    decoder = hpack.Decoder()
    for number in range(200):
        headers = {"x-id": str(number), "x-large": "abc" * 200, f"x-{number}": "again"}
        frames = frames_of(http2_response(200, headers, stream_id=2 * number + 1))
        assert fields_of(frames, decoder) == [
            (b":status", b"200"),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ]


def test_response_is_one_segment(mocks: Mocks) -> None:
    response = http2_response(200, body=b"Hello, world!")
    stream = mocks.stream([response], http2=True)
    assert stream.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    assert stream.read(65536) == response
    assert stream.read(65536) == b""


@pytest.mark.parametrize("missing", ["hpack", "hyperframe"])
def test_missing_library_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in list(sys.modules):
        if name.startswith(f"{missing}."):
            monkeypatch.delitem(sys.modules, name)
    # None is how an import is made to fail.
    monkeypatch.setitem(sys.modules, missing, None)
    hint = rf"^http2_response needs {missing}: install httpcore-mock\[http2\]$"
    with pytest.raises(ImportError, match=hint):
        http2_response()


def test_library_that_is_broken_is_not_taken_for_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == "hpack":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "logging", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        http2_response()
    assert caught.value.name == "logging"
