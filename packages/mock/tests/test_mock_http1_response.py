"""The bytes of HTTP/1.1 responses."""

import pytest

from httpcore_mock import http1_response


def test_response_is_whole() -> None:
    assert http1_response(404, {"X-Id": "7"}, b"no such thing") == (
        b"HTTP/1.1 404 Not Found\r\nX-Id: 7\r\nContent-Length: 13\r\n\r\nno such thing"
    )


def test_response_is_a_success_without_a_body_if_nothing_is_said() -> None:
    assert http1_response() == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"A": "1", "B": "2"},
        {b"A": b"1", b"B": b"2"},
        [(b"A", b"1"), ("B", "2")],
        iter([("A", b"1"), (b"B", "2")]),
    ],
)
def test_fields_may_be_given_in_every_way(headers: list[tuple[bytes, bytes]]) -> None:
    assert http1_response(200, headers) == (
        b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize("name", ["Content-Length", "content-length", b"CONTENT-LENGTH"])
def test_length_that_is_given_stays(name: str | bytes) -> None:
    response = http1_response(200, [(name, "5")], b"cut")
    assert response.lower() == b"http/1.1 200 ok\r\ncontent-length: 5\r\n\r\ncut"


@pytest.mark.parametrize("status", [100, 101, 103, 204, 304])
def test_status_without_a_body_gets_no_length(status: int) -> None:
    assert b"ength" not in http1_response(status)


@pytest.mark.parametrize("coding", ["chunked", "gzip, Chunked"])
def test_chunked_body_is_one_chunk(coding: str) -> None:
    head, _, body = http1_response(
        200, {"Transfer-Encoding": coding}, b"Hello, you wide world"
    ).partition(b"\r\n\r\n")
    assert body == b"15\r\nHello, you wide world\r\n0\r\n\r\n"
    assert b"ength" not in head


def test_chunked_body_of_nothing_has_no_chunk() -> None:
    _, _, body = http1_response(200, {"transfer-encoding": "chunked"}).partition(b"\r\n\r\n")
    assert body == b"0\r\n\r\n"


def test_body_in_another_coding_goes_as_it_is() -> None:
    response = http1_response(200, {"Transfer-Encoding": "gzip"}, b"zipped")
    assert response == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzipped"


@pytest.mark.parametrize(
    ("status", "reason", "line"),
    [
        (201, None, b"HTTP/1.1 201 Created"),
        (299, None, b"HTTP/1.1 299 "),
        (999, None, b"HTTP/1.1 999 "),
        (200, "Fine", b"HTTP/1.1 200 Fine"),
        (200, b"F\xfcr gut", b"HTTP/1.1 200 F\xfcr gut"),
        (200, "", b"HTTP/1.1 200 "),
    ],
)
def test_reason_is_the_usual_one_or_the_given_one(
    status: int, reason: str | bytes | None, line: bytes
) -> None:
    assert http1_response(status, reason=reason).split(b"\r\n")[0] == line


@pytest.mark.parametrize("status", [99, 1000, -200])
def test_status_has_three_digits(status: int) -> None:
    with pytest.raises(ValueError, match=f"^status is {status}, but"):
        http1_response(status)


def test_text_has_to_be_ascii() -> None:
    with pytest.raises(UnicodeEncodeError):
        http1_response(200, {"X": "\u00fc"})
    with pytest.raises(UnicodeEncodeError):
        http1_response(200, reason="gr\u00fc\u00df")
