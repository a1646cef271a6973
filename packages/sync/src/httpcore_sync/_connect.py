"""From the addresses of a host to one connected TCP socket.

Several addresses are raced as RFC 8305 has it: an attempt that is slow gets company
after a delay, one that fails is replaced at once, and the first that connects wins.
A single address is a race with one runner.
"""

import collections
import collections.abc
import contextlib
import os
import socket
import time

from httpcore_interface import CONNECTION_ATTEMPT_DELAY, interleave_families

from ._dial import Dial
from ._resolve import AddressInfo
from ._wait import wait_any_connected


def connect(dial: Dial, addresses: collections.abc.Sequence[AddressInfo]) -> socket.socket:
    """Returns a socket that is connected to one of the addresses.

    Raises:
        ConnectTimeout: None of them could be connected to before the deadline.
        ConnectError: All of them failed.
    """
    return Race(dial, addresses).run()


class Race:
    """One connect to several addresses.

    Whatever ends it, no other socket than the winner is left open.

    Args:
        dial: What was asked for.
        addresses: What `resolve` returned.
    """

    def __init__(self, dial: Dial, addresses: collections.abc.Sequence[AddressInfo]) -> None:
        self._dial = dial
        self._waiting = collections.deque(interleave_families(addresses))
        self._running: dict[socket.socket, AddressInfo] = {}
        self._failures: list[tuple[str, Exception]] = []
        self._next_start = 0.0

    def run(self) -> socket.socket:
        """Runs the race to its end.

        Raises:
            ConnectTimeout: There was no winner before the deadline.
            ConnectError: All attempts failed.
        """
        winner = None
        self._dial.deadline.alarm = self._shut_down
        try:
            winner = self._wait_winner()
            return winner
        finally:
            for sock in self._running:
                if sock is not winner:
                    sock.close()

    def _shut_down(self) -> None:
        """Wakes the runner, from another thread: connects under way fail."""
        for sock in list(self._running):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _wait_winner(self) -> socket.socket:
        while True:
            winner = self._start_next() or self._wait_running()
            if winner is not None:
                return winner
            if not self._waiting and not self._running:
                raise self._dial.failure(self._failures) from self._failures[-1][1]
            if self._dial.deadline.remaining() == 0:
                tried = len(self._running) + len(self._failures)
                raise self._dial.timeout(tried, self._failures)

    def _start_next(self) -> socket.socket | None:
        """Starts the next attempt, if any is left; returns it if it connects at once."""
        if not self._waiting:
            return None
        address = self._waiting.popleft()
        try:
            sock = self._dial.open_socket(address)
        except (OSError, UnicodeError) as exc:
            self._note_failure(address, exc)
            return None
        self._running[sock] = address
        try:
            sock.settimeout(0)
            sock.connect(address[4])
        except BlockingIOError:
            self._next_start = time.monotonic() + CONNECTION_ATTEMPT_DELAY
            return None
        except OSError as exc:
            self._drop(sock, exc)
            return None
        return sock

    def _wait_running(self) -> socket.socket | None:
        """Waits for news, at most until the next start; returns the winner, if any."""
        if not self._running:
            return None
        for sock in wait_any_connected(list(self._running), self._pause()):
            failure = connect_failure(sock)
            if failure is None:
                return sock
            self._drop(sock, failure)
        return None

    def _pause(self) -> float | None:
        remaining = self._dial.deadline.remaining()
        if not self._waiting:
            return remaining
        pause = max(self._next_start - time.monotonic(), 0.0)
        return pause if remaining is None else min(pause, remaining)

    def _drop(self, sock: socket.socket, exc: Exception) -> None:
        address = self._running.pop(sock)
        sock.close()
        self._note_failure(address, exc)

    def _note_failure(self, address: AddressInfo, exc: Exception) -> None:
        self._failures.append((str(address[4][0]), exc))
        # The next attempt need not wait for its turn.
        self._next_start = 0.0


def connect_failure(sock: socket.socket) -> OSError | None:
    """Returns why a connect that is over has failed, and None if it has not."""
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        return OSError(error, os.strerror(error))
    try:
        # A socket that never came to connect has no error either.
        sock.getpeername()
    except OSError as exc:
        return exc
    return None
