"""Releases of a repository of their own: what is written, and what is refused in one line."""

import collections.abc
import pathlib
import subprocess
import sys

import pytest
from repositories import ROOT, Copy, copy_repository

from tools.release.distribution import read_distributions

NAMES = sorted(map(str, read_distributions(ROOT).values()))

# Enough in one environment: what they call differs in no other.
pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="session")
def unreleased(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copy_repository(tmp_path_factory.mktemp("unreleased"))


@pytest.fixture(scope="session")
def released(unreleased: Copy, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Every distribution has been released once."""
    copy = unreleased.clone(tmp_path_factory.mktemp("released") / "copy")
    for name in NAMES:
        assert copy.release("bump", name, "first") == 0
        copy.commit()
        copy.git("tag", copy[name].tag)
    return copy


@pytest.fixture
def copy(released: Copy, tmp_path: pathlib.Path) -> Copy:
    return released.clone(tmp_path / "copy")


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> collections.abc.Callable[[Copy, str], str]:
    """Runs a command that is refused, and has changed nothing; returns its one line."""

    def run(copy: Copy, command: str) -> str:
        before = copy.git("status", "--porcelain")
        capsys.readouterr()
        assert copy.release(*command.split()) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("release: ")
        assert err.count("\n") == 1
        assert copy.git("status", "--porcelain") == before
        return err

    return run


Refusal = collections.abc.Callable[[Copy, str], str]


def changed_files(copy: Copy) -> set[str]:
    return {line[3:] for line in copy.git("status", "--porcelain").splitlines()}


def bumped(copy: Copy, *arguments: str) -> set[str]:
    """The files that a bump writes."""
    assert copy.release("bump", *arguments) == 0
    return changed_files(copy)


def test_show_tells_of_tags_and_commits(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    copy.note("mock")
    copy.commit("Note something")
    capsys.readouterr()
    assert copy.release("show") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    rows = {words[0]: words[1:] for words in lines}
    assert len(rows) == len(NAMES)
    for name in NAMES:
        one = copy[name]
        # Of those that were released before, none touches another.
        count, entries = ("1", ["has", "entries"]) if name == "mock" else ("0", ["empty"])
        assert rows[one.name] == [str(one.version), one.tag, count, *entries]
    assert copy.release("show", "mock") == 0
    assert capsys.readouterr().out.endswith(" Note something\n")


def test_show_knows_no_tags(unreleased: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    assert unreleased.release("show", "pool") == 0
    out = capsys.readouterr().out
    assert " none " in out
    assert "httpcore-pool since the beginning:" in out


def test_bump_writes_the_version_and_the_changelog(copy: Copy) -> None:
    copy.note("trio")
    copy.commit()
    before = copy["trio"].version
    assert bumped(copy, "trio", "patch") == {
        "packages/trio/CHANGELOG.md",
        "packages/trio/src/httpcore_trio/__init__.py",
    }
    after = copy["trio"]
    assert after.version == before.bumped("patch")
    assert f"## Unreleased\n\n## {after.version} - " in after.changelog


def test_bumped_distribution_is_released_before_it_is_bumped_again(
    copy: Copy, refusal: Refusal
) -> None:
    copy.note("trio")
    copy.commit()
    bumped(copy, "trio", "patch")
    copy.note("trio", "And more.")
    copy.commit()
    assert "is not the version of httpcore-trio" in refusal(copy, "bump trio patch")
    copy.git("tag", copy["trio"].tag)
    bumped(copy, "trio", "patch")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("bump nobody patch", "there is no distribution 'nobody', only anyio, asyncio"),
        ("bump pool", "the following arguments are required: part"),
        ("bump pool huge", "invalid choice: 'huge'"),
        ("bump pool patch", "the changelog has no entries under Unreleased"),
        ("bump pool first", "httpcore-pool has a release already"),
        ("bump pool patch --raise nobody", "there is no distribution 'nobody'"),
        ("show nobody", "there is no distribution 'nobody'"),
        ("build", "one of the arguments"),
        ("build nobody", "there is no distribution 'nobody'"),
        ("build --tag httpcore-pool-v99.0.0", "is not the version of httpcore-pool"),
        ("build --tag pool", "the tag 'pool' is not of the form"),
        ("notes httpcore-pool-v99.0.0", "is not the version of httpcore-pool"),
        ("publish", "invalid choice: 'publish'"),
    ],
)
def test_bad_input_gets_one_line(
    released: Copy, refusal: Refusal, command: str, reason: str
) -> None:
    assert reason in refusal(released, command)


@pytest.mark.parametrize("command", ["bump pool patch", "build pool"])
def test_nothing_is_made_of_what_is_not_committed(
    copy: Copy, refusal: Refusal, command: str
) -> None:
    copy.note("pool")
    assert "not all is committed: packages/pool/CHANGELOG.md" in refusal(copy, command)


def test_tag_is_not_built_before_its_changelog_has_it(
    unreleased: Copy, refusal: Refusal
) -> None:
    tag = unreleased["pool"].tag
    assert "the changelog has no section for" in refusal(unreleased, f"build --tag {tag}")


def remove_name(copy: Copy) -> None:
    path = "packages/interface/src/httpcore_interface/__init__.py"
    copy.replace(path, '    "seconds_to_wait",\n', "")
    copy.replace(path, "from ._timeout import seconds_to_wait\n", "")


def remove_parameter(copy: Copy) -> None:
    path = "packages/interface/src/httpcore_interface/_backend.py"
    copy.replace(path, "timeout: float | None = None", "patience: float | None = None")


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (remove_name, "seconds_to_wait"),
        (remove_parameter, "NetworkBackend.connect_tcp(timeout)"),
    ],
)
def test_break_is_seen(
    copy: Copy,
    refusal: Refusal,
    capsys: pytest.CaptureFixture[str],
    break_it: collections.abc.Callable[[Copy], None],
    said: str,
) -> None:
    break_it(copy)
    copy.note("interface")
    copy.commit()
    line = refusal(copy, "bump interface patch")
    assert said in line
    assert "that takes `bump interface minor`" in line
    assert copy.release("bump", "interface", "minor") == 0
    assert said in capsys.readouterr().out


def test_facade_loses_no_name_without_a_major_version(copy: Copy, refusal: Refusal) -> None:
    copy.replace(
        "packages/httpcore/src/httpcore/__init__.py",
        "    from httpcore_sync import SyncBackend as SyncBackend\n",
        "",
    )
    copy.note("httpcore")
    copy.commit()
    line = refusal(copy, "bump httpcore minor")
    assert "httpcore.SyncBackend" in line
    assert "that takes `bump httpcore major`" in line


def use_new_name(copy: Copy) -> None:
    """The interface gets a name, which the backend for blocking code uses."""
    path = "packages/interface/src/httpcore_interface/__init__.py"
    copy.replace(path, "__all__ = [\n", 'NEW = "new"\n\n__all__ = [\n    "NEW",\n')
    path = "packages/sync/src/httpcore_sync/_backend.py"
    (copy.root / path).write_text(
        copy.read(path) + "\nfrom httpcore_interface import NEW as NEW\n", "utf-8"
    )
    copy.note("interface")
    copy.note("sync")
    copy.commit()


def test_sibling_that_uses_a_new_name_requires_the_new_version(
    copy: Copy, refusal: Refusal
) -> None:
    use_new_name(copy)
    line = refusal(copy, "bump sync patch")
    assert "uses what no release of httpcore-interface has (NEW): bump interface" in line
    files = bumped(copy, "interface", "minor")
    assert {path for path in files if not path.startswith("packages/interface/")} == {
        "packages/sync/CHANGELOG.md",
        "packages/sync/pyproject.toml",
    }
    minor = copy["interface"].version.minor
    assert f'"httpcore-interface>=0.{minor},<1"' in copy["sync"].pyproject
    assert f"- It requires `httpcore-interface>=0.{minor},<1`." in copy["sync"].changelog
    # What has been bumped will be released first.
    copy.commit()
    bumped(copy, "sync", "patch")


def test_siblings_require_the_new_version_where_that_is_asked_for(copy: Copy) -> None:
    copy.note("interface")
    copy.commit()
    files = bumped(copy, "interface", "patch", "--raise", "pool,httpcore-trio")
    assert {path for path in files if path.endswith("pyproject.toml")} == {
        "packages/pool/pyproject.toml",
        "packages/trio/pyproject.toml",
    }


def test_major_version_is_let_in_by_those_who_require_it(copy: Copy) -> None:
    copy.note("pool")
    copy.commit()
    files = bumped(copy, "pool", "major")
    assert "packages/httpcore/pyproject.toml" in files
    assert '"httpcore-pool>=0.1,<2"' in copy["httpcore"].pyproject
    assert '"httpcore-pool[http2]>=0.1,<2"' in copy["httpcore"].pyproject


def test_notes_are_those_of_the_changelog(
    released: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert released.release("notes", released["sync"].tag) == 0
    assert "- The first release of this distribution.\n" in capsys.readouterr().out


def test_program_exits_with_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.release", "show", "nobody"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("release: there is no distribution 'nobody'")
