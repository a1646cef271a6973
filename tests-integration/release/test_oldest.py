"""The newest of a distribution with the oldest siblings that its range allows."""

import pathlib
import shutil

import pytest
from repositories import Copy, copy_repository

from tools.proof.claim import ProofError
from tools.proof.oldest import find_oldest_by_tags, prove_oldest
from tools.proof.wheels import read_wheels
from tools.release.distribution import read_distributions
from tools.release.repository import Repository

INIT = "src/httpcore_{}/__init__.py"


TEST = """
import httpcore_mock


def test_it() -> None:
    assert httpcore_mock.MockBackend
"""


@pytest.fixture
def copy(tmp_path: pathlib.Path) -> Copy:
    """The interface, which has a release, and the mock, whose tests take no time."""
    copy = copy_repository(tmp_path / "copy")
    for folder in (copy.root / "packages").iterdir():
        if folder.name not in {"interface", "mock"}:
            shutil.rmtree(folder)
    tests = copy.root / "packages/mock/tests"
    shutil.rmtree(tests)
    tests.mkdir()
    (tests / "test_mock.py").write_text(TEST, "utf-8")
    copy.commit()
    assert copy.release("bump", "interface", "first") == 0
    copy.commit()
    copy.git("tag", copy["interface"].tag)
    copy.replace(f"packages/interface/{INIT.format('interface')}", "__all__ = [\n", NEW)
    copy.note("interface")
    return copy


NEW = 'NEW = "new"\n\n__all__ = [\n    "NEW",\n'


def use(copy: Copy, statement: str) -> None:
    path = copy.root / "packages/mock" / INIT.format("mock")
    path.write_text(path.read_text("utf-8") + f"\n{statement}\n", "utf-8")
    copy.commit()


def prove(copy: Copy, folder: pathlib.Path) -> str | None:
    """What is said of the mock; None: there is nothing to prove."""
    repository, distributions = Repository(copy.root), read_distributions(copy.root)
    mock = distributions["httpcore-mock"]
    oldest = find_oldest_by_tags(mock, distributions, repository)
    if not oldest:
        return None
    assert copy.release("build", "mock") == 0
    wheels = read_wheels(copy.root / "dist")
    return prove_oldest(mock, oldest, distributions, wheels, repository, folder)


# Not as a name that could be seen.
USE = "import httpcore_interface\n\ngetattr(httpcore_interface, 'NEW')"


def test_range_that_should_have_risen_is_found(copy: Copy, tmp_path: pathlib.Path) -> None:
    use(copy, USE)
    with pytest.raises(ProofError, match="has no attribute 'NEW'"):
        prove(copy, tmp_path)


def test_range_that_has_risen_holds(copy: Copy, tmp_path: pathlib.Path) -> None:
    use(copy, USE)
    assert copy.release("bump", "interface", "minor", "--raise", "mock") == 0
    copy.commit()
    # No release is in the range, before this one is tagged.
    assert prove(copy, tmp_path) is None
    copy.git("tag", copy["interface"].tag)
    version = copy["interface"].version
    assert prove(copy, tmp_path) == f"httpcore-interface {version}; 1 passed"


def test_use_of_a_name_without_a_release_waits(copy: Copy, tmp_path: pathlib.Path) -> None:
    use(copy, "from httpcore_interface import NEW as NEW")
    assert prove(copy, tmp_path) == "waits for a release of httpcore-interface"
