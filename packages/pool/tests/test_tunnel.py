"""Tunnels through HTTP proxies: CONNECT, and what a proxy may answer."""

import hypothesis
import hypothesis.strategies as st
import pytest
from example_settings import settings
from generated_responses import fragments, mutated_responses, responses, segmented
from handshaking import Outcome, check_secrets, shake, shake_every_way
from response_reading import segmentations
from response_samples import CONTINUE, HINTS

from httpcore_interface import LocalProtocolError, ProxyError, RemoteProtocolError
from httpcore_pool._protocol.handshake import Handshake
from httpcore_pool._protocol.tunnel import ConnectHandshake

Fields = list[tuple[bytes, bytes]]

SECRET = b"Basic YWxpLWNlOnMzY3ItZXQ="
AUTHORIZATION = (b"Proxy-Authorization", SECRET)
REQUEST = (
    b"CONNECT example.com:443 HTTP/1.1\r\n"
    b"Host: example.com:443\r\n"
    b"Accept: */*\r\n"
    b"Proxy-Authorization: Basic YWxpLWNlOnMzY3ItZXQ=\r\n"
    b"\r\n"
)
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def begin() -> Handshake:
    return ConnectHandshake(b"example.com", 443, [AUTHORIZATION])


def test_handshake_is_one() -> None:
    handshake = begin()
    assert not handshake.is_done
    assert handshake.unread == b""


# -- what is sent --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "port", "fields", "request_"),
    [
        pytest.param(b"example.com", 443, [AUTHORIZATION], REQUEST, id="name"),
        pytest.param(
            b"example.com",
            80,
            [],
            b"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\nAccept: */*\r\n\r\n",
            id="default port",
        ),
        pytest.param(
            b"127.0.0.1",
            8443,
            [],
            b"CONNECT 127.0.0.1:8443 HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nAccept: */*\r\n\r\n",
            id="IPv4",
        ),
        pytest.param(
            b"::1",
            443,
            [],
            b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nAccept: */*\r\n\r\n",
            id="IPv6",
        ),
        pytest.param(
            b"fe80::1%eth0",
            443,
            [],
            b"CONNECT [fe80::1]:443 HTTP/1.1\r\nHost: [fe80::1]:443\r\nAccept: */*\r\n\r\n",
            id="zone",
        ),
        pytest.param(
            b"a",
            1,
            [(b"User-Agent", b"x/1"), (b"accept", b"text/plain"), (b"X", b""), (b"X", b"y")],
            b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nUser-Agent: x/1\r\n"
            b"accept: text/plain\r\nX: \r\nX: y\r\n\r\n",
            id="accept of one's own",
        ),
        pytest.param(
            b"a",
            1,
            [(b"host", b"b")],
            b"CONNECT a:1 HTTP/1.1\r\nhost: b\r\nAccept: */*\r\n\r\n",
            id="host of one's own",
        ),
        pytest.param(
            b"a",
            1,
            [(b"Content-Length", b"0")],
            b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n",
            id="no body",
        ),
    ],
)
def test_request_names_the_authority(
    host: bytes, port: int, fields: Fields, request_: bytes
) -> None:
    outcome = shake_every_way(lambda: ConnectHandshake(host, port, fields), ESTABLISHED)
    assert outcome == Outcome(request_, is_done=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            [(b"X", b"y"), (b"Proxy-Authorization", SECRET + b"\n")],
            "the value of field 2 for the proxy, b'Proxy-Authorization', is not valid",
        ),
        (
            [(b"Host", SECRET + b"\r\nX: y"), AUTHORIZATION],
            "the value of field 1 for the proxy, b'Host', is not valid",
        ),
        ([(b"Proxy Authorization", SECRET)], "the name of field 1 for the proxy is not valid"),
        ([(SECRET, b"x"), AUTHORIZATION], "the name of field 1 for the proxy is not valid"),
        ([(b"", SECRET)], "the name of field 1 for the proxy is not valid"),
        (
            [(b"Host", b"a"), (b"HOST", b"b"), AUTHORIZATION],
            "the fields for the proxy are not valid together",
        ),
        (
            [AUTHORIZATION, (b"Content-Length", b"5")],
            "the fields for the proxy announce a body: CONNECT has none",
        ),
        (
            [AUTHORIZATION, (b"Transfer-Encoding", b"chunked")],
            "the fields for the proxy announce a body: CONNECT has none",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_and_not_shown(fields: Fields, message: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        ConnectHandshake(b"example.com", 443, fields)
    assert str(caught.value) == message
    assert caught.value.__context__ is None
    check_secrets(caught.value)


@pytest.mark.parametrize("host", [b"a b", b"a\r\nX: y", b"m\xc3\xbcnchen", b"a\0"])
def test_host_that_is_none_cannot_be_sent(host: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="Illegal"):
        ConnectHandshake(host, 443, [AUTHORIZATION])


# -- what is received ------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        ESTABLISHED,
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.0 200 Connection established\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 299 Odd\r\nServer: x\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        # No framing counts (RFC 9110, section 9.3.6), and no Connection.
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 6\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n x\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length:\n\n",
        b"HTTP/1.0 299\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nTransfer-Encoding: y\r\n\r\n",
        HINTS + b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        CONTINUE + ESTABLISHED,
        HINTS + CONTINUE + HINTS + ESTABLISHED,
        CONTINUE * 100 + ESTABLISHED,
    ],
)
@pytest.mark.parametrize("extra", [b"", b"\x16\x03\x01", b"HTTP/1.1 403 No\r\n\r\n"])
def test_tunnel_begins_behind_the_head(response: bytes, extra: bytes) -> None:
    if len(response) > 1000:
        for wire in ([response + extra], [bytes([byte]) for byte in response + extra]):
            assert shake(begin, wire) == Outcome(REQUEST, is_done=True, unread=extra)
    else:
        outcome = shake_every_way(begin, response + extra)
        assert outcome == Outcome(REQUEST, is_done=True, unread=extra)


