"""Ctrl+C: a real SIGINT to a program that waits in an event loop.

The program is one of its own (`programs/interrupted.py`), and goes on afterwards.
"""

import functools
import pathlib
import signal
import subprocess
import sys
import typing

import pytest
from colours import ASYNC_COLOURS
from peers.blackhole import Blackhole
from peers.deadlines import DEADLINE, wait_until
from peers.messages import head, reply
from peers.scripted import Conversation, ScriptedPeer
from peers.starting import StartPeer
from peers.workers import Worker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is another thing there")

FOLDER = pathlib.Path(__file__).parent


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


def stalls(conn: Conversation) -> None:
    request = conn.receive_request()
    if request.target == b"/body":
        conn.send(head(200, b"Content-Length: 10") + b"half.")
    conn.wait_eof()


def has_come(peer: ScriptedPeer, number: int) -> bool:
    return len(peer.requests) == number


class Program:
    """The program, and what it says.

    Args:
        arguments: Those of the program.
    """

    def __init__(self, arguments: list[str]) -> None:
        command = [sys.executable, "-W", "error", "-m", "programs.interrupted", *arguments]
        self._process = subprocess.Popen(
            command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def next_line(self) -> str:
        """What it says next; at its end, what went wrong."""
        return Worker(self._read_line).result()

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip() or self.ending()

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def ending(self) -> str:
        """Waits for its end; what it said on stderr."""
        assert self._process.stderr is not None
        return self._process.stderr.read()

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=DEADLINE)


@pytest.mark.parametrize("name", ASYNC_COLOURS)
def test_interrupted_program_can_go_on(
    start_peer: StartPeer, blackhole: Blackhole, name: str
) -> None:
    healthy, stalling = start_peer(answers), start_peer(stalls)
    urls = [healthy.url(), stalling.url()[:-1], f"http://127.0.0.1:{blackhole.port}/"]
    with Program([name, *urls]) as program:
        assert program.next_line() == "connect"
        program.interrupt()
        assert program.next_line() == "clean"
        for number, stage in enumerate(("head", "body", "queue"), 1):
            assert program.next_line() == stage
            wait_until(functools.partial(has_come, stalling, number), f"{stage} hangs")
            program.interrupt()
            assert program.next_line() == "clean"
        assert program.ending() == ""
    assert healthy.accepted == 4
    wait_until(lambda: stalling.open_ends == 0, "the peer notices")
