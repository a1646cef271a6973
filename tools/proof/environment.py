"""A fresh environment, which uv makes and fills in about a second."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.proof.claim import ProofError
from tools.release.build import find_uv

# None of the environment that this runs in may be seen from the inside.
_HIDDEN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_RESOLUTION")


class Environment:
    """An environment of its own, with nothing in it at first.

    Args:
        folder: Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        _run([find_uv(), "venv", "--quiet", "--python", sys.executable, str(folder)])

    @property
    def python(self) -> Path:
        """Its Python."""
        if sys.platform == "win32":
            return self._folder / "Scripts" / "python.exe"
        return self._folder / "bin" / "python"

    def install(self, requirements: Sequence[str], constraints: str, *options: str) -> None:
        """Install requirements, and what they require.

        Args:
            requirements: What to install.
            constraints: A text of constraints, those of `Wheels`.
            options: More arguments for uv.
        """
        path = self._folder / "constraints.txt"
        path.write_text(constraints, "utf-8")
        command = [find_uv(), "pip", "install", "--quiet", "--python", str(self.python)]
        _run([*command, "--constraints", str(path), *options, *requirements])

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run its Python; return what that prints.

        Raises:
            ProofError: It failed.
        """
        return _run([str(self.python), *arguments], cwd)

    def run_inside(self, program: str, *arguments: str) -> str:
        """Run a program of `inside/`, isolated: it sees nothing but what is installed."""
        path = Path(__file__).parent / "inside" / f"{program}.py"
        return self.run("-I", "-W", "error", str(path), *arguments)


def _run(command: list[str], cwd: Path | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in _HIDDEN}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        shown = " ".join(command)
        raise ProofError(f"{shown}\nexited with {done.returncode}:\n{done.stdout.strip()}")
    return done.stdout
