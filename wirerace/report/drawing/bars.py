"""Charts of horizontal bars. Each has its name above it and its value beside it, so no axis is needed."""

from collections.abc import Sequence

from markupsafe import Markup

from wirerace.report.charts.values import Bar, BarChart
from wirerace.report.drawing.frame import LINE_HEIGHT, picture, text, whisker
from wirerace.report.drawing.svg import fitted, tag, width_of

ROW, BAR, SHADES = 36.0, 13.0, 5
"""The heights of a row and of its bar, and how many shades of a colour there are for the parts of a bar."""


def draw_bars(chart: BarChart, width: float) -> Markup:
    """Return a chart of bars as SVG."""
    parts = [*_key(chart.parts, width)]
    top = 4 + LINE_HEIGHT * _lines(chart.parts, width)
    most = max((max(sum(bar.parts), bar.high or 0.0) for bar in chart.bars), default=0.0) or 1.0
    room = width - 14 - max((width_of(bar.said) for bar in chart.bars), default=0.0)
    for number, bar in enumerate(chart.bars):
        parts.extend(_row(bar, top + number * ROW, max(60.0, room), most, width))
    height = top + len(chart.bars) * ROW
    return picture(width, height, chart.title, *parts)


def _row(bar: Bar, y: float, room: float, most: float, width: float) -> list[Markup]:
    found = [text(0, y + 12, fitted(bar.title, width), kind="name")]
    x, size = 0.0, room / most
    for number, part in enumerate(bar.parts):
        wide = max(0.0, part) * size
        found.append(
            tag("rect", x=x, y=y + 17, width=wide, height=BAR, class_=f"t-{bar.transport} bar s{number % SHADES}")
        )
        x += wide
    if not x:
        found.append(tag("path", d=f"M0.5,{y + 17:.1f}v{BAR:.1f}", class_=f"t-{bar.transport} line"))
    end = x
    if bar.low is not None and bar.high is not None:
        low, high = max(0.0, bar.low) * size, bar.high * size
        found.append(whisker(y + 17 + BAR / 2, low, high, is_across=True))
        end = max(x, high)
    return [*found, text(end + 7, y + 17 + BAR - 2, bar.said, kind="value")]


def _key(names: Sequence[str], width: float) -> list[Markup]:
    """Return the key of the parts of bars, in grey: it is the same for every colour."""
    found: list[Markup] = []
    x, y = 0.0, 0.0
    for number, name in enumerate(names):
        wide = width_of(name) + 34
        if x and x + wide > width:
            x, y = 0.0, y + LINE_HEIGHT
        found.append(tag("rect", x=x, y=y + 1, width=11, height=11, class_=f"t-none bar s{number % SHADES}"))
        found.append(text(x + 15, y + 11, name, kind="tick"))
        x += wide
    return found


def _lines(names: Sequence[str], width: float) -> int:
    """Return how many lines the key takes."""
    lines, x = (1, 0.0) if names else (0, 0.0)
    for name in names:
        wide = width_of(name) + 34
        if x and x + wide > width:
            lines, x = lines + 1, 0.0
        x += wide
    return lines
