import dataclasses
import pathlib
import subprocess
import sys

import pytest

import httpcore_mock
from httpcore_interface import (
    AsyncNetworkBackend,
    AsyncNetworkStream,
    NetworkBackend,
    NetworkStream,
)

SOURCES = sorted(pathlib.Path(str(httpcore_mock.__file__)).parent.glob("*.py"))


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        timeout=30,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_the_public_names_are_sorted() -> None:
    cased = sorted(httpcore_mock.__all__, key=lambda name: (name[0].islower(), name))
    assert httpcore_mock.__all__ == cased


def test_the_public_names_are_at_home() -> None:
    # In an interpreter of its own: a facade that shows these names, used by another
    # test, has made them its own.
    assert (
        run(
            "import httpcore_mock\n"
            "for name in httpcore_mock.__all__:\n"
            "    assert getattr(httpcore_mock, name).__module__ == 'httpcore_mock', name\n"
            "print('done')"
        )
        == "done"
    )


def test_the_classes_are_those_of_the_interface() -> None:
    assert issubclass(httpcore_mock.MockBackend, NetworkBackend)
    assert issubclass(httpcore_mock.MockStream, NetworkStream)
    assert issubclass(httpcore_mock.AsyncMockBackend, AsyncNetworkBackend)
    assert issubclass(httpcore_mock.AsyncMockStream, AsyncNetworkStream)


def test_the_map_of_the_package_names_every_module() -> None:
    for source in SOURCES:
        if source.name != "__init__.py":
            assert f"    {source.name} " in str(httpcore_mock.__doc__)


def test_import_brings_no_library_that_is_not_used() -> None:
    unwanted = ["hpack", "hyperframe", "asyncio", "trio", "anyio"]
    assert (
        run(
            "import sys, httpcore_mock\n"
            f"print([name for name in {unwanted} if name in sys.modules])"
        )
        == "[]"
    )


@pytest.mark.parametrize("cue", [httpcore_mock.Delay(1), httpcore_mock.Refused()])
def test_cues_do_not_change(cue: httpcore_mock.Cue) -> None:
    for field in dataclasses.fields(cue):  # type: ignore[arg-type] # both are dataclasses
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(cue, field.name, 2)
