"""The pages of docs/, taken apart: blocks of code, and how a program is run."""

import itertools
import pathlib
import re

from example_site import ExampleSite

DOCS = pathlib.Path(__file__).parents[1] / "docs"


def blocks_of(page: str, language: str = "python") -> list[str]:
    """The blocks of a language that stand on a page."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", page)


def programs_of(page: str) -> list[tuple[str, str | None]]:
    """The programs on a page, each with what it prints, where that stands behind it."""
    blocks = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", page)
    # What stands behind the last.
    blocks.append(("", ""))
    return [
        (block, text if after == "text" else None)
        for (language, block), (after, text) in itertools.pairwise(blocks)
        if language == "python"
    ]


def run(block: str, site: ExampleSite) -> dict[str, object]:
    """Runs a program, as if it were the main one; returns its names."""
    program = block.replace(":8080", f":{site.plain.port}")
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(program, "<page>", "exec"), names)
    return names
