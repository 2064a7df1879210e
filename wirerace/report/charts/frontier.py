"""The frontier: how old updates are against what the server spends on a client."""

from collections.abc import Iterator, Sequence

from wirerace.analysis.aggregate import interval
from wirerace.experiment.toml import inline
from wirerace.errors import printable
from wirerace.record.result import ContestantRecord, Result
from wirerace.record.trial import Trial
from wirerace.report.charts.axes import Swept, sweeps_of
from wirerace.report.charts.values import Curve, Dimension, Dot, LineChart
from wirerace.report.charts.view import View
from wirerace.report.charts.wording import listed
from wirerace.report.spelling import spell

US = 1e-6
X = Dimension("server CPU for a client in a second, logarithmic", "microseconds", is_log=True)
Y = Dimension("mean age of a client's newest update, logarithmic", "seconds", is_log=True)


def frontier(result: Result) -> Iterator[LineChart]:
    """Yield the frontier of each sweep of a result, or of its contestants if there is none."""
    for swept in sweeps_of(result):
        curves = [curve for contestant in result.contestants if (curve := _curve(result, contestant, swept)).dots]
        if sum(len(curve.dots) for curve in curves) < 2:
            continue
        along = f" The numbers along a line are {swept.axis}." if swept.axis else ""
        yield LineChart(
            _title(curves, swept),
            "Down is fresher, left is cheaper: nothing beats what has nothing below and left of it. "
            f"The CPU time is that of the server's whole process.{along}",
            X,
            Y,
            curves,
            labels_at="dots",
        )


def _curve(result: Result, contestant: ContestantRecord, swept: Swept) -> Curve:
    dots = []
    for index, value in zip(swept.points, swept.values, strict=True):
        point = View(result.at(index))
        trials = point.trials(contestant)
        costs = [cost for trial in trials if (cost := _cpu_us(trial)) is not None]
        ages = [trial.age_seconds.mean for trial in trials if trial.age_seconds.mean is not None]
        if costs and len(costs) == len(ages) == len(trials) and min(*costs, *ages) > 0:
            x, y = interval(costs).mean, interval(ages)
            if x is not None and y.mean is not None:
                label = "" if not swept.axis else printable(value if isinstance(value, str) else inline(value))
                dots.append(Dot(x, y.mean, y.low if (y.low or 0) > 0 else None, y.high, label))
    view = View(result)
    return Curve(view.title(contestant), contestant.transport, dots, view.variety(contestant), has_marks=True)


def _cpu_us(trial: Trial) -> float | None:
    cpu_seconds = trial.server.cpu_seconds
    return cpu_seconds / trial.client_seconds / US if cpu_seconds and trial.client_seconds else None


def _title(curves: Sequence[Curve], swept: Swept) -> str:
    """Return which contestants are on the frontier: those of a dot that no other dot beats in both."""
    dots = [(dot, curve.title) for curve in curves for dot in curve.dots]
    if swept.axis:
        return f"Age against the server's CPU time for a client, at each {swept.axis}{swept.said}"
    best = [
        name
        for dot, name in dots
        if not any(other.x <= dot.x and other.y <= dot.y and other != dot for other, _ in dots)
    ]
    best = list(dict.fromkeys(best))
    cheapest, freshest = min(dots)[1], min(dots, key=lambda item: item[0].y)[1]
    if cheapest == freshest:
        return f"{cheapest} was both the freshest and the cheapest, at {spell(min(dots)[0].y, 'seconds')} of age"
    return f"On the frontier: {listed(best)}; {freshest} was the freshest, {cheapest} the cheapest"
