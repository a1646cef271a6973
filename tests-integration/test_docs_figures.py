"""The figures on docs/performance.md say what the results say that are kept beside it."""

import re
import xml.etree.ElementTree as ET

import pytest
from pages import DOCS

from tools.docs.charts import FIGURES, Figure, draw, render
from tools.docs.results import Results, ratio

PAGE = DOCS / "performance.md"
RESULTS = Results.read(DOCS / "performance")


def test_tables_are_those_of_the_results() -> None:
    page = PAGE.read_text("utf-8")
    # `hatch run charts` writes them.
    assert page == render(page, RESULTS)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_chart_is_that_of_the_results(figure: Figure) -> None:
    chart = (DOCS / "performance" / f"{figure.name}.svg").read_text("utf-8")
    assert chart == draw(figure, RESULTS)
    assert ET.fromstring(chart).tag.endswith("svg")
    assert f"(performance/{figure.name}.svg)" in PAGE.read_text("utf-8")


def test_results_say_where_they_come_from() -> None:
    for report in RESULTS.reports.values():
        assert re.match(r"\d{4}-\d\d-\d\dT", report["date"])
        assert report["processor"]
        assert report["python"]


def test_ratio_is_that_of_the_rounds() -> None:
    # A slow round slows both: the ratio of the medians would be 3.
    assert ratio([2.0, 20.0, 6.0], [1.0, 10.0, 2.0]) == 2.0
    assert ratio([], [1.0]) is None


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.svg")), ids=lambda path: path.stem)
def test_picture_has_a_text_in_its_place(path: object) -> None:
    tree = ET.parse(str(path))
    names = [child.tag.rpartition("}")[2] for child in tree.getroot()]
    assert names[:2] == ["title", "desc"]
