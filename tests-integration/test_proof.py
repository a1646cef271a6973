"""The proof of independence: what it reads, what it decides, and how it fails."""

import pathlib
import zipfile

import pytest

from tools.proof.__main__ import main
from tools.proof.claim import Claim, ProofError, try_to_prove
from tools.proof.inside.import_all import missed_module
from tools.proof.oldest import find_oldest
from tools.proof.together import COMBINATIONS
from tools.proof.wheels import Wheel, Wheels, read_wheels
from tools.release.distribution import Distribution, read_distributions
from tools.release.version import Version

ROOT = pathlib.Path(__file__).parents[1]

METADATA = """Metadata-Version: 2.4
Name: httpcore-base
Version: 0.1.0
Provides-Extra: http2
Provides-Extra: more
Requires-Dist: h11<0.17,>=0.16
Requires-Dist: httpcore-other<1,>=0.1
Requires-Dist: hpack<5,>=4.1; extra == 'http2'
Requires-Dist: httpcore-more<1,>=0.1; extra == 'more'
"""


def make_wheel(folder: pathlib.Path, name: str, metadata: str) -> None:
    module = name.replace("-", "_")
    with zipfile.ZipFile(folder / f"{module}-0.1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{module}-0.1.0.dist-info/METADATA", metadata)


@pytest.fixture
def wheels(tmp_path: pathlib.Path) -> Wheels:
    make_wheel(tmp_path, "httpcore-base", METADATA)
    for name in ("httpcore-other", "httpcore-more"):
        make_wheel(tmp_path, name, f"Metadata-Version: 2.4\nName: {name}\nVersion: 0.1.0\n")
    return read_wheels(tmp_path)


@pytest.fixture
def wheel(wheels: Wheels) -> Wheel:
    return wheels["httpcore-base"]


def test_wheel_says_what_only_its_extras_bring(wheel: Wheel) -> None:
    assert wheel.module == "httpcore_base"
    assert wheel.optional_modules == {"hpack", "httpcore_more"}
    assert wheel.complete == f"httpcore-base[http2,more] @ {wheel.path.as_uri()}"


def test_only_our_files_go_by_our_names(wheels: Wheels) -> None:
    lines = wheels.constraints(but=["httpcore-more"]).splitlines()
    assert {line.partition(" @ file://")[0] for line in lines} == {
        "httpcore-base",
        "httpcore-other",
    }


def test_requirements_of_others_are_named_without_extras(wheels: Wheels) -> None:
    assert wheels.foreign_requirements() == ["h11<0.17,>=0.16", "hpack<5,>=4.1"]


def test_module_that_is_missed_is_found_behind_other_errors() -> None:
    missing = ModuleNotFoundError("no", name="hpack.hpack")
    told = ImportError("install hpack")
    told.__cause__ = missing
    assert missed_module(missing) == missed_module(told) == "hpack"
    assert missed_module(ImportError("cannot import name")) is None


def fails() -> str:
    raise ProofError("what it printed")


def test_failure_is_told_and_stops_nothing() -> None:
    assert "ok" in str(try_to_prove(Claim("sky", lambda: "blue")))
    outcome = try_to_prove(Claim("sky", fails))
    assert not outcome.holds
    assert "FAILED" in str(outcome)
    assert str(outcome).endswith("\nwhat it printed")


def test_every_distribution_but_those_for_tests_is_used_together() -> None:
    names = {name.partition("[")[0] for one in COMBINATIONS for name in one.names}
    # The facade brings the others.
    assert names <= set(read_distributions(ROOT))
    extras = {name.partition("[")[2].rstrip("]") for one in COMBINATIONS for name in one.names}
    assert extras == {"", "asyncio", "anyio", "trio", "http2", "socks"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nobody"], "there is no distribution 'nobody'"),
        (["--jobs", "many"], "invalid int value: 'many'"),
        (["--wheels", "/nowhere"], "/nowhere has no wheel of httpcore, httpcore-anyio"),
    ],
)
def test_bad_input_gets_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert reason in err
    assert err.count("\n") == 1


def distribution(name: str, requires: str = "") -> Distribution:
    return Distribution(
        folder=pathlib.Path(name),
        name=name,
        module=name,
        version=Version(0, 9, 0),
        pyproject=f"dependencies = [{requires}]\n",
        changelog="",
        init="",
    )


BASE = distribution("base")
POOL = distribution("pool", '"base>=0.2,<1"')
FACADE = distribution("facade", '"base>=0.1,<1", "pool>=0.1,<1"')
ALL = {one.name: one for one in (BASE, POOL, FACADE)}


def oldest_of(
    which: Distribution,
    releases: dict[str, list[Version]],
    pyprojects: dict[Version, str] | None = None,
) -> dict[str, Version]:
    def pyproject_of(sibling: Distribution, version: Version | None) -> str:
        if version is not None and sibling is POOL and pyprojects:
            return pyprojects[version]
        return sibling.pyproject

    return find_oldest(
        which, ALL, {"base": [], "pool": [], "facade": [], **releases}, pyproject_of
    )


V1, V2, V3 = (Version(0, minor, 0) for minor in (1, 2, 3))


def test_without_releases_there_are_no_oldest() -> None:
    assert oldest_of(POOL, {}) == {}
    assert oldest_of(BASE, {"pool": [V1]}) == {}


def test_oldest_is_within_the_range() -> None:
    assert oldest_of(POOL, {"base": [V1, V2, V3]}) == {"base": V2}
    assert oldest_of(POOL, {"base": [V1]}) == {}


def test_oldest_go_together() -> None:
    releases = {"base": [V1, V2, V3], "pool": [V1, V2]}
    # The oldest pool required another base than the facade does.
    texts = {V1: '["base>=0.3,<1"]', V2: '["base>=0.2,<1"]'}
    assert oldest_of(FACADE, releases, texts) == {"base": V3, "pool": V1}
    # Of a pool that has no release, what stands here is installed.
    assert oldest_of(FACADE, {"base": [V1, V2, V3]}) == {"base": V2}


def test_programs_inside_import_nothing_from_here() -> None:
    for path in (ROOT / "tools" / "proof" / "inside").glob("*.py"):
        assert "tools" not in path.read_text("utf-8").replace("tools.proof.request", "")
