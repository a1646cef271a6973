"""The proof of independence: what it reads, what it decides, and how it fails."""

import collections.abc
import dataclasses
import json
import pathlib
import subprocess
import sys
import zipfile
from urllib.parse import urlsplit

import pytest

from tools.demo.server import SMALL
from tools.proof.__main__ import main
from tools.proof.claim import Claim, ProofError, try_to_prove
from tools.proof.inside.import_all import missed_module
from tools.proof.oldest import find_oldest
from tools.proof.server import Servers, running_servers
from tools.proof.together import ALL_REQUESTS, COMBINATIONS, Request
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


INSIDE = ROOT / "tools" / "proof" / "inside"


def run_inside(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program with what is installed here."""
    command = [sys.executable, "-I", "-W", "error", str(INSIDE / f"{program}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


def test_programs_inside_import_nothing_from_here() -> None:
    for path in INSIDE.glob("*.py"):
        assert "from tools" not in path.read_text("utf-8")


@pytest.fixture
def servers(
    no_socket_is_left: None, tmp_path: pathlib.Path
) -> collections.abc.Iterator[Servers]:
    with running_servers(tmp_path) as servers:
        yield servers


def settings(servers: Servers, request: Request, **changes: object) -> str:
    server = servers.http2 if request.version == "HTTP/2" else servers.http1
    return json.dumps(
        dataclasses.asdict(request)
        | {
            "urls": [f"{server.tls_url}/small"],
            "size": SMALL,
            "authority": str(servers.authority),
            "proxy": servers.proxies.url(request.proxy) if request.proxy else "",
        }
        | changes
    )


@pytest.mark.parametrize("one", ALL_REQUESTS, ids=str)
def test_request_is_sent(servers: Servers, one: Request) -> None:
    done = run_inside("request", settings(servers, one))
    assert done.returncode == 0, done.stderr
    assert len(servers.proxies.asked) == bool(one.proxy)


@pytest.mark.parametrize("changes", [{"size": 1}, {"version": "HTTP/2"}])
def test_response_that_differs_is_seen(servers: Servers, changes: dict[str, object]) -> None:
    one = Request("httpcore", "blocking")
    done = run_inside("request", settings(servers, one, **changes))
    assert done.returncode == 1
    assert f"(200, {SMALL}, 'HTTP/1.1') came back, not" in done.stderr


def test_request_that_fails_is_seen(servers: Servers, refusing_port: int) -> None:
    urls = [f"http://127.0.0.1:{refusing_port}/"]
    one = settings(servers, Request("httpcore", "blocking"), urls=urls)
    assert "ConnectError" in run_inside("request", one).stderr


def test_backend_on_the_interface_alone_is_used(servers: Servers, refusing_port: int) -> None:
    address = urlsplit(servers.http1.plain_url)
    host = str(address.hostname)
    assert run_inside("own_backend", host, str(address.port)).returncode == 0
    assert "ConnectError" in run_inside("own_backend", host, str(refusing_port)).stderr


def test_module_that_cannot_be_imported_is_seen(tmp_path: pathlib.Path) -> None:
    package = tmp_path / "broken"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    (package / "part.py").write_text("import not_declared\n", "utf-8")
    program = (
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        f"sys.prefix = {str(tmp_path)!r}\n"
        f"runpy.run_path({str(INSIDE / 'import_all.py')!r}, run_name='__main__')\n"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)

    assert "No module named 'not_declared'" in run("broken").stderr
    assert run("broken", "not_declared").stdout == "2 modules\n"


def test_package_of_another_environment_is_seen() -> None:
    # Here it is installed from its folder.
    done = run_inside("import_all", "httpcore_interface")
    assert done.returncode == 1
    assert "httpcore_interface is not installed here but in" in done.stderr
