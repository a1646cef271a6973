"""The lane of the plain responses, which need no h11."""

import pytest
from response_reading import read, segmentations
from response_samples import (
    CHUNKED,
    CONTINUE,
    GET,
    HEAD,
    HELLO,
    HINTS,
    LAST,
    LIMIT,
    OK,
    UPGRADE,
    head_of,
)

from httpcore_pool._protocol.http11 import RequestWriter, fallback, response

pytestmark = pytest.mark.exhaustive


@pytest.mark.parametrize(
    ("request_", "wire"),
    [
        (GET, HELLO),
        (LAST, HELLO),
        (UPGRADE, HELLO),
        (HEAD, HELLO[:-5]),
        (GET, OK + b"connection: Close\r\ncontent-length:5\r\nServer: x y; z\r\n\r\nhello"),
        (GET, b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
        (GET, b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
        (GET, b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'),
        (GET, b"HTTP/1.1 503 Caf\xc3\xa9\r\nContent-Length: 0\r\nX: caf\xe9\r\n\r\n"),
        (GET, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"),
        (GET, CHUNKED + b"00a\r\nhello hell\r\n000\r\n\r\n"),
        (GET, OK + b"\r\nhello"),
        (GET, CONTINUE + HINTS + HELLO),
        (GET, HELLO + b"more"),
        (GET, head_of(LIMIT) + b"hello"),
    ],
)
def test_plain_response_needs_no_h11(
    request_: RequestWriter, wire: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fallback, "H11Reader")
    outcome, _ = read(request_, [wire, b""])
    assert outcome.is_complete


def test_body_of_a_plain_response_may_come_in_pieces_without_h11(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(fallback, "H11Reader")
    for start, body in [
        (HELLO[:-5], b"hello"),
        (OK + b"\r\n", b"hello"),
        (CHUNKED, b"5\r\nhello\r\n0A\r\nhellohello\r\n0\r\n\r\n"),
    ]:
        for segments in segmentations(body):
            outcome, _ = read(GET, [start, *segments, b""])
            assert outcome.is_complete


def test_made_up_names_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    known = set(response._ordinary_names)
    monkeypatch.setattr(response, "_ordinary_names", known)
    read(GET, [OK + b"X" * 5000 + b": x\r\nContent-Length: 5\r\n\r\nhello"])
    for number in range(3000):
        wire = OK + b"X-%d: x\r\ncOnTeNt-LeNgTh: 5\r\ncOnnection: close\r\n\r\nhello" % number
        outcome, _ = read(GET, [wire])
        assert outcome.is_complete
        assert outcome.heads[0][3][0] == (b"X-%d" % number, b"x")
        assert not outcome.may_continue
    assert len(known) < 2000
    assert max(map(len, known)) < 100
