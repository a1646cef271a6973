"""A storm: requests whose fates are drawn by lot, and a server that carries them out.

What happens to a request depends on the seed and its number alone, as far as the server
and the deadlines go; the rest is up to the scheduler.
"""

import collections.abc
import contextlib
import dataclasses
import random
import ssl

from peers.messages import ReceivedRequest, chunk, chunked_reply, head, reply
from peers.scripted import ClientGoneError, Conversation

PIECE = b"u" * 30_000

# What a fate does on a connection; whether the connection goes on.
Fate = collections.abc.Callable[[Conversation, ReceivedRequest, bytes], bool]


def content_of(number: int) -> bytes:
    """The body that the response to a request has to have: nobody else's looks like it."""
    sizes = (1, 1, 300, 300, 20_000)
    return b"<%d>" % number * sizes[number % len(sizes)]


@dataclasses.dataclass(frozen=True)
class Plan:
    """One request, and what its sender does.

    Args:
        seed: Of the storm.
        number: Of the request.
    """

    seed: int
    number: int

    @property
    def _lots(self) -> random.Random:
        return random.Random(f"sender {self.seed} {self.number}")

    @property
    def is_encrypted(self) -> bool:
        return self._lots.random() < 0.3

    @property
    def target(self) -> str:
        return f"/{self.number}"

    @property
    def pieces(self) -> int:
        """How many pieces of a body it has; 0 is a GET."""
        lots = random.Random(f"body {self.seed} {self.number}")
        return lots.choice([0, 0, 0, 1, 10])

    @property
    def timeouts(self) -> dict[str, float]:
        lots = random.Random(f"timeouts {self.seed} {self.number}")
        timeouts = {
            "connect": lots.uniform(0.05, 1.0),
            "read": lots.uniform(0.02, 0.3),
            "write": lots.uniform(0.02, 0.3),
            "pool": lots.choice([0.01, 0.3, 3.0]),
        }
        if lots.random() < 0.2:
            timeouts["total"] = lots.uniform(0.0, 0.3)
        return timeouts

    @property
    def manner(self) -> str:
        """How its response is read: to the end, not at all, or in part."""
        lots = random.Random(f"manner {self.seed} {self.number}")
        return lots.choices(["whole", "left", "abandoned"], [90, 7, 3])[0]

    @property
    def cancelled_after(self) -> float | None:
        """Seconds after which it is cancelled, if it is."""
        lots = random.Random(f"cancel {self.seed} {self.number}")
        return lots.choice([0.0, 0.002, 0.02, 0.1]) if lots.random() < 0.3 else None

    def choose(self, names: collections.abc.Iterable[str]) -> str:
        """Draws one of several names."""
        return random.Random(f"choice {self.seed} {self.number}").choice(sorted(names))

    def check(self, status: int, content: bytes) -> None:
        """Makes sure that a response is the one to this very request."""
        expected = content_of(self.number) if status == 200 else b"no: %d" % self.number
        assert status in {200, 413}
        assert content == expected, f"{content[:40]!r} of {len(content)} bytes"

    def __str__(self) -> str:
        return f"request {self.number} of the storm with seed {self.seed}"


class StormServer:
    """A script that answers requests as their fates have it.

    Args:
        seed: Of the storm.
        tls: What connections are encrypted with, if they are.

    Attributes:
        is_over: Whether new connections meet no fate any more.
    """

    def __init__(self, seed: int, tls: ssl.SSLContext | None = None) -> None:
        self._seed = seed
        self._tls = tls
        self.is_over = False

    def __call__(self, conn: Conversation) -> None:
        # The client leaves at any moment; not at all is an error.
        with contextlib.suppress(ClientGoneError, ConnectionError, ssl.SSLError):
            lots = random.Random(f"connection {self._seed} {conn.number}")
            if not self.is_over and lots.random() < 0.03:
                lots.choice([Conversation.close, Conversation.reset])(conn)
                return
            if self._tls is not None:
                conn.start_tls(self._tls)
            while conn.has_more() and self._play(conn):
                pass

    def _play(self, conn: Conversation) -> bool:
        request = conn.receive_head()
        number = int(request.target[1:])
        lots = random.Random(f"fate {self._seed} {number}")
        if lots.random() < 0.2:
            # Nothing else comes meanwhile: it is a way to let time pass.
            conn.is_silent(lots.uniform(0.0, 0.05))
        fate = lots.choices(list(FATES), list(FATES.values()))[0] if number >= 0 else answers
        return fate(conn, request, content_of(number))


def answers(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(reply(content))
    return True


def answers_in_chunks(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    half = len(content) // 2
    conn.send(chunked_reply(content[:half] or b"<", content[half:]) if half else reply(content))
    return True


def answers_slowly(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send_singly(head(200, b"Content-Length: %d" % len(content)))
    conn.send(content)
    return True


def answers_after_interim(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.send(head(103) + head(102))
    conn.receive_body(request)
    conn.send(head(100) + reply(content))
    return True


def answers_and_announces_the_end(
    conn: Conversation, request: ReceivedRequest, content: bytes
) -> bool:
    conn.receive_body(request)
    conn.send(reply(content, 200, b"Connection: close"))
    return False


def answers_up_to_the_end(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(head(200) + content)
    return False


def answers_and_closes(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(reply(content))
    return False


def answers_too_much(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(reply(content) + reply(b"an answer that nobody asked for"))
    return True


def answers_too_late(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    if not conn.is_silent(0.35):
        return False
    conn.send(reply(content))
    return True


def closes_first(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    return False


def closes_behind_the_request(
    conn: Conversation, request: ReceivedRequest, content: bytes
) -> bool:
    conn.receive_body(request)
    return False


def resets(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.reset()
    return False


def closes_in_the_head(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(reply(content)[:12])
    return False


def closes_in_the_body(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(reply(content)[:-1])
    return False


def resets_in_the_body(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(reply(content)[:-1])
    conn.reset()
    return False


def cuts_the_chunks_off(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(head(200, b"Transfer-Encoding: chunked") + chunk(content))
    return False


def stalls(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.wait_eof()
    return False


def stalls_in_the_body(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(reply(content)[:-1])
    conn.wait_eof()
    return False


def sends_garbage(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.receive_body(request)
    conn.send(b"\x16\x03\x01 " + content + b"\r\n\r\n")
    return False


def refuses(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.send(reply(b"no: " + request.target[1:], 413))
    conn.receive_body(request)
    return True


def refuses_and_closes(conn: Conversation, request: ReceivedRequest, content: bytes) -> bool:
    conn.send(reply(b"no: " + request.target[1:], 413, b"Connection: close"))
    return False


# With their weights: most requests succeed, or it would be a storm of handshakes.
FATES: dict[Fate, int] = {
    answers: 60,
    answers_in_chunks: 30,
    answers_slowly: 3,
    answers_after_interim: 5,
    answers_and_announces_the_end: 3,
    answers_up_to_the_end: 3,
    answers_and_closes: 5,
    answers_too_much: 3,
    answers_too_late: 2,
    closes_first: 3,
    closes_behind_the_request: 3,
    resets: 3,
    closes_in_the_head: 3,
    closes_in_the_body: 3,
    resets_in_the_body: 3,
    cuts_the_chunks_off: 3,
    stalls: 4,
    stalls_in_the_body: 3,
    sends_garbage: 3,
    refuses: 3,
    refuses_and_closes: 3,
}
