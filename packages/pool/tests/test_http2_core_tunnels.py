"""CONNECT over HTTP/2, plain and extended: a stream that carries bytes both ways."""

import pytest
from driving import (
    HOST,
    URL_A,
    Background,
    Driver,
    PoolClient,
    Reply,
    Wire,
    head,
    plain_context,
)
from http2_peer import (
    CANCEL,
    WINDOW,
    Call,
    Peer,
    Peers,
    Settings,
    begin,
    echo,
    serve,
    shared_pool,
)
from script_steps import Give, TakeRequest
from scripted import Network

from httpcore_interface import (
    ConnectError,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    WriteError,
    WriteTimeout,
)

# RFC 8441, section 3: h2's settings know it by this number.
CONNECT_PROTOCOL = 8
EXTENDED: dict[str, object] = {"protocol": b"websocket"}


def accept(peer: Peer, call: Call) -> None:
    if call.field(b":method") == b"CONNECT":
        peer.head(call)
    else:
        peer.respond(call, call.path)


@pytest.fixture
def peers(network: Network) -> Peers:
    return serve_tunnels(network)


def serve_tunnels(network: Network, *, is_thrifty: bool = False) -> Peers:
    settings: Settings = {CONNECT_PROTOCOL: 1}
    return serve(network, begin=accept, settings=settings, is_thrifty=is_thrifty)


@pytest.fixture
def pool(driver: Driver, peers: Peers) -> PoolClient:
    return shared_pool(driver)


def tunnel(pool: PoolClient) -> Reply:
    target = b"origin.test:443"
    return pool.open("CONNECT", headers=[(b"Host", target)], extensions={"target": target})


@pytest.fixture(params=["plain", "extended"])
def response(request: pytest.FixtureRequest, pool: PoolClient) -> Reply:
    if request.param == "plain":
        return tunnel(pool)
    return pool.open("CONNECT", URL_A + "chat?x=1", extensions=EXTENDED)


@pytest.fixture
def wire(response: Reply) -> Wire:
    return response.wire


def goes_on(pool: PoolClient, network: Network) -> None:
    """Makes sure that the connection is as good as ever, and nothing is held."""
    assert pool.is_quiet
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert len(network.connections) == 1


# -- what is sent --------------------------------------------------------------------------


def test_connect_names_the_other_end_alone(pool: PoolClient, peers: Peers) -> None:
    response = tunnel(pool)
    assert peers.calls[0].fields == [
        (b":method", b"CONNECT"),
        (b":authority", b"origin.test:443"),
    ]
    assert not peers.calls[0].is_whole
    assert response.status == 200
    assert response.extension("http_version") == b"HTTP/2"
    response.close()


@pytest.mark.parametrize(("scheme", "sent"), [("http", b"http"), ("ws", b"http")])
def test_extended_connect_is_a_request_with_a_protocol(
    pool: PoolClient, peers: Peers, scheme: str, sent: bytes
) -> None:
    url = f"{scheme}://example.test/chat?x=1"
    fields = [(b"Host", HOST), (b"Sec-WebSocket-Version", b"13")]
    response = pool.open("CONNECT", url, extensions=EXTENDED, headers=fields)
    assert peers.calls[0].fields == [
        (b":method", b"CONNECT"),
        (b":protocol", b"websocket"),
        (b":scheme", sent),
        (b":authority", b"example.test"),
        (b":path", b"/chat?x=1"),
        (b"sec-websocket-version", b"13"),
    ]
    response.close()


def test_extended_connect_waits_for_the_settings(driver: Driver, network: Network) -> None:
    peers = Peers(network)
    peer = Peer(settings={CONNECT_PROTOCOL: 1}, greets=False)
    peers.append(peer)
    network.play(peer)
    pool = shared_pool(driver)
    opening = Background(lambda: pool.open("CONNECT", extensions=EXTENDED))
    peers.until(lambda: peer.waiting == 1)
    # One that came later drives.
    other = begin(pool, "other")
    peers.until_called(1)
    assert [call.path for call in peers.calls] == [b"/other"]
    peer.greet()
    call = peers.until_called(2)[1]
    assert call.field(b":protocol") == b"websocket"
    peer.head(call)
    response = opening.result()
    peer.respond(peers.calls[0], b"other")
    assert other.result() == b"other"
    peer._begin = accept
    response.close()
    goes_on(pool, network)


