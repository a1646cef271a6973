"""The suites of others: outcomes that are read, compared and laid out. No suite is run here."""

import io
import pathlib
import tarfile

import pytest

from tools.suites.comparison import Comparison, Difference, compare
from tools.suites.junit import Outcome, read_outcomes
from tools.suites.options import parse
from tools.suites.projects import PROJECTS, Project, choose_projects
from tools.suites.report import Row, format_differences, format_table
from tools.suites.sources import fetch_tests

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" tests="6">
<testcase classname="tests.test_a" name="test_passes[trio]" time="0.1" />
<testcase classname="tests.test_a" name="test_fails"><failure>E</failure></testcase>
<testcase classname="tests.test_a" name="test_breaks"><error message="no">E</error></testcase>
<testcase classname="tests.test_a" name="test_is_skipped">
  <skipped type="pytest.skip" message="not here">here</skipped></testcase>
<testcase classname="tests.test_a" name="test_leaks" />
<testcase classname="tests.test_a" name="test_leaks"><error message="teardown" /></testcase>
<testcase classname="" name="tests.test_b"><error message="not importable" /></testcase>
</testsuite></testsuites>"""


def test_outcomes_are_read() -> None:
    assert read_outcomes(REPORT) == {
        "tests.test_a::test_passes[trio]": "passed",
        "tests.test_a::test_fails": "failed",
        "tests.test_a::test_breaks": "failed",
        "tests.test_a::test_is_skipped": "skipped",
        # What stands there twice has the worst of both.
        "tests.test_a::test_leaks": "failed",
        "tests.test_b": "failed",
    }


@pytest.mark.parametrize("reverse", [False, True])
def test_worst_outcome_counts(reverse: bool) -> None:
    cases = ['<testcase name="a"/>', '<testcase name="a"><skipped/></testcase>']
    text = "".join(reversed(cases) if reverse else cases)
    assert read_outcomes(f"<testsuite>{text}</testsuite>") == {"a": "passed"}


def test_what_ends_otherwise_is_a_difference() -> None:
    before: dict[str, Outcome] = {"a": "passed", "b": "failed", "c": "passed", "d": "skipped"}
    after: dict[str, Outcome] = {"a": "passed", "b": "passed", "c": "failed", "e": "passed"}
    found = compare([before, before], [after, after])
    assert found.differences == (
        Difference("b", "failed", "passed"),
        Difference("c", "passed", "failed"),
        Difference("d", "skipped", "missing"),
        Difference("e", "missing", "passed"),
    )
    assert found.unsteady == ()


def test_what_varies_by_itself_is_no_difference() -> None:
    good: dict[str, Outcome] = {"a": "passed", "b": "passed", "c": "passed"}
    bad: dict[str, Outcome] = {"a": "failed", "b": "passed", "c": "passed"}
    worse: dict[str, Outcome] = {"a": "failed", "b": "failed"}
    found = compare([good, bad], [bad, worse])
    assert found.differences == ()
    assert found.unsteady == ("a", "b", "c")
    # A single run tells nothing of that.
    assert [one.test for one in compare([good], [bad]).differences] == ["a"]


ONE = Project("one", "1.0", needs=("other",), left_out={"tests/far": "needs a server"})
NONE = Project("none", "2.0")


def comparison() -> Comparison:
    before: dict[str, Outcome] = {"a": "passed", "b": "passed", "c": "skipped"}
    after: dict[str, Outcome] = {"a": "passed", "b": "failed", "c": "passed"}
    again: dict[str, Outcome] = {"a": "passed", "b": "failed", "c": "skipped"}
    return compare([before, before], [after, again])


def test_table_has_a_line_for_each_project() -> None:
    rows = [Row(ONE, comparison()), Row(NONE, reason="no tests in the source distribution")]
    assert format_table(rows, "1.1.0").splitlines() == [
        "| project | version | on httpcore 1.0.9 | on 1.1.0 | differ |",
        "| --- | --- | --- | --- | --- |",
        "| one | 1.0 | 2 passed, 1 skipped | 2 passed, 1 failed | 1 |",
        "| none | 2.0 | no tests in the source distribution |  |  |",
    ]


def test_differences_are_listed_by_name() -> None:
    rows = [Row(ONE, comparison()), Row(NONE)]
    assert format_differences(rows).splitlines() == [
        "- one: `b`: passed, now failed",
        "- one: `c`: not always the same",
        "- one: `tests/far` left out: needs a server",
    ]
    assert format_differences([Row(NONE)]) == ""


def test_requirements_never_name_httpcore_itself() -> None:
    for project in PROJECTS:
        if project.needs is not None:
            names = [text.partition("=")[0].partition("[")[0] for text in project.requirements]
            assert "httpcore" not in names
            assert "pytest-xdist" in names
            assert (project.name in names) == (project.name != "httpcore")


def test_projects_are_chosen_by_name() -> None:
    assert choose_projects([]) == PROJECTS
    assert [one.name for one in choose_projects(["respx", "httpx"])] == ["respx", "httpx"]
    with pytest.raises(ValueError, match="no project 'requests'; there are httpcore, httpx"):
        choose_projects(["requests"])


@pytest.mark.parametrize("arguments", [["nobody"], ["--runs", "0"], ["--runs", "x"]])
def test_senseless_options_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2
    assert "usage: suites" in capsys.readouterr().err


def make_archive(cache: pathlib.Path, *paths: str) -> None:
    folder = cache / "sources"
    folder.mkdir()
    with tarfile.open(folder / "one-1.0.tar.gz", "w:gz") as opened:
        for path in paths:
            opened.addfile(tarfile.TarInfo(f"one-1.0/{path}"), io.BytesIO())


def test_package_is_not_unpacked_beside_its_tests(tmp_path: pathlib.Path) -> None:
    make_archive(tmp_path, "one/__init__.py", "tests/test_a.py", "pyproject.toml", "setup.py")
    folder = fetch_tests(ONE, tmp_path)
    assert folder is not None
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))
    assert found == ["pyproject.toml", "tests/test_a.py"]


def test_source_distribution_without_tests(tmp_path: pathlib.Path) -> None:
    make_archive(tmp_path, "one/__init__.py", "pyproject.toml")
    assert fetch_tests(ONE, tmp_path) is None
