"""The files of the public forge, and of those who contribute, say what the repository does."""

import json
import pathlib
import re
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEXTS = [*WORKFLOWS, ROOT / ".ci" / "run", ROOT / "CONTRIBUTING.md", ROOT / "README.md"]
ENVIRONMENTS = tomllib.loads((ROOT / "hatch.toml").read_text("utf-8"))["envs"]
DEFAULT = ENVIRONMENTS["default"]

# The programs of an environment that are run without a script.
PROGRAMS = {"python"}


def is_command(text: str) -> bool:
    """Whether `hatch run` has a script of that name: "lint", or "min:tests"."""
    environment, _, script = text.rpartition(":")
    if environment not in {"", *ENVIRONMENTS}:
        return False
    own = ENVIRONMENTS[environment or "default"]
    inherited = {} if own.get("detached") else DEFAULT["scripts"]
    return script in {*inherited, *own.get("scripts", {}), *PROGRAMS}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_commands_are_there(path: pathlib.Path) -> None:
    text = path.read_text("utf-8")
    commands = re.findall(r"hatch run ([a-z][\w.:-]*)", text)
    commands += re.findall(r"(?m)^ +- command: (\S+)$", text)
    assert commands
    assert [command for command in commands if not is_command(command)] == []


def test_workflows_are_found() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_with_their_versions(path: pathlib.Path) -> None:
    text = path.read_text("utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_one_job_may_publish_and_no_workflow_may_do_more_than_its_jobs() -> None:
    assert sum(path.read_text("utf-8").count("id-token: write") for path in WORKFLOWS) == 1
    for path in WORKFLOWS:
        assert "\npermissions: {}\n" in path.read_text("utf-8")


def test_servers_are_those_that_ci_installs() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    function = script.partition("missing_servers() {")[2].partition("\n}")[0]
    packages = set(re.findall(r"echo ([\w-]+)$", function, re.MULTILINE))
    assert len(packages) == 6
    for path in (ROOT / ".github/workflows/ci.yml", ROOT / "CONTRIBUTING.md"):
        text = " ".join(path.read_text("utf-8").split())
        for package in packages:
            assert f" {package}" in text, f"{path.name}: {package}"


def test_pre_commit_does_what_lint_does() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    entries = re.findall(r"(?m)^ +entry: (.*)$", text)
    lint = DEFAULT["scripts"]["lint"]
    assert entries == [command.replace("{args:.}", ".") for command in lint]
    [ruff] = [one for one in DEFAULT["dependencies"] if one.startswith("ruff")]
    dependencies = re.findall(r"(?m)^ +additional_dependencies: (.*)$", text)
    assert [json.loads(line) for line in dependencies] == [[ruff]] * len(entries)
    assert text.count("pass_filenames: false") == len(entries)


def test_every_distribution_can_be_chosen_in_an_issue() -> None:
    text = (ROOT / ".github/ISSUE_TEMPLATE/idea.yml").read_text("utf-8")
    for path in ROOT.glob("packages/*/pyproject.toml"):
        name = tomllib.loads(path.read_text("utf-8"))["project"]["name"]
        assert f"- {name}\n" in text


def test_citation_has_the_licence_of_the_distributions() -> None:
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    pyproject = (ROOT / "packages/httpcore/pyproject.toml").read_text("utf-8")
    assert re.findall(r"(?m)^license: (.*)$", text) == [
        tomllib.loads(pyproject)["project"]["license"]
    ]
