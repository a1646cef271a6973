"""Signal handlers that raise in the midst of blocking requests."""

import pathlib
import signal
import subprocess
import sys

import pytest
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

FOLDER = pathlib.Path(__file__).parent


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there are no alarms here")
@pytest.mark.parametrize(
    "seconds", [2, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
def test_alarms_leave_the_pool_in_order(start_peer: StartPeer, seconds: int) -> None:
    # Connections come and go with the alarms, and so do their ends here.
    peer = start_peer(answers)
    command = [sys.executable, "-m", "programs.alarmed", peer.url(), str(seconds)]
    program = subprocess.run(
        command, cwd=FOLDER, stdout=subprocess.PIPE, text=True, timeout=250, check=True
    )
    numbers, failures = program.stdout.splitlines()
    alarms, *left = map(int, numbers.split())
    assert not failures
    assert alarms > 20
    assert left == [0, 0, 0, 0, 0]
