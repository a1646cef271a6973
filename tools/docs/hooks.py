"""Hooks of mkdocs: files of the repository on pages, and what is checked of each page.

Standard library only: this runs where mkdocs is installed, and is tested where it is not.
"""

import logging
import posixpath
import re
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]

# Under this name strict builds count warnings.
log = logging.getLogger("mkdocs.hooks.site")

_PLACE = re.compile(r"(?m)^<!-- file: (\S+) -->$")
_LINK = re.compile(r"\[([^]]*)\]\(([^)\s]+)\)")
_HEADING = re.compile(r"(?m)^(#+) (.*)$")
# What a browser would fetch by itself.
_ELSEWHERE = r'"((?:https?:)?//[^"]*)"'
_FETCHED = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*?\s(?:src|srcset)="
    + _ELSEWHERE
    + r'|<link\b(?=[^>]*\brel="(?:stylesheet|preconnect|icon|preload)")[^>]*?\shref='
    + _ELSEWHERE
)
_HOST = re.compile(r"([\w-]+\.)+[a-z]{2,}")
_EXTERNAL = re.compile(r'<a\b[^>]*?\shref="([a-z]+:[^"]*)"')


class File(Protocol):
    """The source of a page, as mkdocs has it."""

    @property
    def src_uri(self) -> str:
        """Where it stands in docs/."""


class Page(Protocol):
    """A page, as mkdocs has it."""

    @property
    def file(self) -> File:
        """Where it comes from."""


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Put the files in that a page names: a line `<!-- file: CONTRIBUTING.md -->` each."""

    def text_of(place: re.Match[str]) -> str:
        path = ROOT / place[1]
        if not path.exists():
            log.warning("%s: there is no file %s", page.file.src_uri, place[1])
            return ""
        above = _HEADING.findall(markdown[: place.start()])
        level = len(above[-1][0]) if above else 1
        text = _nest(path.read_text("utf-8"), level)
        return _move_links(text, place[1], page.file.src_uri)

    return _PLACE.sub(text_of, markdown)


def _nest(text: str, level: int) -> str:
    """Leave out a file's title, and put its headings under one of that level."""
    _, _, text = text.partition("\n")
    if level == 1:
        return text
    return _HEADING.sub(lambda found: f"{'#' * (level - 1)}{found[0]}", text)


def _move_links(text: str, old: str, new: str) -> str:
    """Make the links of a file those of a page; what is not in docs/ loses its link."""

    def move(link: re.Match[str]) -> str:
        place, hash_sign, anchor = link[2].partition("#")
        if "://" in link[2] or not place:
            return link[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(old), place))
        if not target.startswith("docs/") or not (ROOT / target).is_file():
            return link[1]
        moved = posixpath.relpath(target, posixpath.join("docs", posixpath.dirname(new)))
        return f"[{link[1]}]({moved}{hash_sign}{anchor})"

    return _LINK.sub(move, text)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Warn of what a page would fetch from elsewhere, and of links that are none."""
    for found in _FETCHED.findall(output):
        log.warning("%s: fetches %s", page.file.src_uri, "".join(found))
    for url in _EXTERNAL.findall(output):
        if not is_external(url):
            log.warning("%s: %s is no link", page.file.src_uri, url)
    return output


def is_external(url: str) -> bool:
    """Return whether a URL may lead somewhere, as far as that can be told without asking."""
    if url.startswith("mailto:"):
        return "@" in url
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(_HOST.fullmatch(parts.netloc))
