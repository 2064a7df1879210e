"""A chart as a picture of its own: it needs nothing else, in either theme."""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.wirerace.report.reports import PLACES
from wirerace.report.charts.values import Bar, BarChart, Curve, Dimension, Dot, LineChart
from wirerace.report.drawing.standalone import standalone
from wirerace.report.html.chapters import charts_of
from wirerace.report.html.saving import reported

SVG = "{http://www.w3.org/2000/svg}"
CURVE = Curve("SSE", "sse", [Dot(0.001, 0.0), Dot(0.002, 1.0)])
CHART = LineChart(
    "A title", "How to read it.", Dimension("t", "seconds", is_log=True), Dimension("p", "fraction"), [CURVE]
)


def texts_of(picture: str) -> list[str]:
    return ["".join(one.itertext()) for one in ET.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314 -- our own


def test_picture_has_its_title_its_size_and_what_stands_below() -> None:
    picture = standalone(CHART, below=["How to read it.", "200 clients"])
    whole = ET.fromstring(picture)  # noqa: S314 -- our own

    assert f"{SVG}svg" == whole.tag
    assert whole.get("viewBox") == f"0 0 {whole.get('width')} {whole.get('height')}"
    assert "A title" == whole.get("aria-label") == texts_of(picture)[0]
    assert ["How to read it.", "200 clients"] == texts_of(picture)[-2:]


def test_picture_has_both_themes_and_a_ground_of_its_own() -> None:
    picture = standalone(CHART)

    assert "@media (prefers-color-scheme: dark)" in picture
    assert 'class="ground"' in picture
    assert ".t-sse { --c: " in picture


@pytest.mark.long
@pytest.mark.parametrize("name", ["stay", "sweep", "messages", "visit"])
def test_every_chart_of_a_result_is_a_picture_that_asks_nobody_for_anything(name: str) -> None:
    found = reported(PLACES[name])
    charts = charts_of(found.result, found.records)

    assert charts
    for chart in charts.values():
        picture = standalone(chart, below=[chart.about])
        assert len(texts_of(picture)) > 2
        assert None is re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)|<script|href", picture)


def test_long_title_is_wrapped_and_the_picture_is_as_much_higher() -> None:
    short, long = (ET.fromstring(standalone(CHART._replace(title="word " * count))) for count in (1, 60))  # noqa: S314
    heights = [float(one.get("height") or 0) for one in (short, long)]
    lines = [one for one in long.iter(f"{SVG}text") if one.get("class") == "heading"]

    assert len(lines) > 2
    assert pytest.approx(21 * (len(lines) - 1)) == heights[1] - heights[0]


def test_what_comes_from_a_result_is_escaped() -> None:
    hostile = "</text><script>alert(1)</script>&"
    picture = standalone(BarChart(hostile, hostile, [Bar(hostile, "sse", [1.0], hostile)]), below=[hostile])

    assert "<script" not in picture
    assert hostile in texts_of(picture)
