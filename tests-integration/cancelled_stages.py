"""The stages of a request in which it can be cancelled, each against a peer of its own."""

import collections.abc
import dataclasses
import ssl

import anyio
from peers.blackhole import Blackhole
from peers.deadlines import Signal
from peers.messages import head, reply
from peers.scripted import Conversation, ScriptedPeer
from peers.starting import StartPeer

import httpcore

LARGE = b"u" * 30_000_000

Send = collections.abc.Callable[[httpcore.AsyncConnectionPool, str], "Sending"]
Sending = collections.abc.Coroutine[object, object, None]
IsReached = collections.abc.Callable[[httpcore.AsyncConnectionPool], bool]


@dataclasses.dataclass(frozen=True)
class Stage:
    """Where a request hangs, for as long as nobody cancels it.

    Args:
        url: Where it goes.
        send: Sends it.
        is_reached: Whether it hangs there by now.
        peer: Who answers in this way; None for nobody.
        release: Lets the peer notice that the client has gone.
    """

    url: str
    send: Send
    is_reached: IsReached
    peer: ScriptedPeer | None = None
    release: collections.abc.Callable[[], None] = lambda: None

    @property
    def is_gone(self) -> bool:
        """Whether the peer has noticed that the connection was closed."""
        return self.peer is None or self.peer.open_ends == 0


async def get(pool: httpcore.AsyncConnectionPool, url: str) -> None:
    await pool.request("GET", url)


async def put(pool: httpcore.AsyncConnectionPool, url: str) -> None:
    await pool.request("PUT", url, content=LARGE)


async def read(pool: httpcore.AsyncConnectionPool, url: str) -> None:
    async with pool.stream("GET", url) as response:
        async for _ in response.aiter_stream():
            pass


async def linger(pool: httpcore.AsyncConnectionPool, url: str) -> None:
    """Does something else while it has a response."""
    async with pool.stream("GET", url):
        await anyio.sleep_forever()


def keeps_silent(conn: Conversation) -> None:
    if conn.has_more():
        conn.wait_eof()


def answers_in_part(conn: Conversation) -> None:
    conn.receive_request()
    conn.send(head(200, b"Content-Length: 10") + b"half.")
    conn.wait_eof()


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


class Stages:
    """Sets the stages up.

    Args:
        start_peer: Starts the peers.
        blackhole: Where nobody answers.
    """

    names = ("connect", "handshake", "write", "head", "body", "lingering")

    def __init__(self, start_peer: StartPeer, blackhole: Blackhole) -> None:
        self._start_peer = start_peer
        self._blackhole = blackhole

    def __call__(self, name: str) -> Stage:
        match name:
            case "connect":
                url = f"http://127.0.0.1:{self._blackhole.port}/"
                return Stage(url, get, lambda pool: pool.stats().dialling == 1)
            case "handshake":
                return self._with_peer(keeps_silent, get, self._has_said_hello, "https")
            case "write":
                return self._write()
            case "head":
                return self._with_peer(keeps_silent, get, self._has_said_hello)
            case "body":
                return self._with_peer(answers_in_part, read, self._was_asked)
            case _:
                return self._with_peer(answers_in_part, linger, self._was_asked)

    def _write(self) -> Stage:
        is_over = Signal("the client has gone")

        def reads_the_head_alone(conn: Conversation) -> None:
            conn.receive_head()
            is_over.wait()
            conn.wait_eof()

        stage = self._with_peer(reads_the_head_alone, put, self._was_asked)
        return dataclasses.replace(stage, release=is_over.set)

    def _with_peer(
        self,
        script: collections.abc.Callable[[Conversation], None],
        send: Send,
        has_come: collections.abc.Callable[[ScriptedPeer], bool],
        scheme: str = "http",
    ) -> Stage:
        peer = self._start_peer(script)
        url = peer.url(scheme=scheme)
        return Stage(url, send, lambda pool: has_come(peer), peer)

    @staticmethod
    def _has_said_hello(peer: ScriptedPeer) -> bool:
        return any(conn.received for conn in peer.connections)

    @staticmethod
    def _was_asked(peer: ScriptedPeer) -> bool:
        return bool(peer.requests)


def trusting_nobody() -> ssl.SSLContext:
    """A context for handshakes that never end."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def assert_clean(pool: httpcore.AsyncConnectionPool) -> None:
    """Makes sure that the books of a pool know of nothing that is under way."""
    stats = pool.stats()
    assert (stats.requests_active, stats.requests_queued) == (0, 0)
    assert (stats.dialling, stats.reserved, stats.active) == (0, 0, 0)
    assert stats.opened - stats.closed == stats.idle == len(pool.connections)
