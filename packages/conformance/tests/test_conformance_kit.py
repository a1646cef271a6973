"""What the kit does with test classes, whatever the backend does."""

import collections
import inspect

import pytest
from breaking import checks_of
from poor_backend import REASONS
from running_inside import RunInside

import httpcore_conformance

pytest_plugins = ["pytester"]

CONFORMANCE = [
    httpcore_conformance.BackendConformance,
    httpcore_conformance.AsyncBackendConformance,
]

# The time is for a busy machine: each of them collects, or runs, hundreds of checks.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(300)]


def run(
    run_inside: RunInside, imports: str, members: str, *arguments: str
) -> tuple[collections.Counter[str], list[str]]:
    """Runs a test class; returns the outcomes, and the reasons of skips and failures."""
    indented = "".join(f"    {line}\n" for line in members.splitlines())
    run_inside.pytester.makepyfile(
        f"import pytest\nimport httpcore_conformance\n{imports}\n{indented}"
    )
    result = run_inside(*arguments)
    reports = result.getreports("pytest_runtest_logreport")
    reasons = [str(report.longrepr) for report in reports if not report.passed]
    passed, skipped, failed = map(len, result.listoutcomes())
    return collections.Counter(passed=passed, skipped=skipped, failed=failed), reasons


@pytest.mark.parametrize("conformance", CONFORMANCE)
def test_each_check_has_a_name_of_its_own(conformance: type) -> None:
    names = [
        name for base in conformance.__mro__ for name in vars(base) if name.startswith("test_")
    ]
    assert len(names) == len(set(names)) > 100


@pytest.mark.parametrize("conformance", CONFORMANCE)
def test_each_check_quotes_the_contract(conformance: type) -> None:
    for name in checks_of(conformance):
        check = getattr(conformance, name)
        assert check.__wrapped__.__name__ == name
        assert inspect.unwrap(check) is not check


def test_what_a_backend_lacks_is_skipped_with_its_reason(run_inside: RunInside) -> None:
    members = "\n".join(f"{name} = {reason!r}" for name, reason in REASONS.items())
    outcomes, reasons = run(
        run_inside,
        "from poor_backend import PoorBackend\n"
        "class TestPoor(httpcore_conformance.AsyncBackendConformance):",
        members + "\n@pytest.fixture\ndef backend(self): return PoorBackend()",
        "-k",
        "connect or unix or socket or name or address or handshake or close or fact",
    )
    assert not outcomes["failed"], reasons
    assert outcomes["passed"] > 50
    for reason in REASONS.values():
        assert any(reason in text for text in reasons), reason


def test_tls_in_tls_can_be_lacking_alone(run_inside: RunInside) -> None:
    outcomes, reasons = run(
        run_inside,
        "from breaking import Wrapping\n"
        "from poor_backend import NoTLSInTLSStream\n"
        "class TestPoor(httpcore_conformance.AsyncBackendConformance):",
        "without_tls_in_tls = 'one secret is enough'\n"
        "@pytest.fixture\ndef backend(self): return Wrapping(NoTLSInTLSStream)",
        "-k",
        "handshake or encrypted or farewell or arrive_in_order or protocol or name",
    )
    assert not outcomes["failed"], reasons
    assert any("one secret is enough" in text for text in reasons)
    assert outcomes["passed"] > 20


@pytest.mark.parametrize(
    ("header", "members", "reason"),
    [
        (
            "class TestMine(httpcore_conformance.BackendConformance):",
            "pass",
            "TestMine has no fixture named backend",
        ),
        (
            "class TestMine(httpcore_conformance.AsyncBackendConformance):",
            "library = 'twisted'\n@pytest.fixture\ndef backend(self): return None",
            "library is 'twisted', not asyncio or trio",
        ),
        (
            (
                "from example_backend import ExampleBackend\n"
                "class TestMine(httpcore_conformance.BackendConformance):"
            ),
            "@pytest.fixture\ndef backend(self): return ExampleBackend()",
            "a call of a blocking backend returned something to await",
        ),
    ],
    ids=["no backend", "no such library", "the wrong colour"],
)
def test_a_test_class_that_is_wrong_is_told(
    run_inside: RunInside, header: str, members: str, reason: str
) -> None:
    outcomes, reasons = run(run_inside, header, members, "-k", "test_close_can_be_repeated")
    assert outcomes["passed"] == 0
    assert reasons
    assert all(reason in text for text in reasons)


def test_names_are_resolved_as_a_test_class_says(run_inside: RunInside) -> None:
    outcomes, reasons = run(
        run_inside,
        "import example_backend._connect, socket\n"
        "from example_backend import ExampleBackend\n"
        "class TestMine(httpcore_conformance.AsyncBackendConformance):",
        "asked = []\n"
        "@pytest.fixture\n"
        "def backend(self): return ExampleBackend()\n"
        "def patch_resolver(self, monkeypatch, look_up):\n"
        "    async def resolve(race):\n"
        "        self.asked.append(race)\n"
        "        return look_up('somewhere.test', 80)\n"
        "    monkeypatch.setattr(example_backend._connect.Race, '_resolve', resolve)\n"
        "def test_last(self): assert self.asked",
        "-k",
        "test_when_all_addresses_fail or test_last",
    )
    assert not outcomes["failed"], reasons
    assert outcomes["passed"] == 2
