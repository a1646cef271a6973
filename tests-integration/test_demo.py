"""The demo: every row of its table is filled in, and a row that fails is seen."""

import dataclasses

import pytest

import httpcore
from tools.demo import __main__ as demo
from tools.demo.cases import CASES
from tools.demo.exchange import Case

BACKENDS = sorted({case.backend for case in CASES})
KINDS = {case.proxy for case in CASES if case.proxy is not None}


def shown(
    patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *cases: Case
) -> tuple[int, list[str]]:
    """The exit code of a demo of these cases, and the rows that it prints."""
    patch.setattr(demo, "CASES", cases)
    code = demo.main([])
    return code, capsys.readouterr().out.splitlines()[1:]


def find(backend: str, proxy: str | None) -> Case:
    return next(
        case
        for case in CASES
        if case.backend == backend and (case.proxy and case.proxy.name) == proxy
    )


def test_there_is_a_row_of_every_kind_for_every_backend() -> None:
    assert len(KINDS) == 6
    for backend in BACKENDS:
        cases = [case for case in CASES if case.backend == backend]
        assert {case.proxy for case in cases} == KINDS | {None}
        straight = {(case.protocol, case.tls) for case in cases if case.proxy is None}
        assert len(straight) == 2 * 2
        assert {case.protocol for case in cases if case.proxy} == {"HTTP/1.1", "HTTP/2"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_row_succeeds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], backend: str
) -> None:
    cases = [case for case in CASES if case.backend == backend]
    code, rows = shown(monkeypatch, capsys, *cases)
    assert code == 0, rows
    assert len(rows) == sum(len(case.steps) for case in cases)
    # Of the requests of a case, the first connects.
    assert sum(" reused " not in row for row in rows) == len(cases)
    for row in rows:
        assert " 200 " in row
        assert "FAILED" not in row


@pytest.mark.parametrize("proxy", [None, "http tunnel"])
def test_row_that_fails_is_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], proxy: str | None
) -> None:
    case = dataclasses.replace(find("sync", proxy), protocol="HTTP/9")
    code, rows = shown(monkeypatch, capsys, case, find("sync", None))
    assert code == 1
    failed = [row for row in rows if "FAILED: answered by HTTP/1.1, not HTTP/9" in row]
    assert len(failed) == len(case.steps)


def test_way_that_leads_past_the_proxy_is_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @dataclasses.dataclass(frozen=True)
    class Lost:
        name: str = "lost"
        asked: tuple[str, ...] = ("CONNECT",)

        def make(self, site: object) -> httpcore.Proxy | None:
            return None

    case = dataclasses.replace(find("sync", None), proxy=Lost())  # type: ignore[arg-type]
    code, rows = shown(monkeypatch, capsys, case)
    assert code == 1
    assert rows[-1].endswith("FAILED: the proxies were asked (), not ('CONNECT',)")