def test_extended_connect_hears_of_settings_that_another_reads(
    driver: Driver, network: Network
) -> None:
    peers = Peers(network)
    peer = Peer(settings={CONNECT_PROTOCOL: 1}, greets=False)
    peers.append(peer)
    network.play(peer)
    pool = shared_pool(driver)
    other = begin(pool, "other")
    peers.until_called(1)
    peers.until(lambda: peer.waiting == 1)
    opening = Background(lambda: pool.open("CONNECT", extensions=EXTENDED))
    network.until_waiting(1)
    peer.greet()
    # The other goes on reading meanwhile.
    call = peers.until_called(2)[1]
    peer.head(call)
    opening.result().close()
    peer.respond(peers.calls[0], b"other")
    assert other.result() == b"other"
    assert pool.is_quiet


def test_extended_connect_waits_under_the_read_timeout(
    driver: Driver, network: Network
) -> None:
    peer = Peer(begin=accept, greets=False)
    network.play(peer)
    pool = shared_pool(driver)
    extensions: dict[str, object] = {**EXTENDED, "timeout": {"read": 5.0}}
    with pytest.raises(ReadTimeout, match=r"within 5\.0 seconds"):
        pool.open("CONNECT", extensions=extensions)
    assert peer.calls == []
    peer.greet()
    goes_on(pool, network)


def test_server_that_goes_before_its_settings_is_told_of(
    driver: Driver, network: Network
) -> None:
    peers = Peers(network)
    peer = Peer(greets=False)
    network.play(peer)
    pool = shared_pool(driver)
    opening = Background(lambda: pool.open("CONNECT", extensions=EXTENDED))
    peers.until(lambda: peer.waiting == 1)
    peer.end()
    with pytest.raises(RemoteProtocolError, match="Server disconnected"):
        opening.result()
    assert pool.is_quiet


def test_server_without_the_setting_is_not_asked(driver: Driver, network: Network) -> None:
    peers = serve(network, echo)
    pool = shared_pool(driver)
    with pytest.raises(LocalProtocolError, match="does not take an extended CONNECT"):
        pool.open("CONNECT", extensions=EXTENDED)
    assert peers.calls == []
    assert pool.is_quiet
    assert pool.request("GET", URL_A + "next").body == b"/next"
    assert len(peers) == 1


