"""How long a response head may be."""

import itertools

import pytest
from response_reading import read
from response_samples import CHUNKED, CONTINUE, GET, LIMIT, OK, head_of

from httpcore_interface import RemoteProtocolError
from httpcore_pool._protocol.http11 import ResponseReader


def large_segmentations(wire: bytes) -> list[list[bytes]]:
    sizes = [len(wire), 65536, 4096, 1000]
    cuts = [
        [wire[start : start + size] for start in range(0, len(wire), size)] for size in sizes
    ]
    return [*cuts, [wire[:1], wire[1:]], [wire[:-1], wire[-1:]]]


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("size", [90_000, LIMIT])
def test_large_head_is_taken(size: int, *, is_plain: bool) -> None:
    wire = head_of(size, is_plain=is_plain)
    assert len(wire) == size
    for segments in large_segmentations(wire + b"hello"):
        outcome, _ = read(GET, segments)
        assert outcome.body == b"hello"
        assert outcome.may_continue


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("size", [LIMIT + 1, 110_000, 300_000])
def test_larger_head_is_an_error(size: int, *, is_plain: bool) -> None:
    wire = head_of(size, is_plain=is_plain)
    for sent in (wire, wire + b"hello", CONTINUE + wire, wire[: LIMIT + 1]):
        for segments in large_segmentations(sent):
            with pytest.raises(RemoteProtocolError) as caught:
                read(GET, segments)
            assert str(caught.value) == f"the response head is longer than {LIMIT} bytes"


def test_endless_head_is_not_waited_for() -> None:
    reader = ResponseReader(GET)
    reader.feed(OK)
    with pytest.raises(RemoteProtocolError, match="longer than"):  # noqa: PT012 - which one?
        for _ in itertools.repeat(None, 200):
            assert reader.next_head() is None
            reader.feed(b"X: y" + b"y" * 1000)
    assert reader.received < LIMIT + 2000


def test_each_head_has_the_limit_for_itself() -> None:
    interim = (
        b"HTTP/1.1 103 Early Hints\r\n" + head_of(60_000)[len(OK + b"Content-Length: 5\r\n") :]
    )
    for segments in large_segmentations(interim * 3 + head_of(90_000) + b"hello"):
        outcome, _ = read(GET, segments)
        assert len(outcome.heads) == 4
        assert outcome.body == b"hello"


@pytest.mark.parametrize("is_plain", [True, False])
def test_limit_is_not_the_body_s(*, is_plain: bool) -> None:
    body = b"x" * 300_000
    length = head_of(50_000, is_plain=is_plain).replace(b": 5\r\n", b": 300000\r\n")
    for segments in large_segmentations(length + body):
        assert read(GET, segments)[0].body == body
    chunks = b"%x\r\n%b\r\n" % (len(body), body)
    for segments in large_segmentations(CHUNKED + chunks * 2 + b"0\r\n\r\n"):
        assert read(GET, segments)[0].body == body * 2
