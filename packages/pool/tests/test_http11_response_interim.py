"""Interim responses, before the final one."""

import pytest
from response_reading import Outcome, fail_every_way, read_every_way
from response_samples import CONTINUE, DISCONNECTED, GET, HELLO, HINTS, head

HINTS_HEAD = head([(b"Link", b"</a>"), (b"link", b"</b>")], status=103, reason=b"Early Hints")


def test_interim_responses_come_before_the_final_one() -> None:
    assert read_every_way(GET, CONTINUE + HINTS + CONTINUE + HELLO) == Outcome(
        heads=[
            head(status=100, reason=b"Continue"),
            HINTS_HEAD,
            head(status=100, reason=b"Continue"),
            head([(b"Content-Length", b"5")]),
        ],
        body=b"hello",
        is_complete=True,
        may_continue=True,
    )


@pytest.mark.parametrize(
    "lines",
    [b"Connection: close\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"],
)
def test_interim_response_decides_nothing(lines: bytes) -> None:
    outcome = read_every_way(GET, b"HTTP/1.1 102 Processing\r\n" + lines + b"\r\n" + HELLO)
    assert [status for _, status, _, _ in outcome.heads] == [102, 200]
    assert outcome.body == b"hello"
    assert outcome.may_continue


def test_stream_may_not_end_behind_an_interim_response() -> None:
    for interim in (CONTINUE, HINTS):
        assert fail_every_way(GET, interim, ends=True) == {DISCONNECTED}
    assert fail_every_way(GET, CONTINUE + b"HTTP/1.1 2", ends=True) == {
        "Server disconnected after 10 bytes of an incomplete response head."
    }
