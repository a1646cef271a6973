import ast
import pathlib
import subprocess
import sys

import pytest

import httpcore_trio
from httpcore_interface import AsyncNetworkBackend, AsyncNetworkStream

SOURCES = sorted(pathlib.Path(str(httpcore_trio.__file__)).parent.glob("*.py"))


def test_the_public_names_are_sorted() -> None:
    assert httpcore_trio.__all__ == sorted(httpcore_trio.__all__)


def test_the_public_names_are_at_home() -> None:
    # In an interpreter of its own: a facade that shows these names, used by another
    # test, has made them its own.
    code = (
        "import httpcore_trio\n"
        "for name in httpcore_trio.__all__:\n"
        "    assert getattr(httpcore_trio, name).__module__ == 'httpcore_trio'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_the_classes_are_those_of_the_interface() -> None:
    assert issubclass(httpcore_trio.TrioBackend, AsyncNetworkBackend)
    assert issubclass(httpcore_trio.TrioStream, AsyncNetworkStream)


def test_the_map_of_the_package_names_every_module() -> None:
    for source in SOURCES:
        if source.name != "__init__.py":
            assert f"    {source.name} " in str(httpcore_trio.__doc__)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_nothing_is_imported_but_trio_the_interface_and_the_standard_library(
    source: pathlib.Path,
) -> None:
    ours = {"httpcore_interface", "httpcore_interface.scoped"}
    allowed = {*ours, "trio", "_typeshed", *sys.stdlib_module_names}
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or node.module in allowed
            # Test tools replace the functions of these modules.
            assert node.module not in {"socket", "select", "ssl"}