@pytest.mark.parametrize(
    ("status", "reason", "text"),
    [
        (407, b"Proxy Authentication Required", "407 Proxy Authentication Required"),
        (403, b"Forbidden", "403 Forbidden"),
        (301, b"Moved Permanently", "301 Moved Permanently"),
        (502, b"", "502"),
        (600, b"Odd", "600 Odd"),
        (599, b"caf\xe9 \x85", "599 caf\\xe9 \\x85"),
    ],
)
@pytest.mark.parametrize("interim", [b"", HINTS])
@pytest.mark.parametrize("body", [b"", b"hello", b"hello HTTP/1.1 200 OK\r\n\r\n"])
@pytest.mark.parametrize("ends", [False, True])
def test_refusal_keeps_the_response(
    status: int, reason: bytes, text: str, interim: bytes, body: bytes, *, ends: bool
) -> None:
    head = b"HTTP/1.1 %d %b\r\nProxy-Authenticate: Basic\r\n" % (status, reason)
    head += b"proxy-authenticate: NTLM\r\nContent-Length: 5\r\n\r\n"
    outcome = shake_every_way(begin, interim + head + body, ends=ends)
    assert outcome == Outcome(REQUEST, text=text)
    assert outcome.error is not None
    assert outcome.error.status == status
    assert outcome.error.reason == reason
    assert outcome.error.headers == [
        (b"Proxy-Authenticate", b"Basic"),
        (b"proxy-authenticate", b"NTLM"),
        (b"Content-Length", b"5"),
    ]


