"""SOCKS5: the bytes of RFC 1928 and RFC 1929, written out by hand."""

import hypothesis
import hypothesis.strategies as st
import pytest
from example_settings import settings
from generated_responses import mutate, mutations, segmented
from handshaking import Begin, Outcome, check_secrets, shake, shake_every_way

from httpcore_interface import LocalProtocolError
from httpcore_pool._protocol.handshake import Handshake
from httpcore_pool._protocol.socks5 import Socks5Handshake

AUTH = (b"ali-ce", b"s3cr-et")

# VER, NMETHODS, METHODS.
OFFER = b"\x05\x01\x00"
OFFER_BOTH = b"\x05\x02\x02\x00"
# VER, METHOD.
NO_AUTHENTICATION = b"\x05\x00"
USE_PASSWORD = b"\x05\x02"
# VER, ULEN, UNAME, PLEN, PASSWD.
CREDENTIALS = b"\x01\x06ali-ce\x07s3cr-et"
# VER, STATUS.
WELCOME = b"\x01\x00"
# VER, CMD, RSV, ATYP, DST.ADDR (its length first), DST.PORT.
REQUEST = b"\x05\x01\x00\x03\x0bexample.com\x01\xbb"
# VER, REP, RSV, ATYP, BND.ADDR, BND.PORT.
GRANTED = b"\x05\x00\x00\x01\x0a\x00\x00\x01\x04\x38"


def begin(
    host: bytes = b"example.com", port: int = 443, auth: tuple[bytes, bytes] | None = None
) -> Begin:
    return lambda: Socks5Handshake(host, port, auth)


def test_handshake_is_one() -> None:
    handshake: Handshake = Socks5Handshake(b"example.com", 443, None)
    assert not handshake.is_done
    assert handshake.unread == b""


# -- what is sent --------------------------------------------------------------------


def test_messages_follow_each_other() -> None:
    handshake = Socks5Handshake(b"example.com", 443, AUTH)
    assert handshake.begin() == OFFER_BOTH
    assert handshake.receive(b"\x05") == b""
    assert handshake.receive(b"\x02") == CREDENTIALS
    assert handshake.receive(b"\x01") == b""
    assert handshake.receive(b"\x00") == REQUEST
    assert handshake.receive(GRANTED[:-1]) == b""
    assert not handshake.is_done
    assert handshake.receive(GRANTED[-1:]) == b""
    assert handshake.is_done


@pytest.mark.parametrize(
    ("auth", "replies", "sent"),
    [
        pytest.param(None, NO_AUTHENTICATION, OFFER + REQUEST, id="no authentication"),
        pytest.param(
            AUTH, USE_PASSWORD + WELCOME, OFFER_BOTH + CREDENTIALS + REQUEST, id="password"
        ),
        pytest.param(AUTH, NO_AUTHENTICATION, OFFER_BOTH + REQUEST, id="password not wanted"),
        pytest.param(
            (b"ali-ce", b""),
            USE_PASSWORD + WELCOME,
            OFFER_BOTH + b"\x01\x06ali-ce\x00" + REQUEST,
            id="empty password",
        ),
        pytest.param(
            (b"", b"s3cr-et"),
            USE_PASSWORD + WELCOME,
            OFFER_BOTH + b"\x01\x00\x07s3cr-et" + REQUEST,
            id="empty user",
        ),
        pytest.param(
            (b"\xff:\x00", b"p" * 255),
            USE_PASSWORD + WELCOME,
            OFFER_BOTH + b"\x01\x03\xff:\x00\xff" + b"p" * 255 + REQUEST,
            id="any bytes",
        ),
        pytest.param(
            (b"u" * 255, b"\n"),
            USE_PASSWORD + WELCOME,
            OFFER_BOTH + b"\x01\xff" + b"u" * 255 + b"\x01\n" + REQUEST,
            id="longest user",
        ),
    ],
)
def test_proxy_is_told_who_asks_if_it_wants_to_know(
    auth: tuple[bytes, bytes] | None, replies: bytes, sent: bytes
) -> None:
    outcome = shake_every_way(begin(auth=auth), replies + GRANTED)
    assert outcome == Outcome(sent, is_done=True)


