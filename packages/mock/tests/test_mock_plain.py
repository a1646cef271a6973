"""A plain list of bytes: what httpcore 1.x had, kept."""

import ssl

import pytest
from mock_faces import Mocks

from httpcore_interface import NetworkStream
from httpcore_mock import MockBackend, MockStream, UnscriptedError


def read_all(stream: NetworkStream, max_bytes: int = 65536) -> list[bytes]:
    pieces = []
    while piece := stream.read(max_bytes):
        pieces.append(piece)
    return pieces


def test_each_read_returns_one_segment(mocks: Mocks) -> None:
    stream = mocks.stream([b"one", b"two", b"three"])
    assert read_all(stream) == [b"one", b"two", b"three"]


def test_read_returns_at_most_max_bytes_and_loses_none(mocks: Mocks) -> None:
    stream = mocks.stream([b"hello", b"you"])
    assert [stream.read(2) for _ in range(5)] == [b"he", b"ll", b"o", b"yo", b"u"]
    assert stream.read(2) == b""


def test_list_ends_the_stream_again_and_again(mocks: Mocks) -> None:
    stream = mocks.stream([b"body"])
    assert [stream.read(100) for _ in range(3)] == [b"body", b"", b""]


def test_list_of_nothing_is_an_end_for_who_asks_nothing(mocks: Mocks) -> None:
    assert mocks.stream([]).read(100) == b""


def test_list_ends_the_stream_behind_an_answer(mocks: Mocks) -> None:
    stream, _ = mocks.open_plain(b"head", b"body")
    stream.write(b"request")
    assert read_all(stream) == [b"head", b"body"]
    assert stream.read(100) == b""


def test_empty_segment_ends_the_stream_for_ever(mocks: Mocks) -> None:
    stream, connection = mocks.open_plain(b"body", b"", b"never")
    stream.write(b"request")
    assert [stream.read(100) for _ in range(3)] == [b"body", b"", b""]
    assert connection.unplayed == [b"never"]


def test_empty_segment_is_an_answer_of_its_own(mocks: Mocks) -> None:
    stream, _ = mocks.open_plain(b"")
    stream.write(b"request")
    assert not stream.get_extra_info("is_readable")
    assert stream.read(100) == b""
    stream.write(b"request")
    assert stream.read(100) == b""


@pytest.mark.parametrize("segments", [[], [b"first response"]])
def test_request_that_nothing_answers_is_an_error(mocks: Mocks, segments: list[bytes]) -> None:
    stream, connection = mocks.open_plain(*segments)
    for _ in segments:
        stream.write(b"first request")
        stream.read(100)
    stream.write(b"another request")
    with pytest.raises(UnscriptedError, match="a read finds the script at its end") as caught:
        stream.read(100)
    assert "another request" in str(caught.value)
    assert caught.value.connection is connection


def test_write_of_nothing_asks_nothing(mocks: Mocks) -> None:
    stream, connection = mocks.open_plain()
    stream.write(b"")
    assert stream.read(100) == b""
    assert connection.writes == [b""]


def test_every_connection_plays_the_list_from_its_beginning(mocks: Mocks) -> None:
    backend = mocks.backend([b"one", b"two"])
    first = backend.connect_tcp("a", 1)
    assert first.read(100) == b"one"
    second = backend.connect_tcp("b", 2)
    assert read_all(second) == [b"one", b"two"]
    assert read_all(first) == [b"two"]


def test_connection_plays_the_list_as_it_is_when_it_begins(mocks: Mocks) -> None:
    segments = [b"one"]
    backend = mocks.backend(segments)
    first = backend.connect_tcp("a", 1)
    segments.append(b"two")
    assert read_all(first) == [b"one"]
    assert read_all(backend.connect_tcp("a", 1)) == [b"one", b"two"]


def test_stream_plays_what_is_added_to_its_list(mocks: Mocks) -> None:
    segments: list[bytes] = []
    stream = mocks.stream(segments)
    assert stream.read(100) == b""
    segments.append(b"more")
    assert stream.read(100) == b"more"
    assert segments == [b"more"]


def test_streams_are_shown_by_the_names_that_people_know(mocks: Mocks) -> None:
    prefix = "" if mocks.name == "blocking" else "Async"
    assert repr(mocks.stream([])) == f"<httpcore.{prefix}MockStream>"
    stream, _ = mocks.open_plain()
    assert repr(stream) == f"<httpcore.{prefix}MockStream>"


@pytest.mark.parametrize(("http2", "protocol"), [(False, "http/1.1"), (True, "h2")])
def test_ssl_object_is_there_from_the_beginning(
    mocks: Mocks, ssl_context: ssl.SSLContext, http2: bool, protocol: str
) -> None:
    for stream in (
        mocks.stream([b"a"], http2),
        mocks.backend([b"a"], http2).connect_tcp("a", 1),
    ):
        ssl_object = stream.get_extra_info("ssl_object")
        assert ssl_object.selected_alpn_protocol() == protocol
        assert stream.get_extra_info("ssl_object") is ssl_object
        stream = stream.start_tls(ssl_context, "example.com")
        assert stream.get_extra_info("ssl_object").selected_alpn_protocol() == protocol


def test_idle_connection_is_not_readable(mocks: Mocks) -> None:
    stream, _ = mocks.open_plain(b"one", b"two")
    assert stream.get_extra_info("is_readable") is False
    stream.read(100)
    assert stream.get_extra_info("is_readable") is False
    stream.read(100)
    assert stream.get_extra_info("is_readable") is False


def test_rest_of_a_segment_is_readable(mocks: Mocks) -> None:
    stream, _ = mocks.open_plain(b"one", b"two")
    stream.read(2)
    assert stream.get_extra_info("is_readable") is True
    stream.read(2)
    assert stream.get_extra_info("is_readable") is False


def test_start_tls_returns_the_same_stream(mocks: Mocks, ssl_context: ssl.SSLContext) -> None:
    stream, _ = mocks.open_plain(b"secret")
    assert stream.start_tls(ssl_context, "example.com") is stream
    assert stream.read(100) == b"secret"


def test_subclasses_of_1_x_find_what_they_look_for() -> None:
    class OwnStream(MockStream):
        def __init__(self, buffer: list[bytes], http2: bool = False) -> None:
            super().__init__(buffer, http2)
            self.count = 0

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self.count += len(buffer)

    class OwnBackend(MockBackend):
        def make(self) -> OwnStream:
            assert self._buffer is not None
            segments = [step for step in self._buffer if isinstance(step, bytes)]
            return OwnStream(segments, http2=self._http2)

    stream = OwnBackend([b"answer"], http2=True).make()
    stream.write(b"question")
    assert (stream.count, stream.read(100), stream.read(100)) == (8, b"answer", b"")
    assert stream.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"


def test_subclass_of_a_stream_can_be_a_connection_of_its_own() -> None:
    class OwnStream(MockStream):
        is_expired = False

    stream = OwnStream([b"a"])
    stream.is_expired = True
    assert stream.read(1) == b"a"
