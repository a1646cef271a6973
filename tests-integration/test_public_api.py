"""Programs that use all of the public API, which type checkers read as well."""

import ast
import pathlib
import subprocess
import sys

import pytest
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

FOLDER = pathlib.Path(__file__).parent
PROGRAMS = ("blocking_api", "async_api")


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


def names_used(program: str) -> set[str]:
    tree = ast.parse((FOLDER / "programs" / f"{program}.py").read_text("utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "httpcore"
    }


def test_every_public_name_is_used() -> None:
    used = set().union(*map(names_used, PROGRAMS))
    extras = {"AnyIOBackend", "TrioBackend", "__version__"}
    assert used == {*httpcore.__all__, *extras}


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_runs(start_peer: StartPeer, program: str) -> None:
    peer = start_peer(answers)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"programs.{program}", peer.url()],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert (done.stdout, done.stderr) == (f"httpcore {httpcore.__version__}\n", "")