V6 = b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01"


@pytest.mark.parametrize(
    ("host", "port", "request_"),
    [
        (b"example.com", 443, REQUEST),
        (b"a", 0, b"\x05\x01\x00\x03\x01a\x00\x00"),
        (b"n" * 255, 65535, b"\x05\x01\x00\x03\xff" + b"n" * 255 + b"\xff\xff"),
        (b"127.0.0.1", 80, b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"),
        (b"255.255.255.255", 256, b"\x05\x01\x00\x01\xff\xff\xff\xff\x01\x00"),
        (b"::1", 8080, b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x1f\x90"),
        (b"2001:db8::1", 443, b"\x05\x01\x00\x04" + V6 + b"\x01\xbb"),
        (b"2001:db8::1%eth0", 443, b"\x05\x01\x00\x04" + V6 + b"\x01\xbb"),
        (b"2001:db8::1%a%b", 443, b"\x05\x01\x00\x04" + V6 + b"\x01\xbb"),
        (
            b"::ffff:10.0.0.1",
            1,
            b"\x05\x01\x00\x04" + bytes(10) + b"\xff\xff\x0a\x00\x00\x01\x00\x01",
        ),
        # What looks like an address, and is none, is for the proxy to make sense of.
        (b"127.1", 80, b"\x05\x01\x00\x03\x05127.1\x00\x50"),
        (b"010.0.0.1", 80, b"\x05\x01\x00\x03\x09010.0.0.1\x00\x50"),
        (b"256.0.0.1", 80, b"\x05\x01\x00\x03\x09256.0.0.1\x00\x50"),
        (b"1.2.3.\xb2", 80, b"\x05\x01\x00\x03\x071.2.3.\xb2\x00\x50"),
        (b"m\xc3\xbcnchen", 80, b"\x05\x01\x00\x03\x08m\xc3\xbcnchen\x00\x50"),
        (b"a%eth0", 80, b"\x05\x01\x00\x03\x06a%eth0\x00\x50"),
    ],
)
def test_host_is_written_as_what_it_is(host: bytes, port: int, request_: bytes) -> None:
    outcome = shake_every_way(begin(host, port), NO_AUTHENTICATION + GRANTED)
    assert outcome == Outcome(OFFER + request_, is_done=True)


@pytest.mark.parametrize(
    ("host", "auth", "message"),
    [
        (b"", None, "the name of the host is empty"),
        (b"n" * 256, None, "the name of the host has 256 bytes, but SOCKS takes 255 at most"),
        (b"good\0.evil", None, "the name of the host has a NUL in it"),
        (b"1:2", None, "b'1:2' is neither a name nor an IPv6 address"),
        (b"::1\xb2", None, "b'::1\\xb2' is neither a name nor an IPv6 address"),
        (
            b"example.com",
            (b"ali-ce" * 50, b"s3cr-et"),
            "the user name has 300 bytes, but SOCKS takes 255 at most",
        ),
        (
            b"example.com",
            (b"ali-ce", b"s3cr-et" * 100),
            "the password has 700 bytes, but SOCKS takes 255 at most",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once(
    host: bytes, auth: tuple[bytes, bytes] | None, message: str
) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        Socks5Handshake(host, 443, auth)
    assert str(caught.value) == message
    check_secrets(caught.value)


# -- what is received ------------------------------------------------------------------


@pytest.mark.parametrize(
    "bound",
    [
        pytest.param(b"\x01\x0a\x00\x00\x01\x04\x38", id="IPv4"),
        pytest.param(b"\x04" + V6 + b"\x04\x38", id="IPv6"),
        pytest.param(b"\x03\x05proxy\x04\x38", id="name"),
        pytest.param(b"\x03\x00\x04\x38", id="empty name"),
        pytest.param(b"\x03\xff" + b"n" * 255 + b"\x04\x38", id="longest name"),
    ],
)
@pytest.mark.parametrize("extra", [b"", b"\x16", b"\x05\x00\x00\x01 hello" * 5])
def test_tunnel_begins_behind_the_address_of_the_proxy(bound: bytes, extra: bytes) -> None:
    # A byte that is reserved is not looked at.
    for reserved in (b"\x00", b"\x01"):
        reply = b"\x05\x00" + reserved + bound
        outcome = shake_every_way(begin(), NO_AUTHENTICATION + reply + extra)
        assert outcome == Outcome(OFFER + REQUEST, is_done=True, unread=extra)


REFUSED = "the SOCKS5 proxy refused: "


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (1, "general failure of the SOCKS server (code 1)"),
        (2, "connection not allowed by the rules of the proxy (code 2)"),
        (3, "network unreachable (code 3)"),
        (4, "host unreachable (code 4)"),
        (5, "connection refused (code 5)"),
        (6, "TTL expired (code 6)"),
        (7, "command not supported (code 7)"),
        (8, "address type not supported (code 8)"),
        *[(code, f"of no known meaning (code {code})") for code in (9, 90, 255)],
    ],
)
# Some proxies send no more than the code, or an address that is none.
@pytest.mark.parametrize("rest", [b"\x00\x01" + bytes(6), b"", b"\x00\x00", b"\xff" * 9])
@pytest.mark.parametrize("ends", [False, True])
def test_refusal_tells_its_meaning(code: int, message: str, rest: bytes, *, ends: bool) -> None:
    wire = USE_PASSWORD + WELCOME + b"\x05" + bytes([code]) + rest
    outcome = shake_every_way(begin(auth=AUTH), wire, ends=ends)
    assert outcome.text == REFUSED + message


PASSWORD_MISSING = "asks for authentication, but no user and password are given"


@pytest.mark.parametrize(
    ("auth", "method", "message"),
    [
        (None, 0xFF, PASSWORD_MISSING),
        (None, 0x02, PASSWORD_MISSING),
        (AUTH, 0xFF, "accepts neither a user and password nor no authentication"),
        *[
            (auth, method, f"chose the authentication method {method}, which was not offered")
            for auth in (None, AUTH)
            for method in (0x01, 0x03, 0x80, 0xFE)
        ],
    ],
)
def test_no_method_is_agreed_on(
    auth: tuple[bytes, bytes] | None, method: int, message: str
) -> None:
    outcome = shake_every_way(begin(auth=auth), b"\x05" + bytes([method]) + b"more")
    assert outcome.text == f"the SOCKS5 proxy {message}"
    assert outcome.sent == (OFFER if auth is None else OFFER_BOTH)


@pytest.mark.parametrize("status", [1, 2, 5, 255])
@pytest.mark.parametrize("rest", [b"", b"\x00", GRANTED])
def test_password_is_refused(status: int, rest: bytes) -> None:
    wire = USE_PASSWORD + b"\x01" + bytes([status]) + rest
    outcome = shake_every_way(begin(auth=AUTH), wire)
    assert outcome.text == "Invalid username/password"


CHOICE = "choice of an authentication method"
VERDICT = "reply to the user name and password"
LAST_REPLY = "reply to the request"


@pytest.mark.parametrize(
    ("before", "reply", "message"),
    [
        (b"", b"HTTP/1.1 400 Bad", f"{CHOICE} begins with 0x48, not 0x05"),
        (b"", b"\x04\x00", f"{CHOICE} begins with 0x04, not 0x05"),
        (USE_PASSWORD, b"\x05\x00", f"{VERDICT} begins with 0x05, not 0x01"),
        (USE_PASSWORD, b"\x00", f"{VERDICT} begins with 0x00, not 0x01"),
        (USE_PASSWORD + WELCOME, b"\x01\x00", f"{LAST_REPLY} begins with 0x01, not 0x05"),
        (NO_AUTHENTICATION, b"\x00\x5a", f"{LAST_REPLY} begins with 0x00, not 0x05"),
    ],
)
@pytest.mark.parametrize("ends", [False, True])
def test_wrong_version_is_another_protocol(
    before: bytes, reply: bytes, message: str, *, ends: bool
) -> None:
    outcome = shake_every_way(begin(auth=AUTH), before + reply, ends=ends)
    assert outcome.text == f"the proxy does not speak SOCKS5: its {message}"


@pytest.mark.parametrize("kind", [0, 2, 5, 255])
def test_address_of_unknown_type_is_an_error(kind: int) -> None:
    wire = NO_AUTHENTICATION + b"\x05\x00\x00" + bytes([kind]) + bytes(300)
    outcome = shake_every_way(begin(), wire)
    assert outcome.text == (
        f"the reply to the request of the SOCKS5 proxy has an address of unknown type {kind}"
    )


@pytest.mark.parametrize(
    "last", [GRANTED, b"\x05\x00\x00\x04" + bytes(18), b"\x05\x00\x00\x03\x05proxy\x04\x38"]
)
def test_end_of_the_stream_is_an_error_wherever_it_comes(last: bytes) -> None:
    ends = {
        CHOICE: (b"", USE_PASSWORD),
        VERDICT: (USE_PASSWORD, WELCOME),
        LAST_REPLY: (USE_PASSWORD + WELCOME, last),
    }
    for where, (before, reply) in ends.items():
        for count in range(len(reply)):
            outcome = shake_every_way(begin(auth=AUTH), before + reply[:count], ends=True)
            assert outcome.text == (
                f"the SOCKS5 proxy closed the connection after {count} bytes of its {where}"
            )


def test_flood_is_not_kept() -> None:
    handshake = Socks5Handshake(b"example.com", 443, None)
    handshake.receive(NO_AUTHENTICATION + b"\x05\x00\x00\x03\xff")
    for _ in range(256):
        handshake.receive(b"x")
    assert not handshake.is_done
    handshake.receive(b"x" * 100_000)
    assert handshake.is_done
    assert len(handshake.unread) == 99_999


# -- anything --------------------------------------------------------------------------

pieces = st.sampled_from(
    [NO_AUTHENTICATION, USE_PASSWORD, WELCOME, GRANTED, b"\x05", b"\x00", b"\x01", b"\x03"]
)
good = st.sampled_from(
    [
        NO_AUTHENTICATION + GRANTED,
        USE_PASSWORD + WELCOME + GRANTED + b"hello",
        NO_AUTHENTICATION + b"\x05\x00\x00\x03\x05proxy\x04\x38",
        NO_AUTHENTICATION + b"\x05\x00\x00\x04" + bytes(18) + b"\x16\x03",
        USE_PASSWORD + WELCOME + b"\x05\x02\x00\x01" + bytes(6),
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    wire = draw(good)
    for kind, place, piece in draw(st.lists(mutations, max_size=3)):
        wire = mutate(wire, kind, place, piece)
    return wire


anything = st.one_of(st.binary(max_size=40), st.lists(pieces).map(b"".join), good, mutated())


@settings(400)
@hypothesis.given(segmented(anything), st.sampled_from([None, AUTH]))
def test_however_replies_are_cut_they_mean_the_same(
    segments: list[bytes], auth: tuple[bytes, bytes] | None
) -> None:
    wire, ends = b"".join(segments), segments[-1:] == [b""]
    outcome = shake(begin(auth=auth), segments)
    whole = shake(begin(auth=auth), [part for part in (wire,) if part] + [b""] * ends)
    assert (whole.is_done, whole.unread, whole.text) == (
        outcome.is_done,
        outcome.unread,
        outcome.text,
    )
    if not outcome.text:
        assert whole.sent == outcome.sent
    if ends:
        assert outcome.is_done or outcome.text


def test_every_first_reply_is_understood_or_refused() -> None:
    for first in range(256):
        for second in range(256):
            outcome = shake(begin(), [bytes([first, second])])
            assert (outcome.text == "") is (first == 5 and second == 0)


def test_nothing_is_done_before_the_last_byte() -> None:
    replies = USE_PASSWORD + WELCOME + GRANTED
    for count in range(len(replies)):
        outcome = shake_every_way(begin(auth=AUTH), replies[:count])
        assert not outcome.is_done
        assert not outcome.text
