"""Programs that are no packages of Python: without one a test cannot be run.

That is a failure in CI, which installs them, and elsewhere a reason to skip.
"""

import os
import shutil
import typing

import pytest


def require_program(name: str, package: str) -> str:
    """Returns where a program is; `package` is the one of Debian that has it."""
    # Debian keeps servers where ordinary users do not look.
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    executable = shutil.which(name, path=path)
    if executable is None:
        give_up(name, package)
    return executable


def give_up(name: str, package: str) -> typing.NoReturn:
    """Ends a test that needs what is not there."""
    if os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and CI is meant to have it")
    pytest.skip(f"{name} is not installed (Debian: apt-get install {package})")
