"""Charts of strips: the same axes for each contestant, one below the other."""

from collections.abc import Iterator

from markupsafe import Markup

from wirerace.report.charts.values import Strip, StripChart
from wirerace.report.drawing.frame import LINE_HEIGHT, Plot, axis_below, axis_beside, left_of, picture, text
from wirerace.report.drawing.scales import Scale, scale_of, ticks_of
from wirerace.report.drawing.svg import path_of, tag, width_of

HEIGHT, HEAD = 62.0, 20.0
"""The heights of the plot of a strip, and of the name above it."""


def draw_strips(chart: StripChart, width: float) -> Markup:
    """Return a chart of strips as SVG."""
    dots = [dot for strip in chart.strips for dot in strip.dots]
    ys = [end for dot in dots for end in (dot.y, dot.low, dot.high) if end is not None]
    left = left_of(ticks_of(scale_of(chart.y, ys, HEIGHT, 0), chart.y, 3))
    x = scale_of(chart.x, [dot.x for dot in dots], left, width - 12)
    parts, top = [text(0, 12, chart.y.title)], LINE_HEIGHT + 2
    for number, strip in enumerate(chart.strips):
        plot = Plot(left, top + HEAD, width - 12, top + HEAD + HEIGHT)
        y = scale_of(chart.y, ys, plot.bottom, plot.top)
        parts += axis_beside(plot, y, chart.y, 3)
        if number == len(chart.strips) - 1:
            parts += axis_below(plot, x, chart.x, width)
        parts += _strip(strip, plot, x, y)
        top += HEAD + HEIGHT + 6
    return picture(width, top + 2 * LINE_HEIGHT + 8, chart.title, *parts)


def _strip(strip: Strip, plot: Plot, x: Scale, y: Scale) -> Iterator[Markup]:
    kind = f"t-{strip.transport}"
    yield tag("path", d=f"M{plot.left:.1f},{plot.top - 10:.1f}h13", class_=f"{kind} line")
    yield text(plot.left + 17, plot.top - 6, strip.title, kind="name")
    yield text(plot.left + 27 + width_of(strip.title), plot.top - 6, strip.said, kind="tick")
    band = [dot for dot in strip.dots if dot.low is not None and dot.high is not None]
    if band:
        upper = [(x.at(dot.x), y.at(dot.high or 0.0)) for dot in band]
        lower = [(x.at(dot.x), y.at(dot.low or 0.0)) for dot in reversed(band)]
        yield tag("path", d=path_of([*upper, *lower]) + "Z", class_=f"{kind} band")
    if strip.has_line:
        yield tag("path", d=path_of([(x.at(dot.x), y.at(dot.y)) for dot in strip.dots]), class_=f"{kind} line thin")
