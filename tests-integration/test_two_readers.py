"""One response, and more threads than one that want it."""

import operator

import pytest
from colours import OpenPool
from peers.deadlines import Signal, wait_until
from peers.messages import head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer
from peers.workers import Worker


def test_second_reader_is_refused_and_nobody_elses_answer_is_taken(
    start_peer: StartPeer, open_pool: OpenPool
) -> None:
    may_end = Signal("the second reader was refused")

    def answers_slowly(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(head(200, b"Content-Length: 10") + b"12345")
        may_end.wait()
        conn.send(b"67890")
        while conn.has_more():
            conn.receive_request()
            conn.send(reply(b"another's"))

    peer = start_peer(answers_slowly)
    pool = open_pool(max_connections=1)
    with pool.stream("GET", peer.url()) as response:
        chunks = response.iter_stream()
        assert next(chunks) == b"12345"
        first = Worker(lambda: b"".join(chunks))
        is_reading = operator.attrgetter("_exchange._is_reading")
        wait_until(lambda: bool(is_reading(response.stream)), "the first one reads")
        with pytest.raises(RuntimeError, match="is reading this response"):
            next(response.iter_stream())
        may_end.set()
        assert first.result() == b"67890"
    assert pool.request("GET", peer.url()).content == b"another's"
