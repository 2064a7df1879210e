"""A chart of any kind as SVG."""

from markupsafe import Markup

from wirerace.report.charts.values import BarChart, Chart, LineChart
from wirerace.report.drawing.bars import draw_bars
from wirerace.report.drawing.lines import draw_lines
from wirerace.report.drawing.strips import draw_strips

NARROW, WIDE = 440.0, 900.0
"""The widths of drawings, in CSS pixels: half of the page, or a phone, and the whole page."""


def draw(chart: Chart, width: float = NARROW) -> Markup:
    """Return the drawing of a chart."""
    if isinstance(chart, LineChart):
        return draw_lines(chart, width)
    if isinstance(chart, BarChart):
        return draw_bars(chart, width)
    return draw_strips(chart, width)
