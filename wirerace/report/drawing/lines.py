"""Charts of curves over two axes, named directly: beyond their ends, beside them, or at a dot."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from wirerace.report.charts.values import Curve, Dot, LineChart
from wirerace.report.drawing.frame import (
    LINE_HEIGHT,
    Plot,
    axis_below,
    axis_beside,
    left_of,
    picture,
    text,
    whisker,
)
from wirerace.report.drawing.places import Place, Places
from wirerace.report.drawing.scales import Scale, scale_of, spread_out, ticks_of
from wirerace.report.drawing.svg import fitted, path_of, tag, width_of

DASHES = (None, "7 3", "2 3", "9 3 2 3")
"""How the contestants of one transport differ: the first has a solid line."""
MOST_LABELS, MOST_TRIED = 60, 10
"""With more dots than this, only the ends of curves have labels. A name is tried at that many dots between the ends."""
MOST_BESIDE = 0.4
"""The part of the width that names beyond the ends of curves may take; longer ones are cut."""
ASPECT, LEAST_HEIGHT, MOST_HEIGHT = 0.62, 250.0, 430.0


def draw_lines(chart: LineChart, width: float) -> Markup:
    """Return a chart of curves as SVG."""
    height = min(MOST_HEIGHT, max(LEAST_HEIGHT, ASPECT * width))
    dots = [dot for curve in chart.curves for dot in curve.dots]
    ys = [end for dot in dots for end in (dot.y, dot.low, dot.high) if end is not None]
    top, bottom = 2 * LINE_HEIGHT - 4, height - 2 * LINE_HEIGHT - 12
    y = scale_of(chart.y, ys, bottom, top)
    names = _named(chart)
    wide = 30 + max(map(width_of, names.values()), default=0.0)
    beyond = min(MOST_BESIDE * width, wide) if chart.labels_at == "ends" else 16.0
    plot = Plot(left_of(ticks_of(y, chart.y)), top, width - beyond, bottom)
    x = scale_of(chart.x, [dot.x for dot in dots], plot.left, plot.right)
    return picture(
        width,
        height,
        chart.title,
        text(0, TITLE_Y, chart.y.title),
        *axis_beside(plot, y, chart.y),
        *axis_below(plot, x, chart.x, width),
        *(part for curve in chart.curves for part in _curve(curve, x, y)),
        *LABELS[chart.labels_at](chart, names, plot, x, y),
    )


TITLE_Y = 12.0


def _named(chart: LineChart) -> dict[int, str]:
    """Return the names of curves that get one, by their number: theory stands beside what was measured."""
    return {number: curve.title for number, curve in enumerate(chart.curves) if curve.dots and curve.title}


def _curve(curve: Curve, x: Scale, y: Scale) -> Iterator[Markup]:
    points = [(x.at(dot.x), y.at(dot.y)) for dot in curve.dots]
    kind = f"t-{curve.transport} " + ("theory" if curve.is_theory else "line")
    dash = None if curve.is_theory else DASHES[curve.variety % len(DASHES)]
    if len(points) > 1:
        yield tag("path", d=path_of(points), class_=kind, stroke_dasharray=dash)
    if not curve.has_marks:
        return
    for dot, (at_x, at_y) in zip(curve.dots, points, strict=True):
        if dot.low is not None and dot.high is not None:
            yield whisker(at_x, y.at(dot.low), y.at(dot.high), kind=f"own t-{curve.transport}")
        yield tag("circle", cx=at_x, cy=at_y, r=4, class_=f"t-{curve.transport} mark")


def _name(curve: Curve, x: float, y: float, said: str, at: str = "start") -> Markup:
    """Return a name with a short line in the curve's colour before it, because light colours make poor text."""
    dash = DASHES[curve.variety % len(DASHES)]
    start = x if at == "start" else x - width_of(said) - 18 if at == "end" else x - width_of(said) / 2 - 9
    sample = tag("path", d=f"M{start:.1f},{y - 4:.1f}h13", class_=f"t-{curve.transport} line", stroke_dasharray=dash)
    return sample + text(start + 17, y, said, kind="name")


