"""A chart as a picture of its own."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from wirerace.report.charts.values import Bar, BarChart, Chart, Curve, Dimension, Dot, LineChart, Strip, StripChart
from wirerace.report.drawing.standalone import STYLE, standalone
from wirerace.report.html import page
from wirerace.transports import TRANSPORTS

SVG = "{http://www.w3.org/2000/svg}"
LONG = "A title <of> words & more that are too many for one line of a picture, so that it takes two of them"
AXES = Dimension("t", "seconds"), Dimension("u", "seconds")
DOTS = [Dot(0, 1), Dot(1, 2)]
CHARTS: list[Chart] = [
    LineChart(LONG, "", *AXES, [Curve("SSE", "sse", DOTS)]),
    BarChart(LONG, "", [Bar("SSE", "sse", [1.0], "1 s")]),
    StripChart(LONG, "", *AXES, [Strip("SSE", "sse", DOTS)]),
]


@pytest.mark.parametrize("chart", CHARTS)
def test_picture_is_whole_by_itself(chart: Chart) -> None:
    picture = standalone(chart)
    root = ET.fromstring(picture)  # noqa: S314 -- our own

    assert [LONG] == [" ".join(text.text or "" for text in root.iter(f"{SVG}text") if text.get("class") == "heading")]
    assert LONG == root.get("aria-label")
    assert not re.search(r"href|url\(|@import|<script", picture)


@pytest.mark.parametrize("chart", CHARTS)
def test_picture_has_a_white_ground_and_the_drawing_lies_on_it(chart: Chart) -> None:
    root = ET.fromstring(standalone(chart))  # noqa: S314 -- our own
    ground, inner = root.find(f"{SVG}rect"), root.find(f"{SVG}svg")

    assert ground is not None
    assert inner is not None
    assert ("#fff", root.get("width"), root.get("height")) == tuple(map(ground.get, ("fill", "width", "height")))
    assert float(inner.get("x", 0)) + float(inner.get("width", 0)) <= float(root.get("width", 0))
    assert float(inner.get("y", 0)) + float(inner.get("height", 0)) <= float(root.get("height", 0))


def test_picture_has_the_colour_of_every_transport() -> None:
    picture = standalone(CHARTS[0])

    assert all(f".t-{name} {{ --c: {transport.color}; }}" in picture for name, transport in TRANSPORTS.items())


def test_picture_looks_as_the_report_does() -> None:
    report = (Path(page.__file__).parent / "style.css").read_text()
    rules = [line for line in STYLE.splitlines() if line.startswith(".") and not line.startswith((".heading", ".t-"))]

    assert [] == [rule for rule in rules if f"svg {rule}".replace(", .", ", svg .") not in report]
