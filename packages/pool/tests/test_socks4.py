"""SOCKS4 and SOCKS4a: the bytes of Ying-Da Lee's texts, written out by hand."""

import hypothesis
import hypothesis.strategies as st
import pytest
from example_settings import settings
from generated_responses import mutate, mutations, segmented
from handshaking import Begin, Outcome, check_secrets, shake, shake_every_way

from httpcore_interface import LocalProtocolError, ProxyError
from httpcore_pool._protocol.handshake import Handshake
from httpcore_pool._protocol.socks4 import Socks4Handshake

# VN, CD, DSTPORT, DSTIP, USERID, NULL.
REQUEST = b"\x04\x01\x01\xbb\x0a\x00\x00\x01ali-ce\x00"
# VN, CD, DSTPORT, DSTIP.
GRANTED = b"\x00\x5a\x04\x38\x0a\x00\x00\x02"


def begin(
    host: bytes = b"10.0.0.1",
    port: int = 443,
    user: bytes = b"ali-ce",
    *,
    takes_names: bool = False,
) -> Begin:
    return lambda: Socks4Handshake(host, port, user, takes_names=takes_names)


def test_handshake_is_one() -> None:
    handshake: Handshake = begin()()
    assert not handshake.is_done
    assert handshake.unread == b""


# -- what is sent --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "port", "user", "request_"),
    [
        (b"10.0.0.1", 443, b"ali-ce", REQUEST),
        (b"127.0.0.1", 80, b"", b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00"),
        (b"255.255.255.255", 65535, b"\xff", b"\x04\x01\xff\xff\xff\xff\xff\xff\xff\x00"),
        (b"0.0.0.0", 0, b"", b"\x04\x01\x00\x00\x00\x00\x00\x00\x00"),
        (b"0.0.1.1", 1, b"", b"\x04\x01\x00\x01\x00\x00\x01\x01\x00"),
        (b"1.2.3.4", 1, b"u" * 255, b"\x04\x01\x00\x01\x01\x02\x03\x04" + b"u" * 255 + b"\x00"),
    ],
)
def test_address_is_sent_as_one(host: bytes, port: int, user: bytes, request_: bytes) -> None:
    for takes_names in (False, True):
        handshake = begin(host, port, user, takes_names=takes_names)
        assert shake_every_way(handshake, GRANTED) == Outcome(request_, is_done=True)


@pytest.mark.parametrize(
    ("host", "port", "user", "request_"),
    [
        (
            b"example.com",
            443,
            b"ali-ce",
            b"\x04\x01\x01\xbb\x00\x00\x00\x01ali-ce\x00example.com\x00",
        ),
        (b"a", 256, b"", b"\x04\x01\x01\x00\x00\x00\x00\x01\x00a\x00"),
        (b"n" * 255, 1, b"", b"\x04\x01\x00\x01\x00\x00\x00\x01\x00" + b"n" * 255 + b"\x00"),
        (b"127.1", 80, b"", b"\x04\x01\x00\x50\x00\x00\x00\x01\x00127.1\x00"),
        # As an address, these would say that a name follows.
        (b"0.0.0.1", 80, b"", b"\x04\x01\x00\x50\x00\x00\x00\x01\x000.0.0.1\x00"),
        (b"0.0.0.255", 80, b"", b"\x04\x01\x00\x50\x00\x00\x00\x01\x000.0.0.255\x00"),
    ],
)
def test_name_stands_behind_the_user(
    host: bytes, port: int, user: bytes, request_: bytes
) -> None:
    handshake = begin(host, port, user, takes_names=True)
    assert shake_every_way(handshake, GRANTED) == Outcome(request_, is_done=True)


@pytest.mark.parametrize("host", [b"example.com", b"127.1", b"010.0.0.1", b"0.0.0.1", b""])
def test_socks4_takes_no_names(host: bytes) -> None:
    with pytest.raises(ProxyError) as caught:
        begin(host)()
    assert str(caught.value) == (
        f"{host!r} is no IPv4 address, and a SOCKS4 proxy takes no names: "
        "if it speaks SOCKS4a, write socks4a://"
    )


@pytest.mark.parametrize("host", [b"::1", b"fe80::1%eth0", b"::ffff:10.0.0.1"])
@pytest.mark.parametrize("takes_names", [False, True])
def test_ipv6_is_not_known(host: bytes, *, takes_names: bool) -> None:
    with pytest.raises(ProxyError) as caught:
        begin(host, takes_names=takes_names)()
    assert str(caught.value) == (
        f"{host!r} is an IPv6 address, which SOCKS4 does not know: use a SOCKS5 proxy"
    )


