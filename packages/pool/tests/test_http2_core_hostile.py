"""Servers that break the protocol: they are cut off, and it is said why."""

import collections.abc

import pytest
from driving import URL_A, Driver
from http2_peer import Call, Peer, Peers, echo, serve, shared_pool
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from scripted import Network

from httpcore_interface import RemoteProtocolError

Attack = collections.abc.Callable[[Peer, Call], bytes]


def octets(*frames: Frame) -> bytes:
    return b"".join(frame.serialize() for frame in frames)


def endless_head(peer: Peer, call: Call) -> bytes:
    more = octets(ContinuationFrame(call.stream, b"x" * 1000))
    return octets(HeadersFrame(call.stream, b"\x00")) + more * 100


def large_head(peer: Peer, call: Call) -> bytes:
    fields = [(b":status", b"200"), *[(b"x", b"y" * 1000)] * 200]
    block = peer.h2.encoder.encode(fields, huffman=False)
    return octets(HeadersFrame(call.stream, block, flags=["END_HEADERS"]))


def garbled_head(peer: Peer, call: Call) -> bytes:
    return octets(HeadersFrame(call.stream, b"\xff" * 20, flags=["END_HEADERS"]))


def short_head(peer: Peer, call: Call) -> bytes:
    return octets(HeadersFrame(call.stream, b"\x00\x05ab", flags=["END_HEADERS"]))


def pings(peer: Peer, call: Call) -> bytes:
    return octets(PingFrame(0, b"12345678")) * 10_001


def settings(peer: Peer, call: Call) -> bytes:
    return octets(SettingsFrame(0)) * 10_001


def empty_parts(peer: Peer, call: Call) -> bytes:
    head = HeadersFrame(
        call.stream, peer.h2.encoder.encode([(b":status", b"200")]), flags=["END_HEADERS"]
    )
    return octets(head) + octets(DataFrame(call.stream, b"")) * 10_001


def push(peer: Peer, call: Call) -> bytes:
    block = peer.h2.encoder.encode([(b":method", b"GET")])
    return octets(PushPromiseFrame(call.stream, 2, block, flags=["END_HEADERS"]))


def garbage(peer: Peer, call: Call) -> bytes:
    return b"\xff" * 1000


def unknown_stream(peer: Peer, call: Call) -> bytes:
    return octets(RstStreamFrame(99, 8))


def too_large_window(peer: Peer, call: Call) -> bytes:
    return octets(WindowUpdateFrame(0, 2**31 - 1))


ATTACKS: list[tuple[Attack, str]] = [
    (endless_head, "CONTINUATION"),
    (large_head, "a head of more than"),
    (garbled_head, "cannot be decompressed"),
    (short_head, "cannot be decompressed"),
    (pings, "carry nothing"),
    (settings, "carry nothing"),
    (empty_parts, "carry nothing"),
    (push, "a push"),
    (garbage, "bytes; .* are allowed"),
    (unknown_stream, "a frame of stream 99"),
    (too_large_window, "a window too large"),
]


@pytest.mark.parametrize(
    ("attack", "reason"), ATTACKS, ids=[attack.__name__ for attack, _ in ATTACKS]
)
def test_server_that_breaks_the_protocol_is_cut_off(
    driver: Driver, network: Network, attack: Attack, reason: str
) -> None:
    peers = serve(network, lambda peer, call: peer.raw(attack(peer, call)))
    pool = shared_pool(driver)
    with pytest.raises(RemoteProtocolError, match=f"the server broke HTTP/2: .*{reason}"):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert not network.open_connections
    # It is told, too.
    assert "ConnectionTerminated" in peers[0].told
    serve(network, echo)
    assert pool.request("GET", URL_A).body == b"/"


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"<html>nonsense</html>"]
)
def test_server_that_does_not_speak_http2_at_all(
    driver: Driver, network: Network, answer: bytes
) -> None:
    peers = Peers(network)
    peer = Peer(lambda peer, call: peer.raw(answer), greets=False)
    peers.append(peer)
    network.play(peer)
    pool = shared_pool(driver)
    with pytest.raises(RemoteProtocolError, match="the server broke HTTP/2"):
        pool.request("GET", URL_A)
    assert pool.is_quiet
    assert not network.open_connections


def test_server_that_says_nothing_and_closes(driver: Driver, network: Network) -> None:
    network.play(Peer(lambda peer, call: peer.end(), greets=False))
    pool = shared_pool(driver)
    with pytest.raises(RemoteProtocolError, match="disconnected without sending a response"):
        pool.request("POST", URL_A)
    assert pool.is_quiet


def test_server_that_resets_everything_harms_nobody_else(
    driver: Driver, network: Network
) -> None:
    peers = serve(network, lambda peer, call: peer.reset(call, 2))
    pool = shared_pool(driver)
    for _ in range(200):
        with pytest.raises(RemoteProtocolError, match="INTERNAL_ERROR"):
            pool.request("GET", URL_A)
    peers[0]._answer = echo
    assert pool.request("GET", URL_A).body == b"/"
    assert len(peers) == 1