def test_proxy_that_speaks_another_protocol_refuses() -> None:
    fields = [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
    wire = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81"
    outcome = shake_every_way(lambda: ConnectHandshake(b"a", 1, fields), wire)
    assert outcome.text == "101 Switching Protocols"


@pytest.mark.parametrize(
    "wire",
    [
        b"\x16\x03\x01\x00\x05hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        CONTINUE + b"nonsense\r\n\r\n",
        # A mirror.
        REQUEST,
    ],
)
@pytest.mark.parametrize("ends", [False, True])
def test_nonsense_is_an_error_with_its_cause(wire: bytes, *, ends: bool) -> None:
    for segments in segmentations(wire):
        error = shake(begin, [*segments, b""] if ends else segments).error
        assert error is not None
        # Its words are h11's, and depend on how much of the nonsense h11 has seen.
        assert isinstance(error.__cause__, RemoteProtocolError)
        assert str(error) == f"the proxy's response to CONNECT is not valid: {error.__cause__}"
        assert (error.status, error.reason, error.headers) == (None, None, [])


@pytest.mark.parametrize(
    ("wire", "fault"),
    [
        (SECRET + b"\r\n\r\n", "illegal status line"),
        (b"HTTP/1.1 xx " + SECRET + b"\r\n\r\n", "illegal status line"),
        (b"HTTP/1.1 200 OK\r\n" + SECRET + b"\r\n\r\n", "illegal header line"),
        (b"HTTP/1.1 407 No\r\nX: '\"\0" + SECRET + b"\r\n\r\n", "illegal header line"),
        (b"HTTP/1.1 407 No\r\n" + SECRET + b": '\r\n\r\n", "illegal header line"),
    ],
)
def test_nonsense_that_echoes_our_secrets_is_not_quoted(wire: bytes, fault: str) -> None:
    # That it is in no text of the chain `shake` makes sure of.
    outcome = shake(begin, [wire])
    assert outcome.text == f"the proxy's response to CONNECT is not valid: {fault}"


@pytest.mark.parametrize("field", [b"Content-Length: x", b"Transfer-Encoding: gzip"])
def test_framing_of_a_refusal_has_to_be_valid(field: bytes) -> None:
    wire = b"HTTP/1.1 407 No\r\n" + field + b"\r\n\r\n"
    assert "is not valid" in shake_every_way(begin, wire).text


@pytest.mark.parametrize(
    "wire", [ESTABLISHED, HINTS + b"HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\n"]
)
def test_end_of_the_stream_is_an_error_wherever_it_comes(wire: bytes) -> None:
    for count in range(len(wire)):
        outcome = shake_every_way(begin, wire[:count], ends=True)
        assert outcome.text == (
            f"the proxy closed the connection after {count} bytes of its response to CONNECT"
        )


@pytest.mark.parametrize("piece", [64, 1024, 64 * 1024])
def test_head_without_end_is_not_kept_for_ever(piece: int) -> None:
    handshake = begin()
    handshake.receive(b"HTTP/1.1 200 OK\r\nX: ")
    count = 100 * 1024 // piece - 1
    for _ in range(count):
        handshake.receive(b"x" * piece)
    flood = b"x" * (100 * 1024 - count * piece)
    with pytest.raises(ProxyError, match="longer than 102400 bytes"):
        handshake.receive(flood)


@pytest.mark.parametrize("interim", [CONTINUE, HINTS])
def test_interim_responses_without_end_are_an_error(interim: bytes) -> None:
    text = "the proxy sent more than 100 interim responses"
    assert shake(begin, [interim * 101]).text == text
    assert shake(begin, [interim] * 101).text == text
    assert shake(begin, [interim] * 100) == Outcome(REQUEST)


# -- anything --------------------------------------------------------------------------

anything = st.one_of(
    responses(),
    mutated_responses(),
    st.binary(max_size=40),
    st.lists(fragments, max_size=30).map(b"".join),
)


def described(outcome: Outcome) -> tuple[object, ...]:
    """What must not depend on how the response is cut, which h11's words do."""
    error = outcome.error
    if error is None:
        return outcome.is_done, outcome.unread
    is_invalid = error.__cause__ is not None
    text = "invalid" if is_invalid else str(error)
    return text, error.status, error.reason, error.headers


@settings(400)
@hypothesis.given(segmented(anything))
def test_however_a_response_is_cut_it_means_the_same(segments: list[bytes]) -> None:
    wire, ends = b"".join(segments), segments[-1:] == [b""]
    end = [b""] if ends else []
    outcome = shake(begin, segments)
    whole = shake(begin, [part for part in (wire,) if part] + end)
    assert described(whole) == described(outcome)
    in_bytes = shake(begin, [*(bytes([byte]) for byte in wire), *end])
    assert described(in_bytes) == described(outcome)
    if ends:
        assert outcome.is_done or outcome.text
