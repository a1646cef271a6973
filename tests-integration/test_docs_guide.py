"""The programs in the guide of docs/ run as they stand, and print what the page says.

A block of text behind a program is its output, where "..." stands for anything.
"""

import collections.abc
import doctest
import logging

import pytest
from example_site import BODY, ExampleSite, HTTP2Site
from pages import DOCS, programs_of, run
from peers.certificates import Authority
from peers.hypercorn import Hypercorn
from peers.scripted import Conversation
from peers.starting import StartPeer

PAGES = [
    "index",
    "quick-start",
    "async",
    "connections",
    "extensions",
    "testing",
    "security",
]
# Those have tests of their own.
ELSEWHERE = {"http2", "network-backends", "proxies", "write-your-own-backend"}


def programs(*pages: str) -> list[object]:
    return [
        pytest.param(program, printed, id=f"{page}:{number}")
        for page in pages
        for number, (program, printed) in enumerate(
            programs_of((DOCS / f"{page}.md").read_text("utf-8"))
        )
    ]


@pytest.fixture
def site(
    start_peer: StartPeer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> ExampleSite:
    """One that gives the reason that servers mostly give."""

    def answers(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY))

    site = ExampleSite(start_peer, answers)
    site.open(monkeypatch, authority)
    return site


@pytest.fixture
def http2_site(
    start_peer: StartPeer,
    hypercorn: Hypercorn,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> HTTP2Site:
    site = HTTP2Site(start_peer, hypercorn)
    site.open(monkeypatch, authority)
    return site


@pytest.fixture
def logger() -> collections.abc.Iterator[None]:
    """Undoes what a program has done to be told of what the client does."""
    yield
    found = logging.getLogger("httpcore.http11")
    found.handlers.clear()
    found.setLevel(logging.NOTSET)


def check(program: str, printed: str | None, output: str) -> None:
    assert bool(output) == ("print(" in program or "stdout" in program)
    if printed is None:
        return
    checker = doctest.OutputChecker()
    assert checker.check_output(printed, output, doctest.ELLIPSIS), output


@pytest.mark.usefixtures("logger")
@pytest.mark.parametrize(("program", "printed"), programs(*PAGES))
def test_program_runs(
    site: ExampleSite,
    capsys: pytest.CaptureFixture[str],
    program: str,
    printed: str | None,
) -> None:
    run(program, site)
    check(program, printed, capsys.readouterr().out)
    is_for_nobody = "Mock" in program or "https://" not in program
    assert bool(site.requests) != is_for_nobody


@pytest.mark.parametrize(("program", "printed"), programs("http2"))
def test_program_speaks_http2(
    http2_site: HTTP2Site,
    capsys: pytest.CaptureFixture[str],
    program: str,
    printed: str | None,
) -> None:
    run(program, http2_site)
    check(program, printed, capsys.readouterr().out)


def test_no_page_is_left_out() -> None:
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    with_programs = {
        page.removesuffix(".md")
        for page in pages
        if programs_of((DOCS / page).read_text("utf-8"))
    }
    assert with_programs == {*PAGES, *ELSEWHERE}
