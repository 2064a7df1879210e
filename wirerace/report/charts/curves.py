"""Curves of a sweep: one chart for each figure, with intervals."""

from collections.abc import Iterator, Sequence

from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import BY_ID
from wirerace.record.result import ContestantRecord, Interval, Result
from wirerace.report.charts.axes import Swept, spelled, sweeps_of
from wirerace.report.charts.values import Curve, Dimension, Dot, LineChart
from wirerace.report.charts.view import UNKNOWN_INTERVAL, View
from wirerace.report.charts.wording import capital, clearly_less
from wirerace.report.spelling import spell
from wirerace.report.sweep import columns_of

EXTREME = {"less": "least", "more": "most"}
LOG_FROM = 20
"""A figure whose largest value is more than this multiple of its least one has a logarithmic axis."""


def sweep_curves(result: Result, figures: Sequence[str] = (), log_from: float = LOG_FROM) -> Iterator[LineChart]:
    """Yield a chart for each of some figures, or of the sweep's table, along the key with the most values.

    A figure whose largest value is more than `log_from` times its least one has a logarithmic axis.
    """
    for swept in sweeps_of(result):
        if not swept.axis:
            return
        views = [View(result.at(index)) for index in swept.points]
        for figure in figures or columns_of(result):
            chart = _chart(result, swept, views, figure, log_from)
            if chart is not None:
                yield chart


def _chart(result: Result, swept: Swept, views: Sequence[View], figure: str, log_from: float) -> LineChart | None:
    curves = [
        Curve(view.title(contestant), contestant.transport, dots, view.variety(contestant), has_marks=True)
        for view in [View(result)]
        for contestant in result.present
        if (dots := _dots(swept, views, contestant, figure))
    ]
    values = [dot.y for curve in curves for dot in curve.dots]
    if not values:
        return None
    least = min(values)
    is_log = least > 0 and max(values) > log_from * least
    if is_log:  # an end of an interval at or below 0 has no place there
        curves = [curve._replace(dots=[_positive(dot, least / 2) for dot in curve.dots]) for curve in curves]
    about = BY_ID[figure]
    return LineChart(
        _title(curves, about, swept),
        f"{capital(about.about)}.",
        swept.dimension,
        Dimension(about.label + (", logarithmic" if is_log else ""), about.unit, is_log=is_log),
        curves,
    )


def _dots(swept: Swept, views: Sequence[View], contestant: ContestantRecord, figure: str) -> list[Dot]:
    found = []
    for position, view in zip(swept.positions, views, strict=True):
        is_there = contestant.id in view.summary.figures
        interval: Interval = view.interval(contestant, figure) if is_there else UNKNOWN_INTERVAL
        if interval.mean is not None:
            found.append(Dot(position, interval.mean, interval.low, interval.high))
    return found


def _positive(dot: Dot, least: float) -> Dot:
    return dot if dot.low is None or dot.low > 0 else dot._replace(low=least)


def _title(curves: Sequence[Curve], about: Figure, swept: Swept) -> str:
    """Return which contestant had the best value at every setting, if one clearly had; else the range that one sees."""
    leaders = {_leader(curves, x, about) for x in swept.positions}
    if len(leaders) == 1 and (leader := leaders.pop()) and len(curves) > 1:
        return f"{capital(about.label)}: {leader} had the {EXTREME[about.better]} everywhere{swept.said}"
    dots = [(dot, curve.title) for curve in curves for dot in curve.dots]
    least, most = (pick(dots, key=lambda item: item[0].y) for pick in (min, max))
    values = [spell(dot.y, about.unit) for dot, _ in (least, most)]
    if values[0] == values[1]:
        return f"{capital(about.label)}: {values[0]} everywhere{swept.said}"
    if not clearly_less(_interval(least[0]), _interval(most[0])):
        return f"{capital(about.label)}: {values[0]} to {values[1]}, not told apart{swept.said}"
    ends = [
        f"{value} ({name}, at {spelled(swept.values[swept.positions.index(dot.x)])})"
        for value, (dot, name) in zip(values, (least, most), strict=True)
    ]
    return f"{capital(about.label)}: from {ends[0]} to {ends[1]}{swept.said}"


def _leader(curves: Sequence[Curve], x: float, about: Figure) -> str:
    """Return the contestant with the best value at a place; empty if it is not clearly better than the next one."""
    dots = [(dot, curve.title) for curve in curves for dot in curve.dots if dot.x == x]
    if len(dots) < len(curves) or len(dots) < 2:
        return ""
    (best, name), (second, _) = sorted(dots, key=lambda item: item[0].y, reverse=about.better == "more")[:2]
    less, more = (best, second) if about.better == "less" else (second, best)
    return name if clearly_less(_interval(less), _interval(more)) else ""


def _interval(dot: Dot) -> Interval:
    return Interval(dot.y, dot.low, dot.high)
