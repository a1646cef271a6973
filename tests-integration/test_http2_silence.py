"""A server of HTTP/2 that is there as far as the system knows, but says nothing any more."""

import pytest
from colours import OpenPool
from hyperframe.frame import PingFrame, SettingsFrame
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def says_hello_alone(conn: Conversation) -> None:
    conn.receive(len(PREFACE))
    conn.send(SettingsFrame(0).serialize())
    conn.wait_eof()


def test_mute_server_is_given_up(start_peer: StartPeer, open_pool: OpenPool) -> None:
    peer = start_peer(says_hello_alone)
    pool = open_pool(http1=False, http2=True, keepalive_ping=0.5)
    with pytest.raises(httpcore.ReadError, match=r"sent nothing for 0\.5 seconds after a PING"):
        pool.request("GET", peer.url())
    assert pool.connections == []


def test_server_that_answers_pings_is_waited_for(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    asked = PingFrame(0, b"httpcore").serialize()

    def answers_pings(conn: Conversation) -> None:
        conn.receive(len(PREFACE))
        conn.send(SettingsFrame(0).serialize())
        received = b""
        while asked not in received:
            more = conn.receive_some(20.0)
            assert more
            received += more
        conn.send(PingFrame(0, b"httpcore", flags=["ACK"]).serialize())
        conn.send(b"".join([bytes((0, 0, 1, 1, 5, 0, 0, 0, 1)), b"\x88"]))
        conn.wait_eof()

    # Time enough for a busy machine to answer.
    pool = open_pool(http1=False, http2=True, keepalive_ping=3.0)
    assert pool.request("GET", start_peer(answers_pings).url()).status == 200
