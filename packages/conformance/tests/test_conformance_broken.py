"""Each check can fail: a backend that is broken in the way it looks for proves it."""

import importlib
import pathlib
import typing

import pytest
from breaking import ALL, Broken, checks_of
from running_inside import RunInside

import httpcore_conformance

pytest_plugins = ["pytester"]

# They register what they define.
MODULES = sorted(path.stem for path in pathlib.Path(__file__).parent.glob("broken_*.py"))
for module in MODULES:
    importlib.import_module(module)

# Seconds after which a call that hangs, as some do here, has failed. The second time is for
# those that failed in another way, since the machine was held up.
PATIENCE = (0.6, 6)

CONFORMANCE = [
    httpcore_conformance.BackendConformance,
    httpcore_conformance.AsyncBackendConformance,
]


class FirstIsEnough:
    """A plugin that notes why checks fail, and leaves out what would fail once more.

    Attributes:
        messages: Those of the failures, by the name of the test class.
    """

    def __init__(self, brokens: list[Broken]) -> None:
        self._says = {broken.test_name: broken.says for broken in brokens}
        self.messages: dict[str, list[str]] = {name: [] for name in self._says}

    def is_noticed(self, name: str) -> bool:
        return any(self._says[name] in message for message in self.messages[name])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self.is_noticed(item.nodeid.split("::")[1]):
            pytest.skip("noticed already")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> typing.Generator[None, pytest.TestReport, pytest.TestReport]:
        if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
            message = f"{call.excinfo.typename}: {call.excinfo.value}"
            self.messages[item.nodeid.split("::")[1]].append(message)
        return (yield)


@pytest.mark.exhaustive
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("module", MODULES)
def test_broken_backends_are_noticed(module: str, run_inside: RunInside) -> None:
    brokens = [broken for broken in ALL if broken.module == module]
    first_is_enough = FirstIsEnough(brokens)
    for patience in PATIENCE:
        names = [
            broken.test_name
            for broken in brokens
            if not first_is_enough.is_noticed(broken.test_name)
        ]
        if names:
            hold_to_their_checks(run_inside, first_is_enough, names, patience)
    problems: list[str] = []
    for broken in brokens:
        messages = first_is_enough.messages[broken.test_name]
        if not first_is_enough.is_noticed(broken.test_name):
            problems.append(f"{broken.test_name} does not say {broken.says!r}, but {messages}")
        for message in messages:
            if not message.startswith("ContractBroken: the contract: "):
                problems.append(f"{broken.test_name} quotes no contract: {message}")
    assert not problems, "\n".join(problems)


def hold_to_their_checks(
    run_inside: RunInside, plugin: FirstIsEnough, names: list[str], patience: float
) -> None:
    source = f"import breaking\n\nglobals().update(breaking.classes_for({names}, {patience}))\n"
    path = run_inside.pytester.makepyfile(**{f"test_broken_{len(names)}": source})
    run_inside(path, "--tb=no", plugins=[plugin])


def test_every_check_is_proved_to_be_able_to_fail() -> None:
    proved = {broken.check for broken in ALL}
    checks = {check for conformance in CONFORMANCE for check in checks_of(conformance)}
    assert checks - proved == set()
    assert proved - checks == set()
