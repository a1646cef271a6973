"""Processes that fork with a pool: the child shares nothing, the parent notices nothing.

They are programs of their own (`programs/forking.py`): the processes of the tests have
threads.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest
from colours import ASYNC_COLOURS
from peers.certificates import Authority
from peers.deadlines import DEADLINE
from peers.framed import FramedConversation
from peers.messages import head, reply
from peers.scripted import Conversation, ScriptedPeer
from peers.starting import StartPeer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

FOLDER = pathlib.Path(__file__).parent
BLOCKING = ["idle", "response", "generations", "lock", "threads", "waiting"]
TLS = ["idle", "response", "generations"]
FRAMED = ["idle", "response", "generations", "lock", "threads", "traffic"]


class Server:
    """A script that answers with the target.

    A response to `/parent/half` is halted in its midst until `/parent/go-on` is asked for.
    """

    def __init__(self) -> None:
        self._may_go_on = threading.Event()

    def __call__(self, conn: Conversation) -> None:
        for request in conn.each_request():
            if request.target == b"/parent/half":
                conn.send(head(200, b"Content-Length: 23") + b"first half,")
                assert self._may_go_on.wait(DEADLINE)
                conn.send(b" second half")
                continue
            if request.target == b"/parent/go-on":
                self._may_go_on.set()
            conn.send(reply(request.target))


class FramedServer:
    """The same over HTTP/2, where one connection carries all."""

    def __call__(self, conn: Conversation) -> None:
        framed = FramedConversation(conn)
        half: int | None = None
        for stream, request in framed.each_request():
            if request.target == b"/parent/half":
                framed.respond(stream, b"first half,", ends=False)
                half = stream
                continue
            if request.target == b"/parent/go-on":
                assert half is not None
                framed.send(half, b" second half")
            framed.respond(stream, request.target)


def run_program(peer: ScriptedPeer, scenario: str, authority: Authority, *, tls: bool) -> None:
    command = [sys.executable, "-W", "error", "-m", "programs.forking"]
    command += [scenario, peer.url()[:-1]]
    if tls:
        command.append(str(authority.root_file))
    # A group of its own: a child that hangs ends with the test.
    program = subprocess.Popen(
        command,
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, complaints = program.communicate(timeout=40)
        assert complaints == ""
        assert (output, program.returncode) == ("done\n", 0)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def check_owners(peer: ScriptedPeer) -> None:
    """Makes sure that nobody used a connection of somebody else's."""
    owners = [
        {request.target.split(b"/")[1] for request in conn.requests}
        for conn in peer.connections
    ]
    assert all(len(names) == 1 for names in owners), owners
    assert {b"parent"} in owners
    assert {b"child"} in owners


@pytest.mark.parametrize("scenario", BLOCKING)
def test_blocking_pool(start_peer: StartPeer, authority: Authority, scenario: str) -> None:
    peer = start_peer(Server())
    run_program(peer, scenario, authority, tls=False)
    check_owners(peer)


@pytest.mark.parametrize("scenario", TLS)
def test_blocking_pool_over_tls(
    start_peer: StartPeer, authority: Authority, scenario: str
) -> None:
    peer = start_peer(Server(), tls=True)
    run_program(peer, scenario, authority, tls=True)
    check_owners(peer)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("name", ASYNC_COLOURS)
def test_async_pool_between_two_loops(
    start_peer: StartPeer, authority: Authority, name: str, tls: bool
) -> None:
    peer = start_peer(Server(), tls=tls)
    run_program(peer, f"between_loops:{name}", authority, tls=tls)
    check_owners(peer)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("name", ["asyncio", "anyio-asyncio"])
def test_async_pool_within_a_loop(
    start_peer: StartPeer, authority: Authority, name: str, tls: bool
) -> None:
    peer = start_peer(Server(), tls=tls)
    run_program(peer, f"within_loop:{name}", authority, tls=tls)
    check_owners(peer)


# -- HTTP/2 --------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", FRAMED)
def test_blocking_pool_of_http2(
    start_peer: StartPeer, authority: Authority, scenario: str
) -> None:
    peer = start_peer(FramedServer())
    run_program(peer, f"{scenario}+http2", authority, tls=False)
    check_owners(peer)


@pytest.mark.parametrize("name", ASYNC_COLOURS)
def test_async_pool_of_http2_between_two_loops(
    start_peer: StartPeer, authority: Authority, name: str
) -> None:
    peer = start_peer(FramedServer())
    run_program(peer, f"between_loops:{name}+http2", authority, tls=False)
    check_owners(peer)


@pytest.mark.parametrize("name", ["asyncio", "anyio-asyncio"])
def test_async_pool_of_http2_within_a_loop(
    start_peer: StartPeer, authority: Authority, name: str
) -> None:
    peer = start_peer(FramedServer())
    run_program(peer, f"within_loop:{name}+http2", authority, tls=False)
    check_owners(peer)
