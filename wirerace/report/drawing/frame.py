"""The frame of a chart: grid lines, ticks and the titles of its axes."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from wirerace.report.charts.values import Dimension
from wirerace.report.drawing.scales import Scale, ticks_of
from wirerace.report.drawing.svg import fitted, tag, width_of

TEXT_HEIGHT = 13
LINE_HEIGHT = 15.0


class Plot(NamedTuple):
    """The inside of a frame."""

    left: float
    top: float
    right: float
    bottom: float


def picture(width: float, height: float, title: str, *children: str) -> Markup:
    """Return a whole drawing that fills the width of its place."""
    return tag("svg", *children, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=title)


def text(x: float, y: float, said: str, *, at: str = "start", kind: str | None = None) -> Markup:
    """Return a text. `at` says which of its points x is: its start, middle or end."""
    return tag("text", said, x=x, y=y, class_=kind, text_anchor=None if at == "start" else at)


def axis_below(plot: Plot, scale: Scale, dimension: Dimension, width: float) -> list[Markup]:
    """Return ticks, grid lines and the title of the axis below a plot, in a picture of a width.

    A tick that would touch the one before it has no text.
    """
    parts: list[Markup] = []
    free_from = -1e9
    ticks = ticks_of(scale, dimension, max(3, int((plot.right - plot.left) / 75)))
    room = (plot.right - plot.left) / max(1, len(ticks))
    for value, said in ticks:
        x, shown = scale.at(value), fitted(said, room) if dimension.names else said
        parts.append(tag("path", d=f"M{x:.1f},{plot.top:.1f}V{plot.bottom + 4:.1f}", class_="grid"))
        half = width_of(shown) / 2
        centre = min(x, width - half)
        if centre - half >= free_from:
            parts.append(text(centre, plot.bottom + LINE_HEIGHT + 2, shown, at="middle", kind="tick"))
            free_from = centre + half + 6
    title = text((plot.left + plot.right) / 2, plot.bottom + 2 * LINE_HEIGHT + 6, dimension.title, at="middle")
    return [*parts, title]


def axis_beside(plot: Plot, scale: Scale, dimension: Dimension, most: int = 6) -> list[Markup]:
    """Return ticks and grid lines of the axis at the left of a plot; its title lies above it."""
    parts: list[Markup] = []
    for value, said in ticks_of(scale, dimension, most):
        y = scale.at(value)
        parts.append(tag("path", d=f"M{plot.left:.1f},{y:.1f}H{plot.right:.1f}", class_="grid"))
        parts.append(text(plot.left - 6, y + 4, said, at="end", kind="tick"))
    return parts


def left_of(scale_ticks: Sequence[tuple[float, str]]) -> float:
    """Return how much space the texts of ticks need at the left."""
    return 10 + max((width_of(said) for _, said in scale_ticks), default=0.0)


def whisker(x: float, low: float, high: float, *, is_across: bool = False, kind: str = "") -> Markup:
    """Return an interval with caps: up and down at x, or across at that height."""
    if is_across:
        path = f"M{low:.1f},{x - 3:.1f}v6m0,-3H{high:.1f}m0,-3v6"
    else:
        path = f"M{x - 3:.1f},{low:.1f}h6m-3,0V{high:.1f}m-3,0h6"
    return tag("path", d=path, class_=f"whisker {kind}".rstrip())
