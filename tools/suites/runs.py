"""pytest in an environment, where no network but loopback can be reached."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.suites.junit import Outcomes, read_outcomes
from tools.suites.projects import Project

RUN_SECONDS = 1800.0
TEST_SECONDS = 30

_SETTLED = (
    # What a project wants of pytest by default is its business: coverage, other plugins.
    *("-o", "addopts="),
    *("--timeout", str(TEST_SECONDS), "-p", "no:cacheprovider", "-q"),
)

_APART = ("-n", "1", "--timeout-method", "thread")
"""In a process of its own: what hangs is then ended with that, and the next test goes on
in another. Only one, since some have fixed ports."""


class RunError(Exception):
    """pytest ran no test; the message says what it said."""


def can_be_offline() -> bool:
    """Whether a command can be given a network of its own here."""
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run([*_isolate(), "true"], capture_output=True, check=False)
    return done.returncode == 0


def run_tests(project: Project, folder: Path, python: Path, report: Path) -> Outcomes:
    """Run a project's tests once.

    Args:
        project: Whose tests.
        folder: Where they are.
        python: That of the environment.
        report: Where pytest writes what became of them; what it prints is put beside.

    Raises:
        RunError: There is nothing in that report.
    """
    report.unlink(missing_ok=True)
    left_out = [part for name in project.left_out for part in _leave_out(name)]
    pytest = [str(python), "-m", "pytest", *project.paths, *_SETTLED, *left_out]
    pytest += ("-p", "no:xdist") if project.forks else _APART
    command = [*(_isolate() if can_be_offline() else ()), *pytest, f"--junitxml={report}"]
    log = report.with_suffix(".log")
    with log.open("wb") as output:
        try:
            subprocess.run(
                command,
                cwd=folder,
                env=_variables(project),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=RUN_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise RunError(f"not done after {RUN_SECONDS:.0f} s, see {log}") from exc
    outcomes = read_outcomes(report.read_text("utf-8")) if report.exists() else {}
    if not outcomes:
        raise RunError(f"no test was run, see {log}")
    return outcomes


def _isolate() -> Sequence[str]:
    script = Path(__file__).with_name("loopback.py")
    return ("unshare", "--net", "--map-root-user", sys.executable, str(script))


def _leave_out(name: str) -> Sequence[str]:
    return ("--deselect", name) if "::" in name else ("--ignore", name)


def _variables(project: Project) -> dict[str, str]:
    # What a user has set for his own requests or for Python is not for these.
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith("_PROXY") and not name.startswith(("PYTEST", "PYTHON"))
    }
    return own | {"NO_COLOR": "1"} | dict(project.variables)
