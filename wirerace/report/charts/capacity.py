"""A search for capacity as a chart: the figure of its first objective at each value that was tried."""

from collections.abc import Iterator
from statistics import fmean

from wirerace.analysis.capacity.found import options_of, tried_by
from wirerace.analysis.figures import BY_ID
from wirerace.experiment.objective import Objective, objectives_in
from wirerace.record.result import ContestantRecord, Result
from wirerace.report.capacity import carried_by_id
from wirerace.report.charts.values import Curve, Dimension, Dot, LineChart
from wirerace.report.charts.view import View
from wirerace.report.phrases import listed
from wirerace.report.settings import KEY_UNITS


def capacity_chart(result: Result) -> Iterator[LineChart]:
    """Yield the chart; none if no trial counts."""
    options = options_of(result)
    objective = next(objectives_in(options.objectives, "capacity.objectives"))
    figure, view = BY_ID[objective.figure], View(result)
    curves = [
        Curve(view.title(one), one.transport, dots, view.variety(one), has_marks=True)
        for one in result.contestants
        if (dots := _dots(result, one))
    ]
    values = [dot.y for curve in curves for dot in curve.dots]
    if not values:
        return
    is_log = min(values) > 0
    curves.append(_limit(curves, objective))
    unit = KEY_UNITS[options.knob]
    yield LineChart(
        f"{_title(result)} {unit}",
        f"{figure.label} at each value that was tried, means and ranges. Dotted: {objective.text}.",
        Dimension(f"{unit}, logarithmic", "count", is_log=True),
        Dimension(figure.label + (", logarithmic" if is_log else ""), figure.unit, is_log=is_log),
        curves,
    )


def _dots(result: Result, contestant: ContestantRecord) -> list[Dot]:
    found = []
    for value, marks in sorted(tried_by(result, contestant.id).climbing.items()):
        seen = [mark.value for mark in marks if mark.says != "void" and mark.value is not None]
        if seen:
            found.append(Dot(value, fmean(seen), *((min(seen), max(seen)) if len(seen) > 1 else (None, None))))
    return found


def _limit(curves: list[Curve], objective: Objective) -> Curve:
    """Return the objective's limit as a line from the lowest value to the highest one."""
    values = [dot.x for curve in curves for dot in curve.dots]
    dots = [Dot(min(values), objective.limit), Dot(max(values), objective.limit)]
    return Curve("objective", "none", dots, is_theory=True)


def _title(result: Result) -> str:
    """Return what each contestant carries."""
    view = View(result)
    return listed([f"{view.title(one)}: {carried_by_id(result, one.id)}" for one in result.contestants])
