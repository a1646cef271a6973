"""The kit is of use to strangers: a package of its own, in an environment of its own."""

import pathlib
import shutil
import subprocess
import sys

import pytest

PACKAGES = pathlib.Path(__file__).parents[1] / "packages"


def run(*command: str, folder: pathlib.Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_a_package_made_from_the_template_runs_the_kit(tmp_path: pathlib.Path) -> None:
    mine = tmp_path / "mine"
    without = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(PACKAGES / "conformance" / "template", mine, ignore=without)
    uv = (sys.executable, "-m", "uv", "--quiet")
    run(*uv, "venv", "--python", sys.executable, "venv", folder=tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    # From wheels, as users have them: what is missing there is missing here.
    for name in ("interface", "conformance"):
        source = str(PACKAGES / name)
        run(*uv, "build", "--wheel", "--out-dir", "wheels", source, folder=tmp_path)
    # By their paths: an index may know other distributions of these names.
    wheels = map(str, (tmp_path / "wheels").glob("*.whl"))
    pip = (sys.executable, "-m", "uv", "pip")
    run(*pip, "install", "--python", python, *wheels, f"{mine}[tests]", folder=tmp_path)

    installed = run(*pip, "freeze", "--python", python, folder=tmp_path).splitlines()
    names = {line.replace("@", "==").partition("==")[0].strip() for line in installed}
    assert {name for name in names if name.startswith("httpcore")} == {
        "httpcore-conformance",
        "httpcore-interface",
    }
    assert not names & {"trio", "anyio", "uvloop", "h11"}

    # All checks of the template run beside the kit's own tests; here, some of each kind.
    some = ("-k", "name or refused or peer or room or pause")
    report = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *some, folder=mine)
    assert " passed" in report
    assert " failed" not in report
    # Neither is it our own sources that were tested.
    look = "import httpcore_conformance; print(httpcore_conformance.__file__)"
    where = run(python, "-c", look, folder=mine)
    assert str(tmp_path) in where
