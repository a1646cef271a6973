"""What a server does, step by step: the words that scripts are written in.

A step is played as soon as the steps before it are over. One that takes, plays
when the client has written enough; one that gives, at once. Those that say how a
read, a write, a connect or a handshake goes wait for the client to do just that.
"""

import collections.abc
import dataclasses
import math
import typing

import h11
from pace import Hook

if typing.TYPE_CHECKING:
    from scripted import Connection


@dataclasses.dataclass(frozen=True)
class Received:
    """A request as the server understood it, by h11."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The value of a field, given by its name in lower case."""
        values = [value for known, value in self.headers if known.lower() == name]
        assert len(values) < 2
        return values[0] if values else None


class Step:
    """One thing that the server does."""

    is_open_ended = False
    """Whether it may be left unplayed when the test ends."""

    is_congested = False
    """Whether the system takes nothing that is written."""

    def play(self, connection: "Connection") -> bool:
        """Does it, if it can be done now; returns whether it is over."""
        return False

    def wake(self) -> None:
        """Lets those look again who wait for it."""


class Live(Step):
    """A server that says what it wants when it wants, from any thread."""

    is_open_ended = True

    async def wait(self, timeout: float | None) -> bool:
        """Waits until it has said something; False if that takes too long."""
        return False


@dataclasses.dataclass(frozen=True)
class Take(Step):
    """Receives exactly these bytes."""

    content: bytes

    def play(self, connection: "Connection") -> bool:
        inbox = connection.inbox
        if not inbox.startswith(self.content[: len(inbox)]):
            came = bytes(inbox[:200])
            connection.complain(f"{self.content[:200]!r} was expected, but {came!r} came")
        if len(inbox) < len(self.content):
            return False
        del inbox[: len(self.content)]
        return True


@dataclasses.dataclass(frozen=True)
class TakeHead(Step):
    """Receives the head of a request, and leaves its body."""

    def play(self, connection: "Connection") -> bool:
        end = connection.inbox.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        parser = h11.Connection(h11.SERVER)
        parser.receive_data(bytes(connection.inbox[:end]))
        event = parser.next_event()
        assert isinstance(event, h11.Request), event
        connection.requests.append(received(event, b""))
        del connection.inbox[:end]
        return True


@dataclasses.dataclass(frozen=True)
class TakeRequest(Step):
    """Receives a whole request, valid in h11's eyes."""

    def play(self, connection: "Connection") -> bool:
        return connection.take_request() is not None


@dataclasses.dataclass(frozen=True)
class TakeBytes(Step):
    """Receives so many bytes, whatever they are."""

    size: int

    def play(self, connection: "Connection") -> bool:
        if len(connection.inbox) < self.size:
            return False
        del connection.inbox[: self.size]
        return True


@dataclasses.dataclass(frozen=True)
class TakeSome(Step):
    """Receives whatever has come, once it is `size` bytes."""

    size: int

    def play(self, connection: "Connection") -> bool:
        if len(connection.inbox) < self.size:
            return False
        connection.inbox.clear()
        return True


@dataclasses.dataclass(frozen=True)
class TakeAll(Step):
    """Receives everything from here on, and does not look at it."""

    is_open_ended = True

    def play(self, connection: "Connection") -> bool:
        connection.inbox.clear()
        return False


@dataclasses.dataclass(frozen=True)
class Serve(Step):
    """Answers every request from here on."""

    answer: collections.abc.Callable[[Received], bytes]
    is_open_ended = True

    def play(self, connection: "Connection") -> bool:
        while (request := connection.take_request()) is not None:
            connection.outbox.append(self.answer(request))
        return False


@dataclasses.dataclass(frozen=True)
class Give(Step):
    """Sends bytes, as one segment: one read returns no more than these."""

    content: bytes

    def play(self, connection: "Connection") -> bool:
        connection.outbox.append(self.content)
        return True


@dataclasses.dataclass(frozen=True)
class End(Step):
    """Ends the server's side of the stream; what is sent to it still gets lost."""

    def play(self, connection: "Connection") -> bool:
        connection.is_deaf = True
        connection.outbox.append(b"")
        return True


@dataclasses.dataclass(frozen=True)
class Record(Step):
    """Sends what makes a TLS stream readable without carrying data: a ticket."""

    def play(self, connection: "Connection") -> bool:
        connection.outbox.append(None)
        return True


@dataclasses.dataclass(frozen=True)
class FailRead(Step):
    """Makes a read fail."""

    error: BaseException

    def play(self, connection: "Connection") -> bool:
        connection.is_deaf = True
        connection.outbox.append(self.error)
        return True


@dataclasses.dataclass(frozen=True)
class FailWrite(Step):
    """Makes the next write fail, of which nothing arrives."""

    error: BaseException


@dataclasses.dataclass(frozen=True)
class Stall(Step):
    """Takes no bytes for so long: the write waits, or times out."""

    seconds: float = math.inf


@dataclasses.dataclass(frozen=True)
class Pause(Step):
    """Sends nothing for so long: the read waits, or times out."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Congested(Pause):
    """Takes nothing for so long, nor gives: the client can read, and look again."""

    is_congested = True


@dataclasses.dataclass(frozen=True)
class Meanwhile(Step):
    """Lets something happen elsewhere while the client waits in a read."""

    hook: Hook


@dataclasses.dataclass(frozen=True)
class MeanwhileWriting(Step):
    """Lets something happen elsewhere while the client waits in a write."""

    hook: Hook


@dataclasses.dataclass(frozen=True)
class Do(Step):
    """Lets something happen elsewhere as soon as the script has come here."""

    hook: Hook

    def play(self, connection: "Connection") -> bool:
        self.hook()
        return True


@dataclasses.dataclass(frozen=True)
class Hang(Step):
    """Blocks the thread that reads until the stream is closed."""


@dataclasses.dataclass(frozen=True)
class Dial(Step):
    """How connecting goes; stands first, if at all."""

    seconds: float = 0.0
    error: BaseException | None = None
    meanwhile: Hook | None = None


@dataclasses.dataclass(frozen=True)
class Shake(Step):
    """How the TLS handshake goes; stands where it happens, if at all."""

    seconds: float = 0.0
    error: BaseException | None = None
    meanwhile: Hook | None = None


def received(request: h11.Request, body: bytes) -> Received:
    headers = [(bytes(name), bytes(value)) for name, value in request.headers.raw_items()]
    return Received(request.method, request.target, headers, body)
