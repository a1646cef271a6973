"""What the README says a failure looks like is what one looks like."""

import pathlib
import textwrap

import pytest
from running_inside import RunInside

import httpcore_conformance

README = pathlib.Path(__file__).parents[1] / "README.md"

pytest_plugins = ["pytester"]


@pytest.mark.filterwarnings("default")
def test_a_failure_reads_as_the_readme_says(run_inside: RunInside) -> None:
    run_inside.pytester.makepyfile(
        """
        import httpcore_conformance
        import pytest
        from breaking import Wrapping
        from broken_closing import EndsWhenClosed

        class TestBroken(httpcore_conformance.AsyncBackendConformance):
            @pytest.fixture
            def backend(self):
                return Wrapping(EndsWhenClosed)
        """
    )
    check = "test_a_closed_stream_cannot_be_read and plain"
    result = run_inside("-k", check)
    (report,) = [
        report for report in result.getreports("pytest_runtest_logreport") if report.failed
    ]
    assert report.longrepr is not None
    lines = [line[1:].strip() for line in str(report.longrepr).splitlines() if line[:1] == "E"]
    shown = "\n".join(lines[-2:]).removeprefix("httpcore_conformance.")
    assert textwrap.indent(shown, "    ") in README.read_text("utf-8")


def test_the_readme_names_each_thing_that_a_backend_can_lack() -> None:
    text = README.read_text("utf-8")
    lacking = [
        name
        for name in vars(httpcore_conformance.BackendConformance.__mro__[-2])
        if name.startswith("without_")
    ]
    assert len(lacking) == 5
    for name in lacking:
        assert f"| `{name}` |" in text
