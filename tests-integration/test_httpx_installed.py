"""`pip install httpx[http2,socks]` beside our wheels: these are what httpx then runs on."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore
from tools.suites.environments import build_wheels

PROGRAM = """
import importlib.metadata, json, sys
import httpcore, httpx

url = sys.argv[1]
with httpx.Client(http2=True) as client:
    text = client.get(url).text
    pool = client._transport._pool
# It asks for what the extra brings.
with httpx.Client(proxy="socks5://127.0.0.1:1"):
    pass
print(json.dumps({
    "text": text,
    "pool": f"{type(pool).__module__}.{type(pool).__qualname__}",
    "is_ours": isinstance(pool, httpcore.ConnectionPool) and hasattr(pool, "stats"),
    "file": httpcore.__file__,
    "version": importlib.metadata.version("httpcore"),
}))
"""


def answers(conn: Conversation) -> None:
    for _ in conn.each_request():
        conn.send(reply(b"ok"))


def start(*command: str, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


def run(*command: str, folder: pathlib.Path) -> str:
    done = start(*command, folder=folder)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def install(pip: tuple[str, ...], wanted: str, folder: pathlib.Path) -> None:
    done = start(*pip, "install", "--find-links", "wheels", wanted, folder=folder)
    has_index = "No matching distribution found for httpx" not in done.stderr
    if not has_index and not os.environ.get("CI"):
        pytest.skip("no package index can be reached that has httpx")
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_httpx_runs_on_our_wheels(tmp_path: pathlib.Path, start_peer: StartPeer) -> None:
    run(sys.executable, "-m", "venv", "venv", folder=tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    assert build_wheels(tmp_path).folder == tmp_path / "wheels"
    install(pip, "httpx[http2,socks]==0.28.*", tmp_path)
    run(*pip, "check", folder=tmp_path)

    peer = start_peer(answers)
    found = json.loads(run(python, "-W", "error", "-c", PROGRAM, peer.url(), folder=tmp_path))
    assert str(tmp_path) in found.pop("file")
    assert found == {
        "text": "ok",
        "pool": "httpcore.ConnectionPool",
        "is_ours": True,
        "version": httpcore.__version__,
    }
