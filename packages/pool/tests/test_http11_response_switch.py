"""Upgrades and tunnels: what follows the response is not HTTP/1.1 any more."""

import pytest
from response_reading import fail_every_way, read_every_way
from response_samples import CONNECT, CONTINUE, GET, HELLO, HINTS, UPGRADE, head


@pytest.mark.parametrize("extra", [b"", b"\x81\x05hello", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n"])
def test_upgraded_connection_goes_on_with_what_follows(extra: bytes) -> None:
    wire = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    for interim in (b"", CONTINUE):
        outcome = read_every_way(UPGRADE, interim + wire + extra)
        assert outcome.heads[-1] == head(
            [(b"Upgrade", b"websocket")], status=101, reason=b"Switching Protocols"
        )
        assert outcome.has_switched
        assert outcome.is_complete
        assert outcome.unread == extra
        assert not outcome.may_continue


def test_upgrade_that_nobody_asked_for_is_an_error() -> None:
    (message,) = fail_every_way(GET, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert message.endswith("without a pending proposal")


def test_refused_upgrade_is_a_plain_response() -> None:
    outcome = read_every_way(UPGRADE, HELLO)
    assert not outcome.has_switched
    assert outcome.may_continue


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        (200, b""),
        (200, b"Content-Length: 5\r\n"),
        (299, b"Transfer-Encoding: chunked\r\nX: y\r\n"),
    ],
)
@pytest.mark.parametrize("extra", [b"", b"\x16\x03\x01", b"5\r\nhello\r\n0\r\n\r\n"])
def test_tunnel_goes_on_with_what_follows(status: int, lines: bytes, extra: bytes) -> None:
    for interim in (b"", HINTS):
        wire = interim + b"HTTP/1.1 %d Established\r\n%b\r\n%b" % (status, lines, extra)
        outcome = read_every_way(CONNECT, wire)
        assert outcome.heads[-1][1] == status
        assert outcome.has_switched
        assert outcome.is_complete
        assert outcome.body == b""
        assert outcome.unread == extra
        assert not outcome.may_continue


def test_refused_tunnel_is_a_plain_response() -> None:
    wire = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nhello"
    outcome = read_every_way(CONNECT, wire)
    assert outcome.body == b"hello"
    assert not outcome.has_switched
    assert outcome.may_continue


def test_end_of_the_stream_behind_a_switch_is_not_its_business() -> None:
    wire = b"HTTP/1.1 200 Established\r\n\r\n\x16"
    outcome = read_every_way(CONNECT, wire, ends=True)
    assert outcome.has_switched
    assert outcome.unread == b"\x16"