@pytest.mark.parametrize(
    ("host", "user", "message"),
    [
        (b"", b"", "the name of the host is empty"),
        (b"n" * 256, b"", "the name of the host has 256 bytes, but SOCKS takes 255 at most"),
        (b"good\0.evil", b"", "the name of the host has a NUL in it"),
        (b"1:2", b"", "b'1:2' is neither a name nor an IPv6 address"),
        (
            b"10.0.0.1",
            b"ali-ce\0",
            "the user name has a NUL in it, which ends it in SOCKS4",
        ),
        (
            b"10.0.0.1",
            b"ali-ce" * 50,
            "the user name has 300 bytes, but SOCKS takes 255 at most",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once(host: bytes, user: bytes, message: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        begin(host, user=user, takes_names=True)()
    assert str(caught.value) == message
    check_secrets(caught.value)


# -- what is received ------------------------------------------------------------------


@pytest.mark.parametrize("extra", [b"", b"\x00", b"\x00\x5b hello" * 5])
def test_tunnel_begins_behind_the_reply(extra: bytes) -> None:
    # The address in it is of no interest to whoever connects.
    for reply in (GRANTED, b"\x00\x5a" + bytes(6), b"\x00\x5a" + b"\xff" * 6):
        outcome = shake_every_way(begin(), reply + extra)
        assert outcome == Outcome(REQUEST, is_done=True, unread=extra)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (91, "request rejected or failed (code 91)"),
        (92, "the proxy cannot reach the identd of this host (code 92)"),
        (93, "the identd of this host reports another user (code 93)"),
        *[(code, f"of no known meaning (code {code})") for code in (0, 1, 89, 94, 255)],
    ],
)
@pytest.mark.parametrize("rest", [bytes(6), b"", b"\x00", b"\xff" * 9])
@pytest.mark.parametrize("ends", [False, True])
def test_refusal_tells_its_meaning(code: int, message: str, rest: bytes, *, ends: bool) -> None:
    outcome = shake_every_way(begin(), b"\x00" + bytes([code]) + rest, ends=ends)
    assert outcome == Outcome(REQUEST, text=f"the SOCKS4 proxy refused: {message}")


@pytest.mark.parametrize(
    ("reply", "found"), [(b"HTTP/1.1 400", "48"), (b"\x04\x5a", "04"), (b"\x05\xff", "05")]
)
@pytest.mark.parametrize("ends", [False, True])
def test_wrong_version_is_another_protocol(reply: bytes, found: str, *, ends: bool) -> None:
    outcome = shake_every_way(begin(), reply, ends=ends)
    assert outcome.text == (
        f"the proxy does not speak SOCKS4: its reply begins with 0x{found}, not 0x00"
    )


def test_end_of_the_stream_is_an_error_wherever_it_comes() -> None:
    for count in range(len(GRANTED)):
        outcome = shake_every_way(begin(), GRANTED[:count], ends=True)
        assert outcome.text == (
            f"the SOCKS4 proxy closed the connection after {count} of 8 bytes of its reply"
        )


def test_nothing_is_done_before_the_last_byte() -> None:
    for count in range(len(GRANTED)):
        assert shake_every_way(begin(), GRANTED[:count]) == Outcome(REQUEST)


# -- anything --------------------------------------------------------------------------


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    wire = GRANTED + draw(st.binary(max_size=4))
    for kind, place, piece in draw(st.lists(mutations, max_size=3)):
        wire = mutate(wire, kind, place, piece)
    return wire


@settings(300)
@hypothesis.given(segmented(st.one_of(st.binary(max_size=20), mutated())))
def test_however_replies_are_cut_they_mean_the_same(segments: list[bytes]) -> None:
    wire, ends = b"".join(segments), segments[-1:] == [b""]
    outcome = shake(begin(), segments)
    assert outcome == shake(begin(), [part for part in (wire,) if part] + [b""] * ends)
    if ends:
        assert outcome.is_done or outcome.text


def test_every_reply_is_understood_or_refused() -> None:
    for version in range(256):
        for code in range(256):
            outcome = shake(begin(), [bytes([version, code]) + bytes(6)])
            assert outcome.is_done is (version == 0 and code == 90)
            assert outcome.is_done is (outcome.text == "")