@pytest.mark.parametrize(
    ("headers", "extensions", "message"),
    [
        ([(b"Host", HOST)], {}, "the target of a CONNECT is a host and a port"),
        ([(b"Host", HOST)], {"protocol": b"web socket"}, "Illegal protocol"),
        ([(b"Host", HOST), (b"X", b"\n")], {"protocol": b"websocket"}, "Illegal header"),
    ],
)
def test_what_is_no_connect_is_not_sent(
    pool: PoolClient,
    peers: Peers,
    network: Network,
    headers: list[tuple[bytes, bytes]],
    extensions: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        pool.open("CONNECT", headers=headers, extensions=extensions)
    assert peers.calls == []
    goes_on(pool, network)


def test_connect_has_no_content(driver: Driver, pool: PoolClient, peers: Peers) -> None:
    for content in b"body", driver.body([b"body"]):
        with pytest.raises(LocalProtocolError, match="has no content"):
            pool.open("CONNECT", content=content, extensions=EXTENDED)
    assert peers.calls == []


def test_extended_connect_needs_http2(driver: Driver, network: Network) -> None:
    network.play(TakeRequest(), Give(head(b"200 OK", (b"Content-Length", b"0"))))
    pool = driver.pool()
    with pytest.raises(LocalProtocolError, match="needs HTTP/2"):
        pool.open("CONNECT", extensions=EXTENDED)
    assert pool.request("GET", URL_A).status == 200


def test_refusal_is_a_response_like_any_other(driver: Driver, network: Network) -> None:
    peers = serve(network, begin=lambda peer, call: peer.respond(call, b"no", 407))
    pool = shared_pool(driver)
    response = tunnel(pool)
    assert (response.status, response.read()) == (407, b"no")
    peers.until(lambda: peers.calls[0].reset == CANCEL)
    assert response.wire.fact("server_addr") == ("example.test", 80)
    assert pool.is_quiet


# -- bytes both ways -----------------------------------------------------------------------


def test_bytes_go_both_ways(
    wire: Wire, response: Reply, pool: PoolClient, peers: Peers, network: Network
) -> None:
    [call] = peers.calls
    wire.write(b"ping")
    assert call.body == b"ping"
    peers[0].body(call, b"pong", ends=False)
    assert wire.read(3) == b"pon"
    assert wire.fact("is_readable") is True
    assert wire.read(3) == b"g"
    assert wire.fact("is_readable") is False
    wire.write(b"more")
    wire.write(b"")
    assert call.body == b"pingmore"
    # The response's body is another thing, and empty.
    assert response.next_chunk() is None
    assert response.read() == b""
    wire.write(b"!")
    assert call.body == b"pingmore!"
    assert pool.counts == "Requests: 1 active, 0 queued | Connections: 1 active, 0 idle"
    response.close()
    goes_on(pool, network)


def test_others_share_the_connection_meanwhile(
    wire: Wire, pool: PoolClient, peers: Peers, network: Network
) -> None:
    reading = Background(lambda: wire.read(100))
    peers.until(lambda: peers[0].waiting == 1)
    others = [begin(pool, str(number)) for number in range(5)]
    assert [other.result() for other in others] == [b"/%d" % n for n in range(5)]
    peers[0].body(peers.calls[0], b"late", ends=False)
    assert reading.result() == b"late"
    wire.close()
    goes_on(pool, network)


def test_end_of_the_peers_side_is_the_end_of_the_stream(
    wire: Wire, pool: PoolClient, peers: Peers, network: Network
) -> None:
    [call] = peers.calls
    peers[0].body(call, b"last")
    assert wire.read(100) == b"last"
    assert wire.read(100) == b""
    assert wire.read(100) == b""
    # It may still read.
    wire.write(b"more")
    assert call.body == b"more"
    wire.close()
    peers.until(lambda: call.is_whole)
    assert call.reset is None
    goes_on(pool, network)


@pytest.mark.parametrize("by", ["wire", "response"])
def test_closing_gives_the_place_back(
    wire: Wire, response: Reply, pool: PoolClient, peers: Peers, network: Network, by: str
) -> None:
    closed: Wire | Reply = wire if by == "wire" else response
    closed.close()
    closed.close()
    peers.until(lambda: peers.calls[0].reset == CANCEL)
    with pytest.raises(ReadError, match="this stream was closed"):
        wire.read(100)
    with pytest.raises(WriteError, match="this stream was closed"):
        wire.write(b"late")
    goes_on(pool, network)


def test_abandoned_tunnel_is_reset(pool: PoolClient, peers: Peers, network: Network) -> None:
    assert tunnel(pool).status == 200
    goes_on(pool, network)
    assert peers.calls[0].reset == CANCEL


def test_close_ends_a_read_of_another_thread(
    wire: Wire, pool: PoolClient, peers: Peers, network: Network
) -> None:
    reading = Background(lambda: wire.read(100))
    peers.until(lambda: peers[0].waiting == 1)
    wire.close()
    with pytest.raises(ReadError, match="this stream was closed"):
        reading.result()
    goes_on(pool, network)


def test_close_ends_a_read_while_another_request_drives(
    wire: Wire, pool: PoolClient, peers: Peers, network: Network
) -> None:
    peers[0]._begin = None
    other = begin(pool, "other")
    call = peers.until_called(2)[1]
    peers.until(lambda: peers[0].waiting == 1)
    reading = Background(lambda: wire.read(100))
    network.until_waiting(1)
    wire.close()
    with pytest.raises(ReadError, match="this stream was closed"):
        reading.result()
    peers[0].respond(call, b"other")
    assert other.result() == b"other"


@pytest.mark.parametrize("code", [0, 2, 8, 10])
def test_reset_by_the_peer_fails_both_directions(
    wire: Wire, response: Reply, pool: PoolClient, peers: Peers, network: Network, code: int
) -> None:
    peers[0].body(peers.calls[0], b"part", ends=False)
    peers[0].reset(peers.calls[0], code)
    assert wire.read(100) == b"part"
    with pytest.raises(ReadError, match="the server reset the stream"):
        wire.read(100)
    with pytest.raises(WriteError, match="the server reset the stream"):
        wire.write(b"more")
    response.close()
    goes_on(pool, network)


def test_reset_behind_the_end_fails_writes_alone(
    wire: Wire, response: Reply, pool: PoolClient, peers: Peers, network: Network
) -> None:
    peers[0].body(peers.calls[0], b"last")
    peers[0].reset(peers.calls[0], 0)
    assert wire.read(100) == b"last"
    assert wire.read(100) == b""
    with pytest.raises(WriteError):
        wire.write(b"more")
    response.close()
    goes_on(pool, network)


def test_broken_connection_fails_both_directions(
    wire: Wire, response: Reply, pool: PoolClient, peers: Peers
) -> None:
    peers[0].end()
    with pytest.raises(ReadError, match="Server disconnected"):
        wire.read(100)
    with pytest.raises(WriteError, match="Server disconnected"):
        wire.write(b"more")
    response.close()
    assert pool.is_quiet


def test_pool_that_closes_ends_it(wire: Wire, response: Reply, pool: PoolClient) -> None:
    pool.close()
    with pytest.raises(ReadError):
        wire.read(100)
    with pytest.raises(WriteError):
        wire.write(b"more")
    response.close()


# -- windows -------------------------------------------------------------------------------


def test_writes_wait_for_the_window(driver: Driver, network: Network) -> None:
    peers = serve_tunnels(network, is_thrifty=True)
    pool = shared_pool(driver)
    response = tunnel(pool)
    [peer], [call] = peers, peers.calls
    body = bytes(range(250)) * 1200
    writing = Background(lambda: response.wire.write(body))
    peers.until(lambda: len(call.body) == 65_535 and peer.waiting == 1)
    assert not writing.is_over
    for stream in None, call.stream:
        peer.h2.increment_flow_control_window(100_000, stream)
    peer.flush()
    peers.until(lambda: len(call.body) == 165_535 and peer.waiting == 1)
    for stream in None, call.stream:
        peer.h2.increment_flow_control_window(200_000, stream)
    peer.flush()
    writing.result()
    is_equal = call.body == body
    assert is_equal
    response.close()
    assert pool.is_quiet


def test_window_is_given_back_as_it_is_read(wire: Wire, response: Reply, peers: Peers) -> None:
    [peer], [call] = peers, peers.calls
    received = 0
    # Ours is of 2 MB.
    body = b"x" * 8_000_000
    peer.body(call, body)
    while octets := wire.read(100_000):
        received += len(octets)
    assert received == len(body)
    response.close()


# -- timeouts of its own -------------------------------------------------------------------


def test_read_times_out_and_may_be_tried_again(
    wire: Wire, response: Reply, pool: PoolClient, peers: Peers, network: Network
) -> None:
    for timeout in 5.0, 0.0, -1.0:
        with pytest.raises(ReadTimeout):
            wire.read(100, timeout)
    peers[0].body(peers.calls[0], b"late", ends=False)
    assert wire.read(100, 0.0) == b"late"
    wire.write(b"more")
    response.close()
    goes_on(pool, network)


def test_write_that_times_out_is_the_last(driver: Driver, network: Network) -> None:
    peers = serve_tunnels(network, is_thrifty=True)
    pool = shared_pool(driver)
    response = tunnel(pool)
    [call] = peers.calls
    with pytest.raises(WriteTimeout):
        response.wire.write(b"x" * 100_000, 5.0)
    assert len(call.body) == 65_535
    with pytest.raises(WriteError, match="an earlier write to this stream has failed"):
        response.wire.write(b"more")
    peers[0].body(call, b"last")
    assert response.wire.read(100) == b"last"
    response.close()
    # What was sent is not the whole: it must not look so.
    peers.until(lambda: call.reset == CANCEL)
    goes_on(pool, network)


def test_write_without_time_sends_what_goes_at_once(
    wire: Wire, response: Reply, peers: Peers
) -> None:
    wire.write(b"at once", 0.0)
    assert peers.calls[0].body == b"at once"
    response.close()


# -- and TLS inside ------------------------------------------------------------------------


def test_tls_inside_is_refused(
    wire: Wire, pool: PoolClient, peers: Peers, network: Network
) -> None:
    with pytest.raises(ConnectError, match="TLS inside a CONNECT over HTTP/2"):
        wire.start_tls(plain_context(), "origin.test")
    goes_on(pool, network)


def test_facts_are_those_of_the_connection(wire: Wire, response: Reply) -> None:
    assert wire.fact("server_addr") == ("example.test", 80)
    assert wire.fact("socket") is None
    response.close()


def test_end_of_a_tunnel_is_told_once(driver: Driver, pool: PoolClient) -> None:
    told, trace = driver.recorder()
    response = pool.open("CONNECT", extensions={**EXTENDED, "trace": trace})
    response.wire.close()
    response.close()
    ends = [name for name, _ in told if "response_closed" in name]
    assert ends == ["http2.response_closed.started", "http2.response_closed.complete"]


def test_lowered_window_stops_writes(driver: Driver, network: Network) -> None:
    peers = serve_tunnels(network)
    pool = shared_pool(driver)
    response = tunnel(pool)
    [peer], [call] = peers, peers.calls
    peer.change({WINDOW: 0})
    with pytest.raises(ReadTimeout):
        response.wire.read(100, 5.0)
    with pytest.raises(WriteTimeout):
        response.wire.write(b"x" * 100, 5.0)
    assert call.body == b""
    response.close()
    goes_on(pool, network)