def _at_ends(chart: LineChart, names: dict[int, str], plot: Plot, x: Scale, y: Scale) -> Iterator[Markup]:  # noqa: ARG001
    """Yield the names beyond the ends of curves, at heights that do not overlap."""
    wanted = [y.at(chart.curves[number].dots[-1].y) + 4 for number in names]
    room = max(map(width_of, names.values()), default=0.0)
    room = min(room, plot.right * MOST_BESIDE / (1 - MOST_BESIDE) - 23)
    for (number, said), at_y in zip(
        names.items(), spread_out(wanted, LINE_HEIGHT, plot.top + 4, plot.bottom), strict=True
    ):
        yield _name(chart.curves[number], plot.right + 6, at_y, fitted(said, room))


def _at_heights(chart: LineChart, names: dict[int, str], plot: Plot, x: Scale, y: Scale) -> Iterator[Markup]:
    """Yield the names beside the curves, each at another height, right of all curves that would be in the way."""
    order = sorted(names, key=lambda number: _x_at(chart.curves[number].dots, 0.5))
    for rank, number in enumerate(reversed(order)):
        height = 0.94 - 0.86 * rank / max(1, len(order) - 1) if len(order) > 1 else 0.5
        crossings = sorted(
            x.at(_x_at(curve.dots, part)) for curve in chart.curves if curve.dots for part in (height - 0.05, height)
        )
        start, width = x.at(_x_at(chart.curves[number].dots, height)), width_of(names[number]) + 26
        right = start
        for crossing in crossings:
            if right - 1 <= crossing < right + width:
                right = crossing
        at_y, curve = y.at(height), chart.curves[number]
        if right + width <= plot.right:
            yield tag("path", d=f"M{start:.1f},{at_y:.1f}H{right + 6:.1f}", class_=f"t-{curve.transport} leader")
            yield _name(curve, right + 8, at_y + 4, names[number])
        else:
            yield _name(curve, start - 8, at_y + 4, names[number], "end")


def _x_at(dots: Sequence[Dot], height: float) -> float:
    """Return where a curve that rises reaches a height."""
    return next((dot.x for dot in dots if dot.y >= height), dots[-1].x)


def _at_dots(chart: LineChart, names: dict[int, str], plot: Plot, x: Scale, y: Scale) -> Iterator[Markup]:
    """Yield the names at the last dots of curves, and the labels of all dots, as far as there is space."""
    lines = [[(x.at(dot.x), y.at(dot.y)) for dot in curve.dots] for curve in chart.curves]
    lines += [
        [(x.at(dot.x), y.at(dot.low)), (x.at(dot.x), y.at(dot.high))]
        for curve in chart.curves
        for dot in curve.dots
        if dot.low is not None and dot.high is not None
    ]
    places = Places(Plot(plot.left, plot.top - 8, plot.right + 12, plot.bottom), lines)
    named: set[tuple[int, Dot]] = set()
    for number, said in names.items():
        dots = chart.curves[number].dots
        found = ((dot, _beside(places, x, y, dot, said)) for dot in (dots[-1], dots[0], *dots[1:-1][:MOST_TRIED]))
        dot, place = next(((dot, place) for dot, place in found if place is not None), (dots[-1], None))
        full = _full(said, dot)
        place = place or places.across(x.at(dot.x), y.at(dot.y), f"{full}   ")
        named.add((number, dot))
        yield _name(chart.curves[number], place.x, place.y, full, place.at)
    has_many = sum(len(curve.dots) for curve in chart.curves) > MOST_LABELS
    for number, curve in enumerate(chart.curves):
        for dot in (curve.dots[0], curve.dots[-1]) if has_many else curve.dots:
            is_new = dot.label and (number, dot) not in named
            if is_new and (place := places.beside(x.at(dot.x), y.at(dot.y), dot.label)) is not None:
                yield text(place.x, place.y, dot.label, at=place.at, kind="tick")


def _beside(places: Places, x: Scale, y: Scale, dot: Dot, said: str) -> Place | None:
    return places.beside(x.at(dot.x), y.at(dot.y), f"{_full(said, dot)}   ")


def _full(said: str, dot: Dot) -> str:
    return f"{said}, {dot.label}" if dot.label else said


LABELS = {"ends": _at_ends, "heights": _at_heights, "dots": _at_dots}
