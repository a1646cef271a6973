"""What every distribution says of itself, and that all say it alike."""

import pathlib
import re
import tomllib
import typing

import pytest

ROOT = pathlib.Path(__file__).parents[1]
URL = "https://github.com/httpcore/httpcore"
PYTHONS = ("3.11", "3.12", "3.13")

Table = dict[str, typing.Any]  # type: ignore[explicit-any]  # a TOML table is of any types


def read(path: pathlib.Path) -> Table:
    return tomllib.loads(path.read_text("utf-8"))


MEMBERS = {
    path.parent.name: read(path) for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}
HATCH = read(ROOT / "hatch.toml")
each = pytest.mark.parametrize("name", MEMBERS)


def test_members_are_found() -> None:
    assert len(MEMBERS) == 9


@each
def test_metadata_is_complete(name: str) -> None:
    project = MEMBERS[name]["project"]
    assert project["name"] == ("httpcore" if name == "httpcore" else f"httpcore-{name}")
    assert project["description"].endswith(".")
    assert len(project["description"]) <= 100
    assert {"http", "network", "client"} <= set(project["keywords"])
    assert project["readme"] == "README.md"
    # Every Python that is tested, and no other.
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if ":: 3." in line]
    assert tuple(named) == PYTHONS
    assert "Typing :: Typed" in project["classifiers"]
    assert project["classifiers"] == sorted(
        project["classifiers"], key=lambda line: line.replace("Python :: 3 ", "Python :: 3.0 ")
    )
    # Which the licence's SPDX expression has replaced.
    assert not [line for line in project["classifiers"] if line.startswith("License")]


@each
def test_urls_lead_to_the_repository(name: str) -> None:
    assert MEMBERS[name]["project"]["urls"] == {
        "Homepage": URL,
        "Documentation": f"{URL}/tree/main/docs",
        "Changelog": f"{URL}/blob/main/packages/{name}/CHANGELOG.md",
        "Issues": f"{URL}/issues",
        "Source": f"{URL}/tree/main/packages/{name}",
    }


@pytest.mark.parametrize("key", ["license", "license-files", "requires-python", "authors"])
def test_members_say_the_same(key: str) -> None:
    said = [member["project"][key] for member in MEMBERS.values()]
    assert said == [said[0]] * len(said)


@each
def test_members_are_built_alike(name: str) -> None:
    member, first = MEMBERS[name], MEMBERS["interface"]
    assert member["build-system"] == first["build-system"]
    module = "httpcore" if name == "httpcore" else f"httpcore_{name}"
    assert member["tool"]["hatch"]["version"] == {"path": f"src/{module}/__init__.py"}
    targets = member["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"] == {"packages": [f"src/{module}"]}
    common = set(first["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    assert common <= set(targets["sdist"]["include"])


@each
def test_tests_need_what_the_environments_have(name: str) -> None:
    """The same bounds as there: `hatch run proof` and `hatch run tests` run the same."""
    needed = MEMBERS[name]["dependency-groups"]["tests"]
    assert needed == sorted(needed, key=lambda one: re.split(r"[>=;]", one)[0])
    assert set(needed) <= set(HATCH["envs"]["default"]["dependencies"])


def test_pythons_are_those_of_the_environments() -> None:
    assert tuple(HATCH["envs"]["test"]["matrix"][0]["python"]) == PYTHONS
