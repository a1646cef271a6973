import ast
import pathlib
import subprocess
import sys

import pytest

import httpcore_conformance

FOLDER = pathlib.Path(str(httpcore_conformance.__file__)).parent
SOURCES = sorted(FOLDER.rglob("*.py"))


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_the_public_names_are_sorted() -> None:
    assert httpcore_conformance.__all__ == sorted(httpcore_conformance.__all__)


def test_the_public_names_are_at_home() -> None:
    run(
        "import httpcore_conformance\n"
        "for name in httpcore_conformance.__all__:\n"
        "    public = getattr(httpcore_conformance, name)\n"
        "    if isinstance(public, type):\n"
        "        assert public.__module__ == 'httpcore_conformance', name\n"
    )


def test_the_map_of_the_package_names_every_module() -> None:
    for source in FOLDER.glob("_*.py"):
        if source.name != "__init__.py":
            assert f" {source.name} " in str(httpcore_conformance.__doc__)


def test_no_event_loop_of_others_is_imported_before_it_is_used() -> None:
    run(
        "import httpcore_conformance, sys\n"
        "assert not {'trio', 'anyio', 'uvloop'} & sys.modules.keys()\n"
    )


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_nothing_is_imported_but_what_is_required(source: pathlib.Path) -> None:
    allowed = {"httpcore_interface", "pytest", "trustme", *sys.stdlib_module_names}
    if source.name == "_trio_runner.py":
        allowed.add("trio")
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert node.level or node.module in allowed
