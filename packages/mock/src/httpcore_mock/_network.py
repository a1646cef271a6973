"""The scripts of all connections of a backend, and the record of them."""

import collections.abc
import threading

from ._clock import Clock
from ._connection import MockConnection
from ._cues import Step
from ._errors import UnscriptedError
from ._player import Player
from ._script import Script, check_steps

Steps = collections.abc.Sequence[Step]


class Network:
    """What stands behind a mocked backend, whatever its colour.

    Args:
        buffer: The script of every connection.
        scripts: The script of each connection, in the order in which they are made.
        http2: Whether HTTP/2 counts as negotiated.

    Attributes:
        buffer: As given.
        http2: As given.
        connections: The record of each, in that order.
        pauses: What `sleep` was asked for.
        clock: The virtual time.

    Raises:
        TypeError: Neither `buffer` nor `scripts` is given, or both are, or it is no script.
    """

    __slots__ = ("_lock", "_scripts", "buffer", "clock", "connections", "http2", "pauses")

    def __init__(
        self,
        buffer: Steps | None,
        scripts: collections.abc.Sequence[Steps] | None,
        *,
        http2: bool,
    ) -> None:
        if (buffer is None) == (scripts is None):
            raise TypeError("a mock backend needs either a buffer, or scripts=[...]")
        for steps in [buffer] if buffer is not None else scripts or ():
            check_steps(steps)
        self.buffer = buffer
        self.http2 = http2
        self.connections: list[MockConnection] = []
        self.pauses: list[float] = []
        self.clock = Clock()
        self._scripts = None if scripts is None else list(scripts)
        # Guards the order of the connections, and of what they play.
        self._lock = threading.Lock()

    def connect(self, connection: MockConnection) -> Player:
        """Opens a connection, to be played by the next script.

        Args:
            connection: What is asked for, and where to note the rest.

        Raises:
            ConnectError, ConnectTimeout: The script has it so.
            UnscriptedError: There is no script left.
        """
        with self._lock:
            self.connections.append(connection)
            connection.number = len(self.connections)
            script = self._script_of(connection)
        player = Player(script, connection, self.clock, http2=self.http2)
        player.connect()
        return player

    def _script_of(self, connection: MockConnection) -> Script:
        if self._scripts is None:
            assert self.buffer is not None
            # A copy: each connection plays the list as it was when it began.
            return Script(tuple(self.buffer), may_end=True)
        if connection.number <= len(self._scripts):
            return Script(self._scripts[connection.number - 1], may_end=False)
        earlier = "".join(
            f"; {known}: {known.show_written()}" for known in self.connections[:-1]
        )
        connection.is_closed = True
        connection.error = UnscriptedError(
            f"{connection}: there are scripts for {len(self._scripts)} connections{earlier}",
            connection,
        )
        raise connection.error

    def sleep(self, seconds: float) -> None:
        """Lets virtual time pass."""
        self.pauses.append(seconds)
        self.clock.advance(max(seconds, 0.0))

    def unplayed(self) -> list[Step]:
        """Returns the steps that nothing has come to, of every connection."""
        with self._lock:
            never_begun = (self._scripts or [])[len(self.connections) :]
            return [
                *(step for known in self.connections for step in known.unplayed),
                *(step for steps in never_begun for step in steps),
            ]


def play_alone(buffer: Steps, *, http2: bool) -> Player:
    """Returns a connection that nobody has to open, and that no backend knows of.

    Args:
        buffer: Its script; a list may grow while it is played.
        http2: Whether HTTP/2 counts as negotiated.
    """
    return Player(Script(buffer, may_end=True), MockConnection(), Clock(), http2=http2)
