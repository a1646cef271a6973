"""The archives of distributions: made, checked, and made again.

That those of every one are what they should be is part of `hatch run proof`.
"""

import hashlib
import pathlib
import shutil
import tarfile
import zipfile

import pytest
from repositories import ROOT, Copy, copy_repository

from tools.release.distribution import read_distributions

NAMES = sorted(map(str, read_distributions(ROOT).values()))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy that nobody changes."""
    return copy_repository(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def copy(shared: Copy, tmp_path: pathlib.Path) -> Copy:
    return shared.clone(tmp_path / "copy")


def digests(copy: Copy) -> dict[str, str]:
    files = (copy.root / "dist").iterdir()
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "SHA256SUMS"
    }


def test_all_are_built_with_checksums_and_the_tags_to_push(
    copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"interface", "sync", "trio"}
    for name in set(NAMES) - names:
        shutil.rmtree(copy.root / "packages" / name)
    copy.commit("Keep three, which is quicker")
    assert copy.release("build", "--all") == 0
    out = capsys.readouterr().out
    found = digests(copy)
    assert len(found) == 2 * len(names)
    sums = (copy.root / "dist" / "SHA256SUMS").read_text("utf-8")
    assert sums == "".join(f"{found[name]}  {name}\n" for name in sorted(found))
    for name, digest in found.items():
        assert f"{digest}  dist/{name}\n" in out
    for name in names:
        tag = copy[name].tag
        assert f"git tag {tag} && git push origin {tag}\n" in out


def test_build_is_the_same_the_next_time(copy: Copy) -> None:
    assert copy.release("build", "sync") == 0
    before = digests(copy)
    copy.note("trio")
    copy.commit()
    assert copy.release("build", "httpcore-sync") == 0
    assert digests(copy) == before


def test_build_of_a_tag(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    assert copy.release("bump", "mock", "first") == 0
    copy.commit()
    tag = copy["mock"].tag
    copy.git("tag", tag)
    assert copy.release("build", "--tag", tag) == 0
    assert capsys.readouterr().out.endswith(f"\ngit push origin {tag}\n")
    copy.note("mock")
    copy.commit()
    assert copy.release("build", "mock") == 0
    assert f"{tag} is of another commit: bump mock before" in capsys.readouterr().out


def test_only_what_belongs_there_is_let_through(
    copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    # What git does not know can get into a wheel, as what it ignores can not.
    (copy.root / ".git" / "info" / "exclude").write_text("stray.txt\n", "utf-8")
    (copy.root / "packages/sync/src/httpcore_sync/stray.txt").write_text("", "utf-8")
    copy.replace(
        "packages/sync/pyproject.toml", 'include = ["src", "tests", ', 'include = ["src", '
    )
    copy.replace(
        "packages/sync/pyproject.toml", '"httpcore-interface>=0.1,<1"', '"httpcore-interface"'
    )
    copy.commit()
    assert copy.release("build", "sync") == 1
    error = capsys.readouterr().err
    assert "httpcore_sync/stray.txt, which does not belong there" in error
    assert "lacks httpcore_sync-0.1.0/tests/conftest.py" in error
    assert "httpcore-interface: a member is required by a range" in error


def test_description_that_cannot_be_shown_is_refused(
    copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    copy.replace("packages/sync/pyproject.toml", 'readme = "README.md"\n', "")
    copy.commit()
    assert copy.release("build", "sync") == 1
    assert "long_description" in capsys.readouterr().err


def test_wheel_has_the_source_and_sdist_the_tests(copy: Copy) -> None:
    assert copy.release("build", "conformance") == 0
    [sdist] = (copy.root / "dist").glob("*.tar.gz")
    [wheel] = (copy.root / "dist").glob("*.whl")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/test_conformance_good.py", "conftest.py", "template/README.md"} <= names
    assert not any("tests/" in name for name in zipfile.ZipFile(wheel).namelist())
