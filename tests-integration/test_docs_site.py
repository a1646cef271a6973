"""What the hooks of the site do with pages, and what they find wrong with them."""

import dataclasses
import importlib
import logging
import pathlib
import re

import pytest
from pages import DOCS

from tools.docs import hooks

ROOT = DOCS.parent


@dataclasses.dataclass
class File:
    src_uri: str


@dataclasses.dataclass
class Page:
    file: File


PAGE = Page(File("guide/page.md"))


@pytest.fixture
def repository(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(hooks, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other.md").touch()
    return tmp_path


def test_file_is_put_in_under_the_heading_of_the_page(repository: pathlib.Path) -> None:
    (repository / "NOTES.md").write_text("# Notes\n\nText.\n\n## Part\n", "utf-8")
    page = "# Page\n\n<!-- file: NOTES.md -->\n\n## Below\n\n<!-- file: NOTES.md -->\n"
    shown = hooks.on_page_markdown(page, PAGE)
    assert re.findall(r"(?m)^#+ .*", shown) == ["# Page", "## Part", "## Below", "### Part"]


def test_links_of_a_file_lead_where_they_led(repository: pathlib.Path) -> None:
    text = "# Notes\n[a](docs/other.md#b) [c](LICENSE) [d](https://example.com) [e](#f)\n"
    (repository / "NOTES.md").write_text(text, "utf-8")
    shown = hooks.on_page_markdown("<!-- file: NOTES.md -->", PAGE)
    assert shown == "[a](../other.md#b) c [d](https://example.com) [e](#f)\n"


def test_file_that_is_not_there_is_a_warning(
    repository: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    hooks.on_page_markdown("<!-- file: NOTES.md -->", PAGE)
    assert caplog.messages == ["guide/page.md: there is no file NOTES.md"]


@pytest.mark.parametrize(
    "output",
    [
        '<script src="https://cdn.example.com/a.js"></script>',
        '<script src="//cdn.example.com/a.js"></script>',
        '<img alt="x" src="http://example.com/a.png">',
        '<link rel="stylesheet" href="https://fonts.example.com/css">',
        '<link href="https://fonts.example.com" rel="preconnect">',
        '<a href="http://example.com/">insecure</a>',
        '<a href="https://example/">nowhere</a>',
        '<a href="https://exa mple.com/">no host</a>',
    ],
)
def test_page_that_needs_another_host_is_a_warning(
    caplog: pytest.LogCaptureFixture, output: str
) -> None:
    assert hooks.on_post_page(output, PAGE) == output
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING
    # Strict builds count those of mkdocs.
    assert caplog.records[0].name.startswith("mkdocs.")


@pytest.mark.parametrize(
    "output",
    [
        '<script src="../assets/a.js"></script>',
        '<link rel="stylesheet" href="../a.css">',
        '<link rel="canonical" href="https://example.com/">',
        '<a href="https://example.com/a#b">elsewhere</a>',
        '<a href="../other/">here</a>',
        '<a href="mailto:a@example.com">somebody</a>',
    ],
)
def test_page_that_needs_none_is_fine(caplog: pytest.LogCaptureFixture, output: str) -> None:
    hooks.on_post_page(output, PAGE)
    assert not caplog.records


def test_reference_has_every_public_name() -> None:
    """A page for each distribution, on which each of its names stands once."""
    for folder in sorted((ROOT / "packages").iterdir()):
        page = (DOCS / "reference" / f"{folder.name}.md").read_text("utf-8")
        [package] = (folder / "src").iterdir()
        names = public_names(package)
        if folder.name == "httpcore":
            found = re.findall(r"\[`(\w+)`\]\[httpcore_\w+\.\w+\]", page)
            names = [*names, "AnyIOBackend", "TrioBackend"]
        else:
            found = re.findall(rf"(?m)^::: {package.name}\.([\w.]+)$", page)
        assert sorted(found) == sorted(names)


def public_names(package: pathlib.Path) -> list[str]:
    """Those of a distribution, and of its parts that are imported by themselves."""
    names = list(importlib.import_module(package.name).__all__)
    for source in package.glob("[a-z]*/__init__.py"):
        part = source.parent.name
        module = importlib.import_module(f"{package.name}.{part}")
        names += [f"{part}.{name}" for name in module.__all__]
    return names


def test_every_changelog_is_shown() -> None:
    page = (DOCS / "changelogs.md").read_text("utf-8")
    shown = re.findall(r"(?m)^<!-- file: (\S+) -->$", page)
    logs = (ROOT / "packages").glob("*/CHANGELOG.md")
    assert sorted(shown) == sorted(path.relative_to(ROOT).as_posix() for path in logs)
