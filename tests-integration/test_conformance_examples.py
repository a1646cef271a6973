"""The test classes in the README of the kit work as they stand."""

import pathlib
import re

import pytest

README = pathlib.Path(__file__).parents[1] / "packages" / "conformance" / "README.md"
EXAMPLES = re.findall(r"(?ms)^```python\n(.*?)^```$", README.read_text("utf-8"))

pytest_plugins = ["pytester"]


def test_every_way_to_use_the_kit_is_shown() -> None:
    text = "".join(EXAMPLES)
    for words in ("BackendConformance)", 'library = "trio"', "def runner(", "without_"):
        assert words in text


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_test_class_runs(pytester: pytest.Pytester, number: int) -> None:
    path = pytester.makepyfile(**{f"test_example_{number}": EXAMPLES[number]})
    without = [f"-pno:{plugin}" for plugin in ("randomly", "cacheprovider", "xdist")]
    checks = "test_close_frees_the_socket or test_connect_reaches_the"
    passed, skipped, failed = pytester.inline_run(path, *without, "-k", checks).listoutcomes()
    assert not failed
    assert len(passed) >= 7
    assert bool(skipped) == ("without_unix_sockets" in EXAMPLES[number])
