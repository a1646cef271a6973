"""The examples that users read first run as they stand.

Every block of Python in a README is run, against a server of our own in the place of
the one at port 8080, and a proxy in that of the one at 3128; for HTTP/2 in the clear the
server is hypercorn.
"""

import pathlib
import re

import pytest
from peers.hypercorn import Hypercorn
from peers.messages import reply
from peers.scripted import Conversation
from peers.starting import StartPeer

from tools.demo.proxy import Proxies

ROOT = pathlib.Path(__file__).parents[1]
READMES = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md"))]
EXAMPLES = [
    pytest.param(block, id=f"{path.relative_to(ROOT)}:{number}")
    for path in READMES
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
]


def answers(conn: Conversation) -> None:
    for request in conn.each_request():
        conn.send(reply(b"Hello, world!"))
        if request.header(b"connection") == b"close":
            return


def test_examples_are_found() -> None:
    assert len(EXAMPLES) >= len(READMES)
    text = READMES[0].read_text("utf-8")
    assert "AsyncConnectionPool" in text
    assert "asyncio.run(" in text
    assert "trio.run(" in text
    assert "Proxy(" in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs_as_it_stands(
    hypercorn: Hypercorn,
    start_peer: StartPeer,
    guarded_proxies: Proxies,
    capsys: pytest.CaptureFixture[str],
    example: str,
) -> None:
    if "http1=False" in example:
        program = example.replace("http://localhost:8080", hypercorn.plain)
        exec(compile(program, "<example>", "exec"), {"__name__": "__main__"})
        assert "b'HTTP/2'" in capsys.readouterr().out
        return
    peer = start_peer(answers)
    program = example.replace("8080", str(peer.port))
    program = program.replace("3128", str(guarded_proxies.port))
    exec(compile(program, "<example>", "exec"), {"__name__": "__main__"})
    if "8080" in example and "print(" in example:
        assert peer.requests
        assert capsys.readouterr().out
    assert bool(guarded_proxies.asked) == ("Proxy(" in example)
